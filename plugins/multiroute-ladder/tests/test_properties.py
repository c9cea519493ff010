"""What holds of the ladder for any plan, any faults and any lease."""

from __future__ import annotations

from random import Random

from hypothesis import given, strategies as st

from multiroute_core.api import FAULTS, Fault, LeaseView, Outcome, Stop, Try
from multiroute_core.testing.strategies import check_strategy, random_plan
from multiroute_ladder import Ladder, LadderSettings

faults = st.builds(
    lambda kind, pushback_s, scope: Fault(kind, "", retry_after_s=pushback_s, scope=scope),
    st.sampled_from(sorted(FAULTS)),
    st.none() | st.floats(0, 300),
    st.sampled_from(["target", "credential", "provider", "model"]),
)
passing = st.builds(
    lambda kind, pushback_s: Fault(kind, "", retry_after_s=pushback_s),
    st.sampled_from(sorted(kind for kind, row in FAULTS.items() if row.same)),
    st.none() | st.floats(0, 5),
)
plans = st.integers(0, 2**32).map(lambda seed: random_plan(Random(seed), 6))
settings = st.builds(LadderSettings, retries_same=st.integers(0, 4))
seeds = st.integers(0, 2**64 - 1)


def run(ladder, plan, faults, seed, *, remaining_s=30.0, attempts=99, admitted=None):
    """The positions tried and the history, until the ladder stops or the faults are used up."""
    history: list[Outcome] = []
    tried: list[int] = []
    for fault in faults:
        lease = LeaseView(remaining_s, attempts - len(tried), None, admitted or (True,) * len(plan))
        step = ladder.next_step(plan, tuple(history), lease, seed)
        assert step == ladder.next_step(plan, tuple(history), lease, seed)
        if isinstance(step, Stop):
            return tried, history, step
        assert isinstance(step, Try)
        [leg] = step.legs
        assert leg.after_s < remaining_s or not history
        tried.append(leg.target)
        history.append(Outcome(len(history), leg.target, fault, 0.0))
    return tried, history, None


def test_it_keeps_the_contract() -> None:
    for retries_same in (0, 1, 3):
        check_strategy(Ladder(LadderSettings(retries_same=retries_same)))
    check_strategy(Ladder(LadderSettings(on=("rate_limited", "overloaded"))), seed=1)


@given(settings, plans, st.lists(faults, min_size=60, max_size=60), seeds)
def test_no_target_is_tried_more_than_its_retries_allow(settings, plan, faults, seed) -> None:
    _, history, end = run(Ladder(settings), plan, faults, seed)
    assert isinstance(end, Stop), "it comes to an end by itself"
    for position in range(len(plan)):
        outcomes = [outcome for outcome in history if outcome.target == position]
        assert len(outcomes) <= 1 + settings.retries_same
        for outcome in outcomes[:-1]:
            assert outcome.fault.row.same, "a fault that does not pass is not met twice"


@given(settings, plans, st.lists(faults, min_size=30, max_size=30), seeds, st.integers(0, 6))
def test_it_never_exceeds_the_attempts(settings, plan, faults, seed, attempts) -> None:
    tried, _, _ = run(Ladder(settings), plan, faults, seed, attempts=attempts)
    assert len(tried) <= attempts


@given(plans, st.lists(faults, min_size=30, max_size=30), seeds)
def test_a_whole_credential_or_provider_is_left_for_good(plan, faults, seed) -> None:
    _, history, _ = run(Ladder(LadderSettings()), plan, faults, seed)
    left: list[tuple[Fault, int]] = []
    for outcome in history:
        here = plan[outcome.target].target
        for fault, position in left:
            there = plan[position].target
            same_instance = here.instance == there.instance and position != outcome.target
            assert not (fault.scope == "provider" and same_instance)
            same_key = same_instance and here.credential == there.credential
            assert not (fault.scope == "credential" and same_key)
        if FAULTS[outcome.fault.kind].blame != "policy":
            left.append((outcome.fault, outcome.target))


@given(plans, st.lists(passing, min_size=60, max_size=60), seeds)
def test_when_every_fault_may_pass_each_target_that_may_help_is_tried(plan, faults, seed) -> None:
    tried, _, _ = run(Ladder(LadderSettings()), plan, faults, seed)
    offerings = {(c.target.instance, c.target.upstream_id) for c in plan}
    reached = {(plan[p].target.instance, plan[p].target.upstream_id) for p in tried}
    assert reached == offerings


@given(plans, st.lists(faults, min_size=10, max_size=10), seeds, st.data())
def test_only_the_first_try_goes_to_a_target_that_core_would_refuse(
    plan, faults, seed, data
) -> None:
    admitted = tuple(data.draw(st.booleans()) for _ in plan)
    tried, _, _ = run(Ladder(LadderSettings()), plan, faults, seed, admitted=admitted)
    assert all(admitted[position] for position in tried[1:])
