"""SignalBook: running averages per target, folded from attempt records."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from multiroute_core.api.faults import FAULTS
from multiroute_core.api.records import AttemptRecord

ALPHA = 0.2
"""Weight of the newest attempt in a running average."""
_NONE: Mapping[str, float] = MappingProxyType({})


def fold(state: Mapping[str, float], attempt: AttemptRecord) -> Mapping[str, float]:
    """The signals of a target after one more attempt.

    Keys: `attempts` (count), `success` (0..1), `first_content_s`, `tokens_per_s`. The client's
    own mistakes and departures say nothing of a target and change nothing.
    """
    blame = FAULTS[attempt.fault].blame if attempt.fault else ""
    if blame in ("caller", "policy", "model"):
        return state
    new = dict(state)
    new["attempts"] = state.get("attempts", 0.0) + 1
    _average(new, "success", 0.0 if attempt.fault else 1.0)
    if not attempt.fault:
        if attempt.first_content_s is not None:
            _average(new, "first_content_s", attempt.first_content_s)
        usage = attempt.usage
        if usage is not None and not usage.estimated and attempt.total_s > 0:
            streaming_s = attempt.total_s - (attempt.first_content_s or 0.0)
            seconds = streaming_s if streaming_s > 0.05 else attempt.total_s
            if usage.output_tokens > 0:
                _average(new, "tokens_per_s", usage.output_tokens / seconds)
    return MappingProxyType(new)


def _average(state: dict[str, float], key: str, value: float) -> None:
    old = state.get(key)
    state[key] = value if old is None else old + ALPHA * (value - old)


class SignalBook:
    """The signals of every target, by target id. `version` changes with each fold."""

    def __init__(self) -> None:
        self._targets: dict[str, Mapping[str, float]] = {}
        self.version = 0

    def add(self, attempt: AttemptRecord) -> None:
        """Fold one attempt in."""
        old = self._targets.get(attempt.target, _NONE)
        new = fold(old, attempt)
        if new is not old:
            self._targets[attempt.target] = new
            self.version += 1

    def of(self, target: str) -> Mapping[str, float]:
        """What is known of a target; empty where nothing is."""
        return self._targets.get(target, _NONE)
