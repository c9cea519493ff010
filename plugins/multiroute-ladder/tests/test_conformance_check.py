"""The shipped check for strategies refuses what breaks the contract."""

from __future__ import annotations

from itertools import count

import pytest

from multiroute_core.api import Accept, Ask, Leg, Stop, Try
from multiroute_core.testing.strategies import BrokenStrategy, check_strategy
from multiroute_ladder import Ladder, LadderSettings


class Honest:
    needs_reply = False
    uses: frozenset[str] = frozenset()

    def next_step(self, plan, history, lease, seed):
        if not plan or not lease.attempts_left or history:
            return Stop("one try is enough")
        return Try((Leg(0),))


class Judging(Honest):
    """Accepts the first answer; `needs_reply` strategies are carried past a success."""

    needs_reply = True

    def next_step(self, plan, history, lease, seed):
        for outcome in history:
            if outcome.fault is None:
                assert outcome.events, "the reply is there to be judged"
                return Accept(outcome.attempt)
        return Ladder(LadderSettings()).next_step(plan, history, lease, seed)


class Outside(Honest):
    def next_step(self, plan, history, lease, seed):
        return Try((Leg(len(plan)),)) if lease.attempts_left else Stop("over")


class Endless(Honest):
    def next_step(self, plan, history, lease, seed):
        return Try((Leg(0),)) if plan else Stop("empty")


class Moody(Honest):
    def __init__(self) -> None:
        self._asked = count()

    def next_step(self, plan, history, lease, seed):
        return Stop(f"asked {next(self._asked)} times")


class Backwards(Honest):
    def next_step(self, plan, history, lease, seed):
        if not plan or not lease.attempts_left or history:
            return Stop("over")
        return Try((Leg(0, after_s=-1.0),))


class Credulous(Honest):
    def next_step(self, plan, history, lease, seed):
        return (
            Accept(len(history) - 1) if history else Honest.next_step(self, plan, (), lease, seed)
        )


class Undeclared(Honest):
    def next_step(self, plan, history, lease, seed):
        return Ask(None, "somebody", 0)


class Silent(Honest):
    def next_step(self, plan, history, lease, seed):
        return None


@pytest.mark.parametrize("strategy", [Honest(), Judging()])
def test_a_strategy_that_keeps_the_contract_passes(strategy) -> None:
    check_strategy(strategy)


@pytest.mark.parametrize(
    ("strategy", "rule"),
    [
        (Outside(), "position of the plan"),
        (Endless(), "without attempts left"),
        (Moody(), "the same inputs gave"),
        (Backwards(), "after_s is a number from 0 on"),
        (Credulous(), "an attempt that succeeded"),
        (Undeclared(), "declared in `uses`"),
        (Silent(), "NoneType is no step"),
    ],
)
def test_a_strategy_that_breaks_the_contract_is_named(strategy, rule: str) -> None:
    with pytest.raises(BrokenStrategy, match=rule):
        check_strategy(strategy)
