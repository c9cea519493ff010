"""Routing: pure and synchronous, from features and candidates to a decision that explains itself.

No I/O, no clock, no unseeded randomness: what a decision was a function of is in its record.
"""

from multiroute_core.routing.compiled import Compiled
from multiroute_core.routing.features import features_of
from multiroute_core.routing.policy import Policy
from multiroute_core.routing.record import record_document, record_json

__all__ = ["Compiled", "Policy", "features_of", "record_document", "record_json"]
