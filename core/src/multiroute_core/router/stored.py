"""Stored decisions: read back with what they cite."""

from __future__ import annotations

from msgspec import Struct

from multiroute_core.api.errors import ConfigError
from multiroute_core.api.records import AttemptRecord, CallRecord, DecisionRecord
from multiroute_core.api.routing import View


class ReplayMismatch(ConfigError):
    """A decision cannot be replayed here: what it was a function of has changed."""

    code = "replay_mismatch"


class StoredDecision(Struct, frozen=True):
    """A decision, its view, and what became of the call."""

    record: DecisionRecord
    view: View
    call: CallRecord | None
    attempts: tuple[AttemptRecord, ...]
