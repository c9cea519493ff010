"""The conformance check for fallback strategies: many random calls against a model of the core.

def test_my_strategy_keeps_the_contract():
    check_strategy(MyStrategy())
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from msgspec import Struct

from multiroute_core.api import (
    FAULTS,
    Accept,
    Ask,
    Candidate,
    Delta,
    Event,
    FallbackStrategy,
    Fault,
    FaultKind,
    Finish,
    LeaseView,
    Outcome,
    PartStart,
    Start,
    Step,
    Stop,
    Target,
    Try,
)
from multiroute_core.api.content import Part

MOST_STEPS: Final = 64
_REFUSED_HERE: Final[tuple[FaultKind, ...]] = ("circuit_open", "rate_limited_here", "loss_refused")
_ENDS: Final = ("client_closed", "slow_client", "deadline", "no_candidate", "shed")
_UPSTREAM: Final[tuple[FaultKind, ...]] = tuple(
    kind  # type: ignore[misc] # the keys of FAULTS are the kinds
    for kind in FAULTS
    if kind not in (*_REFUSED_HERE, *_ENDS)
)


class BrokenStrategy(AssertionError):
    """A strategy did what the contract forbids; the message tells the call that shows it."""


class _Moment(Struct, frozen=True):
    """What a strategy is given for one step."""

    plan: tuple[Candidate, ...]
    history: tuple[Outcome, ...]
    lease: LeaseView
    seed: int


@dataclass
class _Call:
    """A call under way: what the core would know of it."""

    random: Random
    plan: tuple[Candidate, ...]
    remaining_s: float
    attempts_left: int
    history: list[Outcome] = field(default_factory=list)


def check_strategy(strategy: FallbackStrategy, *, calls: int = 300, seed: int = 0) -> None:
    """Run `calls` random calls: plans, faults, pushbacks and leases differ, `seed` fixes them.

    The strategy must give the same step for the same inputs, stay inside plan and lease, name only
    what it declared in `uses`, accept only attempts that succeeded, and come to an end.

    Raises:
        BrokenStrategy: it did not.
    """
    for number in range(calls):
        _run(strategy, Random(f"{seed}/{number}"))


def random_plan(random: Random, longest: int = 5) -> tuple[Candidate, ...]:
    """Up to so many candidates: few instances, models and credentials, so that they share some."""
    targets = {
        (random.choice("ab"), random.choice("xyz"), random.choice(("", "k1", "k2")))
        for _ in range(random.randint(0, longest))
    }
    return tuple(
        Candidate(
            Target(
                f"{instance}:{model}#{credential}",
                instance,
                model,
                f"lab/{model}" if model != "z" else "",
                f"http://127.0.0.1:1/{instance}",
                credential,
            ),
            context=random.choice((None, 8_000, 128_000)),
        )
        for instance, model, credential in sorted(targets)
    )


def random_fault(random: Random, kinds: Sequence[FaultKind] = _UPSTREAM) -> Fault:
    """A fault of one of these kinds, with any scope and pushback."""
    kind = random.choice(kinds)
    cause = random.choice(kinds) if kind in ("error_event", "error_in_200") else None
    return Fault(
        kind,
        "scripted",
        retry_after_s=random.choice((None, None, 0.0, 0.1, 2.0, 60.0, 300.0)),
        scope=random.choice(("target", "target", "credential", "provider", "model")),
        cause=cause,
    )


def _run(strategy: FallbackStrategy, random: Random) -> None:
    call = _Call(
        random,
        random_plan(random),
        remaining_s=random.choice((0.0, 0.5, 30.0, 600.0)),
        attempts_left=random.randint(0, 6),
    )
    seed = random.getrandbits(64)
    for _ in range(MOST_STEPS):
        admitted = tuple(random.random() < 0.85 for _ in call.plan)
        lease = LeaseView(call.remaining_s, call.attempts_left, None, admitted)
        moment = _Moment(call.plan, tuple(call.history), lease, seed)
        step = _asked(strategy, moment)
        _check(strategy, step, moment)
        if isinstance(step, Try):
            if _attempt(strategy, step, call):
                return
        elif isinstance(step, Ask):
            _judge(step, call)
        else:
            return
    raise BrokenStrategy(f"no end after {MOST_STEPS} steps: {call.history}")


def _asked(strategy: FallbackStrategy, moment: _Moment) -> Step:
    steps = [
        strategy.next_step(moment.plan, moment.history, moment.lease, moment.seed) for _ in range(2)
    ]
    if steps[0] != steps[1]:
        raise BrokenStrategy(f"the same inputs gave {steps[0]} and {steps[1]}: {moment}")
    return steps[0]


def _check(strategy: FallbackStrategy, step: Step, moment: _Moment) -> None:
    def must(condition: bool, rule: str) -> None:
        if not condition:
            raise BrokenStrategy(f"{rule}: {step} for {moment}")

    if isinstance(step, Try):
        must(bool(step.legs), "Try needs a leg")
        must(moment.lease.attempts_left > 0, "no Try without attempts left")
        must(len(step.legs) <= moment.lease.attempts_left, "no more legs than attempts left")
        for leg in step.legs:
            must(0 <= leg.target < len(moment.plan), "a leg's target is a position of the plan")
            must(math.isfinite(leg.after_s) and leg.after_s >= 0, "after_s is a number from 0 on")
    elif isinstance(step, Ask):
        must(step.to in strategy.uses, "`to` must be declared in `uses`")
        must(_is_answered(step.about, moment), "`about` is an attempt that succeeded")
        must(moment.lease.attempts_left > 0, "Ask is an attempt too")
    elif isinstance(step, Accept):
        must(_is_answered(step.attempt, moment), "Accept names an attempt that succeeded")
    elif isinstance(step, Stop):
        must(bool(step.reason), "Stop needs a reason")
    else:
        raise BrokenStrategy(f"{type(step).__name__} is no step: Try, Ask, Accept or Stop")


def _is_answered(attempt: int, moment: _Moment) -> bool:
    return any(
        outcome.attempt == attempt and outcome.fault is None and outcome.purpose == "answer"
        for outcome in moment.history
    )


def _attempt(strategy: FallbackStrategy, step: Try, call: _Call) -> bool:
    """Every leg leaves an outcome. True: the first content went to the client, which ends it."""
    for leg in step.legs:
        number = len(call.history)
        if call.random.random() < 0.1:
            refused = random_fault(call.random, _REFUSED_HERE)
            call.history.append(Outcome(number, leg.target, refused, 0.0))
            continue
        elapsed_s = call.random.choice((0.0, 0.05, 1.0))
        call.attempts_left -= 1
        call.remaining_s = max(0.0, call.remaining_s - leg.after_s - elapsed_s)
        if call.random.random() < 0.2:
            events = _ANSWER if strategy.needs_reply else None
            call.history.append(Outcome(number, leg.target, None, elapsed_s, events=events))
            if not strategy.needs_reply:
                return True
        else:
            fault = random_fault(call.random)
            call.history.append(Outcome(number, leg.target, fault, elapsed_s))
    return False


def _judge(step: Ask, call: _Call) -> None:
    call.attempts_left -= 1
    fault = random_fault(call.random) if call.random.random() < 0.3 else None
    call.history.append(
        Outcome(
            len(call.history),
            0,
            fault,
            0.05,
            purpose="judge",
            events=None if fault else _ANSWER,
            about=step.about,
        )
    )


_ANSWER: Final[tuple[Event, ...]] = (
    Start("r1", "m"),
    PartStart(0, Part("text")),
    Delta(0, "text", "yes"),
    Finish("stop", "stop"),
)
