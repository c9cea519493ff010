"""The ladder: where the next try has the best chance, by the last fault's row in `FAULTS`."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api import (
    Accept,
    Candidate,
    Fault,
    LeaseView,
    Leg,
    Outcome,
    Step,
    Stop,
    Target,
    Try,
)
from multiroute_ladder.backoff import backoff_s, jitter
from multiroute_ladder.settings import ALWAYS_ON, LadderSettings
from multiroute_ladder.standing import Standing, is_other_key, model_of, standings

_RUNGS = ("other key", "other target", "other model")


class Ladder:
    """Retry the same target, then another key, another target, another model.

    Order: (1) the same target again, if the fault may pass and `retries_same` is not used up,
    after the upstream's pushback or a jittered back-off; (2) candidates that have not been tried,
    at once: other keys for the same offering, other targets of the same model, other models, each
    in plan order; (3) targets tried before whose fault may pass, the shortest wait first.

    A rate limit goes to (2) at once, and so do a pushback longer than `backoff_base` and the last
    attempt of the lease: somebody else may answer meanwhile. No wait is longer than what the
    deadline leaves. What a fault says of a whole credential or instance holds for all targets of
    it.
    """

    def __init__(self, settings: LadderSettings) -> None:
        self._on = None if settings.on is None else frozenset[str](settings.on)
        self._retries_same = settings.retries_same
        self._base_s = settings.backoff_base
        self._max_s = settings.backoff_max

    @property
    def needs_reply(self) -> bool:
        """False: the first content goes to the client."""
        return False

    @property
    def uses(self) -> frozenset[str]:
        """Empty: it asks nobody."""
        return frozenset()

    def next_step(
        self, plan: Sequence[Candidate], history: Sequence[Outcome], lease: LeaseView, seed: int
    ) -> Step:
        """The next attempt, or the end."""
        if not plan:
            return Stop("the plan is empty")
        if lease.attempts_left <= 0:
            return Stop("no attempts left")
        if lease.remaining_s <= 0:
            return Stop("the deadline has passed")
        if not history:
            return Try((Leg(0, why="first of the plan"),))
        last = history[-1]
        if last.fault is None:
            return Accept(last.attempt)
        if reason := self._final(last.fault):
            return Stop(reason)
        return self._climb(plan, history, last.target, last.fault, lease, seed)

    def _final(self, fault: Fault) -> str:
        """Why nothing else is tried after this fault; "" if something is."""
        kind, row = fault.treated_as, fault.row
        if kind in ALWAYS_ON:
            return ""
        if not (row.same or row.other_key or row.other_target or row.other_model):
            return f"no other try helps against {kind}"
        if self._on is not None and not self._on & {kind, fault.kind}:
            return f"{kind} is not among the faults that `on` names"
        return ""

    def _climb(
        self,
        plan: Sequence[Candidate],
        history: Sequence[Outcome],
        failed: int,
        fault: Fault,
        lease: LeaseView,
        seed: int,
    ) -> Step:
        stands = standings(plan, history)
        open_now = [at for at in range(len(plan)) if not stands[at].is_out and _admits(lease, at)]
        fresh = [at for at in open_now if not stands[at].failures]
        waits = {
            at: self._wait_s(stands[at], plan[at].target, len(history), seed)
            for at in open_now
            if 0 < stands[at].failures <= self._retries_same
        }
        again = sorted(
            (at for at in waits if waits[at] < lease.remaining_s), key=lambda at: (waits[at], at)
        )
        kind = fault.treated_as
        may_stay = lease.attempts_left > 1 and self._stays(kind, stands[failed])
        if failed in again and (may_stay or not fresh):
            return _again(failed, waits[failed], kind)
        if fresh:
            here = plan[failed].target
            best = min(fresh, key=lambda at: _rank(here, plan[at], at, kind))
            return Try((Leg(best, why=f"{_RUNGS[_rung(here, plan[best].target)]}: {kind}"),))
        if again:
            return _again(again[0], waits[again[0]], kind)
        return Stop(f"no candidate is left after {kind}")

    def _stays(self, kind: str, stand: Standing) -> bool:
        """Whether the same target comes before others that are fresh."""
        if stand.pushback_s is not None:
            return stand.pushback_s <= self._base_s
        return kind != "rate_limited"

    def _wait_s(self, stand: Standing, target: Target, step: int, seed: int) -> float:
        if stand.pushback_s is not None:
            return stand.pushback_s
        share = jitter(seed, target.id, step)
        return backoff_s(stand.failures, self._base_s, self._max_s, share)


def _admits(lease: LeaseView, position: int) -> bool:
    return position >= len(lease.may_retry) or lease.may_retry[position]


def _again(position: int, wait_s: float, kind: str) -> Try:
    return Try((Leg(position, wait_s, f"same target again: {kind}"),))


def _rung(here: Target, there: Target) -> int:
    if is_other_key(here, there):
        return 0
    return 1 if model_of(here) == model_of(there) else 2


def _rank(here: Target, there: Candidate, position: int, kind: str) -> tuple[bool, int, int]:
    """Lower is tried first. Where the context was too short, an unknown one comes last."""
    is_guess = kind == "context_length" and there.context is None
    return is_guess, _rung(here, there.target), position
