"""Quality by use case, and what stands in for it."""

from __future__ import annotations

import pytest

from multiroute_core.api.offering import Quality, Target
from multiroute_core.api.routing import Candidate, Column, Features, Live, View
from multiroute_quality import Settings, multiroute_make_scorer, multiroute_settings

FEATURES = Features("chat", False, 10, 10)


def _view(use_case: str, *qualities: dict[str, Quality]) -> View:
    target = Target("i:x", "i", "x", "lab/x", "http://127.0.0.1")
    candidates = tuple(Candidate(target, quality=quality) for quality in qualities)
    return View("p", use_case, candidates)


def _column(view: View, **settings: float) -> Column:
    prepared = multiroute_make_scorer("quality", Settings(**settings)).prepare(view)
    assert isinstance(prepared, Column)
    return prepared


def test_the_use_cases_own_quality_comes_first_then_the_default() -> None:
    both = {"code": Quality(0.8, 0.6), "default": Quality(0.5, 1.0)}
    column = _column(_view("code", both))
    assert (column.values, column.confidence) == ((0.8,), (0.6,))
    column = _column(_view("chat", both))
    assert (column.values, column.confidence) == ((0.5,), (1.0,))


def test_other_use_cases_stand_in_with_less_confidence() -> None:
    known = {"code": Quality(0.8, 0.6), "agentic": Quality(0.4, 0.2)}
    column = _column(_view("chat", known))
    assert column.values == (pytest.approx((0.8 * 0.6 + 0.4 * 0.2) / 0.8),)
    assert column.confidence == (pytest.approx(0.5 * 0.4),)
    assert _column(_view("chat", known), other_use_cases=0.0).values == (None,)


def test_a_model_that_nobody_measured_abstains() -> None:
    column = _column(_view("code", {}, {"code": Quality(0.8, 0.6)}))
    assert column.values == (None, 0.8)
    assert column.confidence == (0.0, 0.6)
    assert column.abstain == "no quality is known"


def test_the_order_of_use_cases_does_not_change_the_mean() -> None:
    known = {"a": Quality(0.1, 0.3), "b": Quality(0.7, 0.9), "c": Quality(0.2, 0.1)}
    turned = dict(reversed(known.items()))
    assert _column(_view("chat", known)) == _column(_view("chat", turned))


def test_why_says_where_the_number_comes_from() -> None:
    scorer = multiroute_make_scorer("quality", None)
    told = {"code": Quality(0.8, 0.6, 3)}
    own = {"code": Quality(0.8, 1.0, 0)}
    view = _view("code", told, own, {"agentic": Quality(0.4, 0.2)}, {})
    lines = [scorer.why(view, FEATURES, Live(), index) for index in range(4)]
    assert lines == [
        "0.800 for code, from 3 benchmark rows",
        "0.800 for code, from the project file",
        "0.400, the mean of agentic",
        "no quality is known",
    ]


def test_settings_are_the_plugins_own() -> None:
    assert multiroute_settings("scorer", "quality") is Settings
