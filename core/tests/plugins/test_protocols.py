from __future__ import annotations

import functools
from unittest.mock import MagicMock

import pytest

from multiroute_core.api import (
    Column,
    Extension,
    FallbackStrategy,
    Guard,
    Observer,
    PerCandidate,
    Provider,
    Scorer,
    Stop,
    Store,
)
from multiroute_core.plugins import check_conforms
from multiroute_core.plugins.kinds import PROTOCOLS
from multiroute_core.plugins.protocols import contract_members


class GoodScorer:
    term = "penalty"
    reads = frozenset({"live"})

    def prepare(self, view):
        return Column(())

    def why(self, view, features, live, index):
        return ""


class GoodObserver:
    async def start(self): ...

    async def observe(self, records): ...

    async def aclose(self): ...


class GoodStrategy:
    needs_reply = False
    uses = frozenset()

    def next_step(self, plan, history, lease, seed):
        return Stop("")


def test_conforming_objects_pass():
    assert check_conforms(GoodScorer(), Scorer) == ()
    assert check_conforms(GoodObserver(), Observer) == ()
    assert check_conforms(GoodStrategy(), FallbackStrategy) == ()


def test_the_short_scorer_of_the_contract_passes():
    class Short(PerCandidate):
        term = "penalty"

        def rate(self, candidate, features):
            return 1.0

    assert check_conforms(Short(), Scorer) == ()


@pytest.mark.parametrize("protocol", [*PROTOCOLS.values()])
def test_each_member_of_each_protocol_is_missed(protocol):
    problems = check_conforms(object(), protocol)
    assert len(problems) == len(contract_members(protocol))
    assert all("is missing; expected" in problem for problem in problems)


@pytest.mark.parametrize(
    ("protocol", "count"),
    [
        (Provider, 11),
        (Scorer, 4),
        (FallbackStrategy, 3),
        (Observer, 3),
        (Store, 6),
        (Guard, 8),
        (Extension, 6),
    ],
)
def test_the_members_that_are_looked_at_are_the_contracts(protocol, count):
    assert len(contract_members(protocol)) == count


def test_inheriting_the_protocols_empty_methods_is_not_implementing_them():
    class Lazy(Observer):
        async def start(self) -> None: ...

    assert [p.split(" ")[0] for p in check_conforms(Lazy(), Observer)] == ["`observe`", "`aclose`"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda self, batch: None, "found `def observe(batch)`"),
        ("records", "`observe` is a str"),
        (None, "`observe` is a NoneType"),
    ],
)
def test_a_wrong_member_is_told_with_expected_and_found(bad, words):
    broken = type("Broken", (GoodObserver,), {"observe": bad})()
    (problem,) = check_conforms(broken, Observer)
    assert "`async def observe(records)`" in problem
    assert words in problem


class Variants:
    async def renamed(self, batch): ...
    async def extra(self, records, more): ...
    async def keyword_only(self, *, records): ...
    async def positional_only(self, records, /): ...
    async def fewer(self): ...
    async def star(self, *args): ...
    async def generator(self, records):
        yield

    def sync(self, records): ...


@pytest.mark.parametrize("name", [name for name in vars(Variants) if not name.startswith("_")])
def test_each_way_to_break_a_signature_is_refused(name):
    broken = type("Broken", (GoodObserver,), {"observe": vars(Variants)[name]})()
    (problem,) = check_conforms(broken, Observer)
    assert problem.startswith("`observe` ")


def test_order_of_parameters_counts():
    class Swapped(GoodStrategy):
        def next_step(self, history, plan, lease, seed): ...

    (problem,) = check_conforms(Swapped(), FallbackStrategy)
    assert "found `def next_step(history, plan, lease, seed)`" in problem


def test_an_async_method_where_a_plain_one_is_called_is_refused():
    class Waits(GoodScorer):
        async def prepare(self, view): ...

    (problem,) = check_conforms(Waits(), Scorer)
    assert "should be `def prepare(view)`, found `async def prepare(view)`" in problem


def test_a_generator_where_a_value_is_expected_is_refused():
    class Yields(GoodScorer):
        def prepare(self, view):
            yield Column(())

    (problem,) = check_conforms(Yields(), Scorer)
    assert "is a generator function" in problem


def test_further_parameters_with_defaults_are_welcome():
    class More(GoodScorer):
        def prepare(self, view, depth=3, *, fast=True, **kw):
            return Column(())

    assert check_conforms(More(), Scorer) == ()


def test_decorators_pass_with_wraps_and_only_with_it():
    def wrapped(function):
        @functools.wraps(function)
        async def call(*args, **kwargs):
            return await function(*args, **kwargs)

        return call

    def bare(function):
        async def call(*args, **kwargs):
            return await function(*args, **kwargs)

        return call

    class Good(GoodObserver):
        observe = wrapped(GoodObserver.observe)

    class Bad(GoodObserver):
        observe = bare(GoodObserver.observe)

    assert check_conforms(Good(), Observer) == ()
    (problem,) = check_conforms(Bad(), Observer)
    assert "found `async def observe(*args, **kwargs)`" in problem


def test_a_plain_wrapper_around_an_async_method_hands_the_coroutine_on():
    def logged(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            return function(*args, **kwargs)

        return call

    class Good(GoodObserver):
        observe = logged(GoodObserver.observe)

    class Bad(GoodScorer):
        @logged
        async def prepare(self, view): ...

    assert check_conforms(Good(), Observer) == ()
    assert len(check_conforms(Bad(), Scorer)) == 1


def test_static_methods_partials_and_instance_attributes_count_as_they_are_called():
    class Odd(GoodObserver):
        @staticmethod
        async def start(): ...

        def __init__(self):
            async def observe(sink, records): ...

            self.observe = functools.partial(observe, [])

    assert check_conforms(Odd(), Observer) == ()


def test_a_mock_is_no_plugin():
    assert len(check_conforms(MagicMock(), Observer)) == 3


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("term", "speed", "no Literal["),
        ("reads", {"live"}, "`reads` is a set that is no frozenset[str]"),
        ("term", property(lambda self: 1 / 0), "`term` raised ZeroDivisionError"),
        ("term", lambda self: "penalty", "make it a property"),
    ],
)
def test_properties_are_there_and_of_their_type(member, value, words):
    broken = type("Broken", (GoodScorer,), {member: value})()
    (problem,) = check_conforms(broken, Scorer)
    assert words in problem


def test_the_optional_parts_of_a_scorer_are_checked_where_it_has_them():
    class Filters(GoodScorer):
        def filter(self, view, features, live):
            return ()

        def fold(self, state, outcome):
            return state

    class Wrong(GoodScorer):
        def filter(self, view):
            return ()

        async def fold(self, state, outcome): ...

    assert check_conforms(Filters(), Scorer) == ()
    assert [p.split(" ")[0] for p in check_conforms(Wrong(), Scorer)] == ["`filter`", "`fold`"]
