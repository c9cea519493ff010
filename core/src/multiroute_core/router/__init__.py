"""The router: everything put together. `MultiRoute` is the in-process library and what the
gateway and the commands stand on."""

from multiroute_core.router.cards import ModelCard
from multiroute_core.router.multiroute import InstanceSummary, MultiRoute
from multiroute_core.router.stored import ReplayMismatch, StoredDecision

__all__ = ["InstanceSummary", "ModelCard", "MultiRoute", "ReplayMismatch", "StoredDecision"]
