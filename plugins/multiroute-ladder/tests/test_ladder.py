"""The ladder: which try comes next, fault by fault."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from multiroute_core.api import (
    Accept,
    Candidate,
    Fault,
    FaultKind,
    LeaseView,
    Outcome,
    Step,
    Stop,
    Target,
    Try,
)
from multiroute_ladder import Ladder, LadderSettings

BIG = LeaseView(remaining_s=30.0, attempts_left=5, spend_left_pusd=None, may_retry=())
RETRYABLE: tuple[FaultKind, ...] = (
    "overloaded",
    "upstream_5xx",
    "connect_error",
    "reset",
    "protocol",
    "truncated",
    "empty",
    "too_large",
    "error_event",
    "error_in_200",
)


def at(place: str, model: str = "m", key: str = "", context: int | None = None) -> Candidate:
    target = Target(f"{place}:{model}#{key}", place, model, f"lab/{model}", "", key)
    return Candidate(target, context=context)


def failed(
    position: int, kind: FaultKind, *, attempt: int = 0, elapsed_s: float = 0.0, **more
) -> Outcome:
    return Outcome(attempt, position, Fault(kind, "scripted", **more), elapsed_s)


def step(
    plan: Sequence[Candidate],
    *history: Outcome,
    lease: LeaseView = BIG,
    seed: int = 1,
    **settings,
) -> Step:
    ladder = Ladder(LadderSettings(**settings))
    return ladder.next_step(tuple(plan), history, lease, seed)


def target(made: Step) -> int:
    assert isinstance(made, Try), made
    assert len(made.legs) == 1
    return made.legs[0].target


def wait_s(made: Step) -> float:
    assert isinstance(made, Try), made
    return made.legs[0].after_s


def lease(*may_retry: bool, remaining_s: float = 30.0, attempts_left: int = 5) -> LeaseView:
    return LeaseView(remaining_s, attempts_left, None, may_retry)


# ---- beginning and end


def test_the_first_try_is_the_first_of_the_plan_at_once() -> None:
    made = step([at("a"), at("b")])
    assert (target(made), wait_s(made)) == (0, 0.0)


def test_an_empty_plan_ends_the_call() -> None:
    assert isinstance(step([]), Stop)


def test_without_attempts_or_time_the_call_ends() -> None:
    plan = [at("a"), at("b")]
    assert isinstance(step(plan, lease=lease(attempts_left=0)), Stop)
    assert isinstance(
        step(plan, failed(0, "reset"), lease=lease(True, True, remaining_s=0.0)), Stop
    )


def test_an_answer_that_is_there_is_accepted() -> None:
    made = step([at("a")], Outcome(3, 0, None, 0.5))
    assert made == Accept(3)


@pytest.mark.parametrize(
    "kind",
    [
        "bad_request",
        "client_closed",
        "slow_client",
        "refused_by_guard",
        "budget_exhausted",
        "deadline",
        "no_candidate",
    ],
)
def test_what_no_other_try_can_help_ends_the_call(kind: FaultKind) -> None:
    made = step([at("a"), at("b")], failed(0, kind))
    assert isinstance(made, Stop)
    assert kind in made.reason


# ---- the rungs


@pytest.mark.parametrize("kind", RETRYABLE)
def test_a_fault_that_may_pass_is_retried_once_at_the_same_target(kind: FaultKind) -> None:
    plan = [at("a"), at("b")]
    first = step(plan, failed(0, kind))
    assert target(first) == 0
    assert 0.0 <= wait_s(first) < 0.25
    second = step(plan, failed(0, kind), failed(0, kind, attempt=1))
    assert (target(second), wait_s(second)) == (1, 0.0)


@pytest.mark.parametrize("kind", ["first_content_timeout", "stall", "not_found", "plugin_error"])
def test_a_fault_that_will_not_pass_goes_to_the_next_target_at_once(kind: FaultKind) -> None:
    made = step([at("a"), at("b")], failed(0, kind))
    assert (target(made), wait_s(made)) == (1, 0.0)


@pytest.mark.parametrize("kind", ["quota_exhausted", "upstream_auth"])
def test_a_fault_of_the_key_goes_to_the_other_key_first(kind: FaultKind) -> None:
    plan = [at("a", key="k1"), at("b"), at("a", "other", key="k1"), at("a", key="k2")]
    assert target(step(plan, failed(0, kind))) == 3
    then = step(plan, failed(0, kind), failed(3, kind, attempt=1))
    assert target(then) == 1
    last = step(plan, failed(0, kind), failed(3, kind, attempt=1), failed(1, kind, attempt=2))
    assert isinstance(last, Stop), "every other model stands behind a key that failed"


def test_another_target_of_the_same_model_comes_before_another_model() -> None:
    plan = [at("a", "m"), at("b", "other"), at("b", "m")]
    history = [failed(0, "first_content_timeout")]
    assert target(step(plan, *history)) == 2
    history.append(failed(2, "first_content_timeout", attempt=1))
    assert target(step(plan, *history)) == 1


def test_a_model_without_a_name_is_no_other_target_of_another_one() -> None:
    unnamed = [Candidate(Target(f"{i}:{i}", i, i, "", "")) for i in ("a", "b")]
    plan = [unnamed[0], at("c"), unnamed[1]]
    assert target(step(plan, failed(0, "stall"))) == 1


def test_another_key_does_not_help_an_endpoint_that_is_down() -> None:
    plan = [at("a", key="k1"), at("a", key="k2"), at("b")]
    assert target(step(plan, failed(0, "overloaded"), retries_same=0)) == 2


def test_what_was_tried_is_tried_again_only_after_everything_else() -> None:
    plan = [at("a"), at("b")]
    history = [failed(0, "rate_limited", retry_after_s=9.0)]
    history += [failed(1, "rate_limited", attempt=1, retry_after_s=3.0, elapsed_s=4.0)]
    made = step(plan, *history)
    assert (target(made), wait_s(made)) == (1, 3.0), "the shorter wait"
    history += [failed(1, "rate_limited", attempt=2, retry_after_s=20.0, elapsed_s=1.0)]
    made = step(plan, *history)
    assert (target(made), wait_s(made)) == (0, 4.0), "9 s, of which at least 5 have passed"
    history += [failed(0, "rate_limited", attempt=3, retry_after_s=1.0)]
    assert isinstance(step(plan, *history), Stop)


# ---- the model's limits


def test_too_long_an_input_goes_to_a_larger_model_and_to_an_unknown_one_last() -> None:
    plan = [
        at("a", "m", context=8_000),
        at("b", "m", context=128_000),
        at("a", "small", context=8_000),
        at("a", "unknown"),
        at("a", "large", context=32_000),
    ]
    history = [failed(0, "context_length")]
    assert target(step(plan, *history)) == 4
    history.append(failed(4, "context_length", attempt=1))
    assert target(step(plan, *history)) == 3
    history.append(failed(3, "context_length", attempt=2))
    assert isinstance(step(plan, *history), Stop)


def test_a_filtered_input_goes_to_another_model_only() -> None:
    plan = [at("a", "m", key="k1"), at("a", "m", key="k2"), at("b", "m"), at("c", "other")]
    assert target(step(plan, failed(0, "content_filter"))) == 3
    assert isinstance(step(plan[:3], failed(0, "content_filter")), Stop)


# ---- pushback and back-off


def test_a_rate_limit_goes_elsewhere_at_once() -> None:
    plan = [at("a"), at("b")]
    for pushback_s in (None, 1.0, 20.0):
        made = step(plan, failed(0, "rate_limited", retry_after_s=pushback_s))
        assert (target(made), wait_s(made)) == (1, 0.0)


def test_pushback_no_longer_than_the_back_off_is_waited_out() -> None:
    made = step([at("a"), at("b")], failed(0, "rate_limited", retry_after_s=0.2))
    assert (target(made), wait_s(made)) == (0, 0.2)


def test_long_pushback_of_an_overload_goes_elsewhere() -> None:
    made = step([at("a"), at("b")], failed(0, "overloaded", retry_after_s=10.0))
    assert target(made) == 1


def test_with_nowhere_else_to_go_pushback_is_kept_exactly() -> None:
    made = step([at("a")], failed(0, "rate_limited", retry_after_s=12.0))
    assert (target(made), wait_s(made)) == (0, 12.0)


def test_pushback_beyond_the_deadline_ends_the_call() -> None:
    made = step([at("a")], failed(0, "rate_limited", retry_after_s=31.0))
    assert isinstance(made, Stop)


def test_the_back_off_doubles_up_to_its_cap_with_full_jitter() -> None:
    settings = {"retries_same": 6, "backoff_base": "1s", "backoff_max": "4s"}
    for failures, longest_s in ((1, 1.0), (2, 2.0), (3, 4.0), (6, 4.0)):
        history = [failed(0, "reset", attempt=n) for n in range(failures)]
        waits = [wait_s(step([at("a")], *history, seed=seed, **settings)) for seed in range(300)]
        assert 0.0 <= min(waits) < 0.05 * longest_s
        assert 0.95 * longest_s < max(waits) <= longest_s
        assert len(set(waits)) == 300


# ---- scope


@pytest.mark.parametrize(
    ("scope", "next_position"), [("target", 1), ("credential", 2), ("provider", 3)]
)
def test_a_fault_holds_for_all_that_it_speaks_of(scope: str, next_position: int) -> None:
    plan = [at("a", "m", "k1"), at("a", "n", "k1"), at("a", "n", "k2"), at("b", "n")]
    assert target(step(plan, failed(0, "rate_limited", scope=scope))) == next_position


def test_a_fault_of_the_model_holds_for_all_keys_of_that_offering() -> None:
    plan = [at("a", "m", "k1"), at("a", "m", "k2"), at("b", "m")]
    assert target(step(plan, failed(0, "rate_limited", scope="target"))) == 1
    assert target(step(plan, failed(0, "rate_limited", scope="model"))) == 2


def test_a_fault_that_may_pass_is_retried_although_it_speaks_of_the_whole_provider() -> None:
    made = step([at("a", "m"), at("a", "n")], failed(0, "connect_error", scope="provider"))
    assert target(made) == 0


# ---- what core says


@pytest.mark.parametrize("kind", ["circuit_open", "rate_limited_here", "spend", "shed"])
def test_a_leg_that_core_refused_goes_to_the_next_candidate(kind: FaultKind) -> None:
    plan = [at("a", key="k1"), at("a", key="k2"), at("b")]
    history = [failed(0, kind)]
    assert target(step(plan, *history, on=[])) == 1, "whatever `on` says"
    history.append(failed(1, kind))
    assert target(step(plan, *history, on=[])) == 2
    history.append(failed(2, kind))
    assert isinstance(step(plan, *history, on=[]), Stop), "none is asked twice"


def test_losses_that_the_profile_refuses_would_be_the_same_under_another_key() -> None:
    plan = [at("a", key="k1"), at("a", key="k2"), at("b")]
    assert target(step(plan, failed(0, "loss_refused"), on=[])) == 2


def test_a_candidate_that_core_would_refuse_is_passed_over() -> None:
    plan = [at("a"), at("b"), at("c")]
    assert target(step(plan, failed(0, "reset"), lease=lease(False, False, True))) == 2
    assert isinstance(step(plan, failed(0, "reset"), lease=lease(False, False, False)), Stop)


def test_the_last_attempt_goes_elsewhere() -> None:
    plan = [at("a"), at("b")]
    assert target(step(plan, failed(0, "reset"), lease=lease(True, True, attempts_left=1))) == 1
    assert target(step(plan[:1], failed(0, "reset"), lease=lease(True, attempts_left=1))) == 0


def test_an_error_inside_an_answer_is_treated_as_what_it_means() -> None:
    plan = [at("a"), at("b")]
    overloaded = failed(0, "error_event", cause="overloaded")
    assert target(step(plan, overloaded)) == 0
    assert isinstance(step(plan, failed(0, "error_in_200", cause="bad_request")), Stop)
    assert isinstance(step(plan, overloaded, on=["reset"]), Stop)
    assert target(step(plan, overloaded, on=["overloaded"])) == 0
    assert target(step(plan, overloaded, on=["error_event"])) == 0


def test_a_fault_that_the_profile_does_not_name_ends_the_call() -> None:
    plan = [at("a"), at("b")]
    made = step(plan, failed(0, "reset"), on=["rate_limited"])
    assert made == Stop("reset is not among the faults that `on` names")


def test_each_leg_says_why() -> None:
    plan = [at("a", key="k1"), at("a", key="k2"), at("b"), at("c", "other")]
    said = []
    for history in (
        (),
        (failed(0, "reset"),),
        (failed(0, "quota_exhausted"),),
        (failed(0, "stall"),),
        (failed(0, "content_filter"),),
    ):
        made = step(plan, *history)
        assert isinstance(made, Try)
        said.append(made.legs[0].why)
    assert said == [
        "first of the plan",
        "same target again: reset",
        "other key: quota_exhausted",
        "other target: stall",
        "other model: content_filter",
    ]
