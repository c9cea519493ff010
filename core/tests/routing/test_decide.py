"""Decisions: filters say why, utilities are absolute, scorers that fail lose only their vote."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from multiroute_core.api import (
    Candidate,
    Column,
    DecisionRecord,
    Features,
    Live,
    PerCandidate,
    PriceSheet,
    Quality,
    Rate,
    Scorer,
    Target,
    View,
)
from multiroute_core.routing import Compiled, Policy, record_document, record_json

FEATURES = Features("chat", False, 1000, 500)


def candidate(
    name: str,
    *,
    quality: float | None = None,
    usd: str | None = None,
    context: int | None = None,
    can: dict[str, bool] | None = None,
    weight: float = 1.0,
    priority: int = 0,
) -> Candidate:
    prices = (
        ()
        if usd is None
        else (PriceSheet((Rate("input", Decimal(usd)), Rate("output", Decimal(usd)))),)
    )
    return Candidate(
        Target(f"p:{name}", "p", name, f"lab/{name}", "http://127.0.0.1"),
        context=context,
        capabilities=can or {},
        prices=prices,
        quality={} if quality is None else {"default": Quality(quality, 1.0)},
        weight=weight,
        priority=priority,
    )


class Q(PerCandidate):
    term = "quality"

    def rate(self, candidate: Candidate, features: Features) -> float | None:
        found = candidate.quality.get("default")
        return None if found is None else found.value


class C(PerCandidate):
    term = "cost_usd"

    def rate(self, candidate: Candidate, features: Features) -> float | None:
        if not candidate.prices:
            return None
        usd = float(candidate.prices[0].rates[0].usd)
        return (features.input_tokens + features.output_tokens) * usd / 1e6


def compiled(
    candidates: Sequence[Candidate],
    policy: Policy | None = None,
    scorers: Sequence[tuple[str, Scorer]] = (("q", Q()), ("c", C())),
) -> Compiled:
    view = View("p", "default", tuple(candidates), tuple({} for _ in candidates), at_ms=0)
    return Compiled(view, "v1", policy or Policy("p"), scorers)


def plan(it: Compiled, features: Features = FEATURES, seed: int = 0) -> list[str]:
    decision = it.decide("d1", features, Live(), seed)
    return [it.view.candidates[index].target.upstream_id for index in decision.plan]


def test_utility_is_the_stated_formula() -> None:
    it = compiled([candidate("a", quality=0.8, usd="2")])
    decision = it.decide("d1", FEATURES, Live(), 0)
    assert decision.utilities[0] == pytest.approx(100 * 0.8 - 0.003 / 0.01)


def test_a_known_price_beats_an_unknown_one_of_the_same_quality() -> None:
    assert plan(
        compiled([candidate("dear", quality=0.7), candidate("known", quality=0.7, usd="1")])
    ) == [
        "known",
        "dear",
    ]


def test_a_missing_capability_removes_and_says_why() -> None:
    it = compiled([candidate("a", can={"tools": False}), candidate("b")])
    needs = Features("chat", False, 10, 10, needs=("tools",))
    decision = it.decide("d1", needs, Live(), 0)
    assert [it.view.candidates[i].target.upstream_id for i in decision.plan] == ["b"]
    assert decision.removed[0].filter == "capability"
    assert "tools" in decision.removed[0].reason


def test_a_required_capability_must_be_known_but_a_marked_one_only_when_used() -> None:
    candidates = [candidate("unknown"), candidate("can", can={"tools": True})]
    used = Features("chat", False, 10, 10, needs=("tools",))
    always = compiled(candidates, Policy("p", require=("tools",)))
    marked = compiled(candidates, Policy("p", require=("tools?",)))
    assert plan(always) == ["can"]
    assert sorted(plan(marked)) == ["can", "unknown"]
    assert plan(marked, used) == ["can"]


def test_too_long_a_request_removes_small_contexts() -> None:
    it = compiled([candidate("small", context=900), candidate("big", context=100_000)])
    assert plan(it) == ["big"]


def test_the_floor_and_dropped_unknown_quality_remove() -> None:
    candidates = [candidate("low", quality=0.3), candidate("none"), candidate("good", quality=0.9)]
    assert plan(compiled(candidates, Policy("p", floor=0.5, unknown_quality="drop"))) == ["good"]


def test_priority_weight_and_cost_order_without_scorers() -> None:
    by_priority = [candidate("b", priority=1), candidate("a", priority=0)]
    assert plan(compiled(by_priority, Policy("p", order="priority"))) == ["a", "b"]
    by_cost = [candidate("dear", usd="9"), candidate("cheap", usd="1"), candidate("unknown")]
    assert plan(compiled(by_cost, Policy("p", order="cost"))) == ["cheap", "dear", "unknown"]
    weighted = compiled(
        [candidate("heavy", weight=9), candidate("light", weight=1)], Policy("p", order="weight")
    )
    first = [plan(weighted, seed=seed)[0] for seed in range(2000)]
    assert 0.87 < first.count("heavy") / 2000 < 0.93


def test_equal_candidates_stay_with_their_session() -> None:
    it = compiled([candidate(name, quality=0.5, usd="1") for name in "abcde"])
    firsts = {
        session: plan(it, Features("chat", False, 10, 10, session=session))[0]
        for session in map(str, range(200))
    }
    assert set(firsts.values()) == set("abcde")
    again = compiled([candidate(name, quality=0.5, usd="1") for name in "edcba"])
    for session, first in firsts.items():
        assert plan(again, Features("chat", False, 10, 10, session=session))[0] == first


class Raises(PerCandidate):
    term = "penalty"

    def rate(self, candidate: Candidate, features: Features) -> float | None:
        raise RuntimeError("s3cret")


class NotANumber(PerCandidate):
    term = "penalty"

    def rate(self, candidate: Candidate, features: Features) -> float | None:
        return math.nan


class Mutates:
    term = "penalty"
    reads: frozenset[str] = frozenset()

    def prepare(self, view: View) -> Column:
        view.candidates = ()  # type: ignore[misc]  # the point of this scorer
        return Column(())

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        return ""


class TooFew(PerCandidate):
    term = "penalty"

    def prepare(self, view: View) -> Column:
        return Column((1.0,))

    def rate(self, candidate: Candidate, features: Features) -> float | None:
        return None


@pytest.mark.parametrize("broken", [Raises(), NotANumber(), Mutates(), TooFew()])
def test_a_scorer_that_fails_loses_its_vote_and_is_named(broken: Scorer) -> None:
    candidates = [candidate("a", quality=0.9, usd="1"), candidate("b", quality=0.2, usd="1")]
    it = compiled(candidates, scorers=[("q", Q()), ("bad", broken), ("c", C())])
    decision = it.decide("d1", FEATURES, Live(), 0)
    assert plan(it) == ["a", "b"]
    assert [name for name, _ in decision.votes_lost] == ["bad"]
    assert "s3cret" not in decision.votes_lost[0][1]


qualities = st.one_of(st.none(), st.floats(0, 1))
usds = st.one_of(st.none(), st.integers(0, 200).map(str))
pools = st.lists(st.tuples(qualities, usds), min_size=2, max_size=6)


@given(pools, st.data())
def test_leaving_out_a_candidate_never_reorders_the_rest(
    pool: list[tuple[float | None, str | None]], data: st.DataObject
) -> None:
    candidates = [candidate(f"m{i}", quality=q, usd=u) for i, (q, u) in enumerate(pool)]
    gone = data.draw(st.integers(0, len(candidates) - 1))
    rest = candidates[:gone] + candidates[gone + 1 :]
    expected = [name for name in plan(compiled(candidates)) if name != f"m{gone}"]
    assert plan(compiled(rest)) == expected


@given(pools, st.data())
def test_getting_better_or_cheaper_never_loses_a_place(
    pool: list[tuple[float | None, str | None]], data: st.DataObject
) -> None:
    candidates = [
        candidate(f"m{i}", quality=q or 0.5, usd=u or "5") for i, (q, u) in enumerate(pool)
    ]
    lucky = data.draw(st.integers(0, len(candidates) - 1))
    before = plan(compiled(candidates)).index(f"m{lucky}")
    old_q, old_u = pool[lucky]
    better = candidate(
        f"m{lucky}", quality=min(1.0, (old_q or 0.5) + 0.05), usd=str(int(old_u or 5) // 2)
    )
    after = plan(compiled([*candidates[:lucky], better, *candidates[lucky + 1 :]])).index(
        f"m{lucky}"
    )
    assert after <= before


@given(pools, st.randoms(use_true_random=False))
def test_the_order_of_candidates_in_the_file_does_not_matter_to_scores(
    pool: list[tuple[float | None, str | None]], random: object
) -> None:
    candidates = [candidate(f"m{i}", quality=q, usd=u) for i, (q, u) in enumerate(pool)]
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert plan(compiled(shuffled)) == plan(compiled(candidates))


def test_the_record_explains_every_candidate_in_integers() -> None:
    it = compiled([candidate("a", quality=0.9, usd="1"), candidate("b", can={"tools": False})])
    needs = Features("chat", False, 10, 10, needs=("tools",))
    decision = it.decide("d1", needs, Live(), 0)
    record = DecisionRecord(decision, "p", 0, "config", "lock")
    document = record_document(record, it)
    assert document["plan"] == ["p:a"]
    first, second = document["candidates"]  # type: ignore[misc]  # a list of two
    assert first["terms"][0]["value"] == 900_000_000
    assert first["propensity"] == 1_000_000_000
    assert second["removed"]["filter"] == "capability"

    def refuse(text: str) -> float:
        raise AssertionError(f"a float in the canonical record: {text}")

    json.loads(record_json(record, it), parse_float=refuse)


def test_propensities_by_weight_are_exact() -> None:
    it = compiled([candidate("a", weight=3), candidate("b", weight=1)], Policy("p", order="weight"))
    decision = it.decide("d1", FEATURES, Live(), 5)
    document = record_document(DecisionRecord(decision, "p", 0, "c", "l"), it)
    chances = {c["target"]: c["propensity"] for c in document["candidates"]}  # type: ignore[union-attr,index]
    assert chances == {"p:a": 750_000_000, "p:b": 250_000_000}


def test_a_candidate_that_does_another_operation_is_removed() -> None:
    embeds = Candidate(Target("p:e", "p", "e", "lab/e", ""), operations=("embeddings",))
    chats = Candidate(Target("p:c", "p", "c", "lab/c", ""), operations=("chat",))
    unknown = Candidate(Target("p:u", "p", "u", "lab/u", ""))
    it = compiled([embeds, chats, unknown])
    assert sorted(plan(it, Features("embeddings", False, 1, 0))) == ["e", "u"]
    assert sorted(plan(it, Features("count_tokens", False, 1, 0))) == ["c", "u"]


def test_a_conversation_goes_on_where_its_thinking_can_be_read() -> None:
    reads = Candidate(Target("p:m", "p", "m", "lab/m", "", wires=("messages",)))
    other = Candidate(Target("p:c", "p", "c", "lab/c", "", wires=("chat",)))
    it = compiled([reads, other])
    bound = Features("chat", False, 1, 0, continues="messages")
    decision = it.decide("d1", bound, Live(), 0)
    assert plan(it, bound) == ["m"]
    assert decision.removed[0].filter == "continuation"
    assert sorted(plan(it)) == ["c", "m"]
    foreign = Features("chat", False, 1, 0, continues="some-vendors-own-mark")
    assert sorted(plan(it, foreign)) == ["c", "m"]
