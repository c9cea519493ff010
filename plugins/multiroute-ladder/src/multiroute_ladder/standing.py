"""What a call's failures so far say of each candidate of its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from multiroute_core.api import Candidate, Fault, Outcome, Target


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate: how often it failed, whether it is out for this call, and how many seconds
    of the pushback of its last failure are left at least (None: it gave none)."""

    failures: int
    is_out: bool
    pushback_s: float | None


def model_of(target: Target) -> str:
    """The model behind a target; one whose model is unknown is only like itself.

    >>> model_of(Target("a:m", "a", "m", "", ""))
    'a:m'
    """
    return target.model or f"{target.instance}:{target.upstream_id}"


def is_other_key(target: Target, other: Target) -> bool:
    """Whether both are the same offering at the same instance, with different credentials."""
    return (target.instance, target.upstream_id) == (
        other.instance,
        other.upstream_id,
    ) and target.credential != other.credential


def standings(plan: Sequence[Candidate], history: Sequence[Outcome]) -> tuple[Standing, ...]:
    """One standing a candidate of the plan."""
    failures = [0] * len(plan)
    is_out = [False] * len(plan)
    pushback_s: list[float | None] = [None] * len(plan)
    for outcome in history:
        fault = outcome.fault
        if fault is None:
            continue
        # Attempts of ours run one after the other: what has passed since then is at least this.
        pushback_s = [
            None if left is None else max(0.0, left - outcome.elapsed_s) for left in pushback_s
        ]
        failures[outcome.target] += 1
        pushback_s[outcome.target] = fault.retry_after_s
        for position in range(len(plan)):
            if _puts_out(fault, plan, outcome.target, position):
                is_out[position] = True
    return tuple(map(Standing, failures, is_out, pushback_s))


def _puts_out(fault: Fault, plan: Sequence[Candidate], failed: int, position: int) -> bool:
    """Whether this fault at `failed` makes an attempt at `position` pointless."""
    row = fault.row
    if position == failed:
        return not row.same
    if not (row.other_key or row.other_target or row.other_model):
        return False  # refused by the core: that says nothing of the others
    here, there = plan[failed].target, plan[position].target
    if _is_covered(fault, here, there):
        return True
    if is_other_key(here, there):
        return not row.other_key
    if model_of(here) == model_of(there):
        return not row.other_target
    return not row.other_model or _is_too_small(fault, plan[failed], plan[position])


def _is_covered(fault: Fault, here: Target, there: Target) -> bool:
    """Whether the fault speaks of the other target too."""
    if here.instance != there.instance:
        return False
    scope = fault.scope
    if scope == "target" and fault.row.blame == "credential":
        scope = "credential"
    if scope == "provider":
        return True
    if scope == "credential":
        return here.credential == there.credential
    return scope == "model" and here.upstream_id == there.upstream_id


def _is_too_small(fault: Fault, here: Candidate, there: Candidate) -> bool:
    """Whether the input that did not fit here cannot fit there; unknown sizes may."""
    if fault.treated_as != "context_length" or here.context is None or there.context is None:
        return False
    return there.context <= here.context
