"""What a request is expected to cost, and when nothing can be said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from multiroute_core.api.offering import Target
from multiroute_core.api.pricing import PriceSheet, Rate, Tier
from multiroute_core.api.routing import Candidate, Column, Features, Live, View
from multiroute_cost import Settings, multiroute_make_scorer, multiroute_settings

MAY_MS = 1_777_593_600_000  # 2026-05-01T00:00:00Z
PLAIN = (PriceSheet((Rate("input", Decimal(2)), Rate("output", Decimal(8)))),)


def _candidate(prices: tuple[PriceSheet, ...]) -> Candidate:
    return Candidate(Target("i:x", "i", "x", "lab/x", "http://127.0.0.1"), prices=prices)


def _view(*prices: tuple[PriceSheet, ...], at_ms: int = MAY_MS) -> View:
    return View("p", "chat", tuple(_candidate(one) for one in prices), at_ms=at_ms)


def _features(input_tokens: int, output_tokens: int) -> Features:
    return Features("chat", False, input_tokens, output_tokens)


def _rated(view: View, features: Features, **settings: float) -> Column:
    prepared = multiroute_make_scorer("cost", Settings(**settings)).prepare(view)
    return prepared if isinstance(prepared, Column) else prepared(features, Live())


def test_cost_is_tokens_times_price() -> None:
    assert _rated(_view(PLAIN), _features(1000, 500)).values == pytest.approx((0.006,))


def test_an_unknown_price_abstains_with_a_reason_and_is_not_free() -> None:
    free = (PriceSheet((Rate("input", Decimal(0)), Rate("output", Decimal(0)))),)
    column = _rated(_view(PLAIN, (), free), _features(1000, 500))
    assert column.values == (pytest.approx(0.006), None, 0.0)
    assert column.abstain == "no price is known"
    assert _rated(_view((), ()), _features(1, 1)).values == (None, None)


def test_a_tier_counts_only_for_requests_that_reach_it() -> None:
    tiered = Rate("input", Decimal(2), tiers=(Tier(200, Decimal(4)),))
    view = _view((PriceSheet((tiered, Rate("output", Decimal(8)))),), PLAIN)
    assert _rated(view, _features(200, 0)).values == pytest.approx((400e-6, 400e-6))
    assert _rated(view, _features(201, 0)).values == pytest.approx((804e-6, 402e-6))


def test_the_price_is_the_one_that_holds_at_the_views_instant() -> None:
    dearer = PriceSheet((Rate("input", Decimal(9)), Rate("output", Decimal(9))), start="2026-05-01")
    sheets = (*PLAIN, dearer)
    assert _rated(_view(sheets), _features(1_000_000, 0)).values == pytest.approx((9.0,))
    before = _view(sheets, at_ms=MAY_MS - 1)
    assert _rated(before, _features(1_000_000, 0)).values == pytest.approx((2.0,))


def test_an_expected_cached_share_makes_input_cheaper() -> None:
    rates = (Rate("input", Decimal(2)), Rate("cache_read", Decimal(1)), Rate("output", Decimal(8)))
    column = _rated(_view((PriceSheet(rates),)), _features(1_000_000, 0), cached_share=0.5)
    assert column.values == pytest.approx((1.5,))


def test_why_names_the_prices() -> None:
    scorer = multiroute_make_scorer("cost", None)
    told = scorer.why(_view(PLAIN, ()), _features(1000, 500), Live(), 0)
    assert told == "1000 in at 2 and 500 out at 8 USD per 1M tokens"
    assert scorer.why(_view(PLAIN, ()), _features(1, 1), Live(), 1) == "no price is known"


def test_a_wrong_setting_is_refused() -> None:
    assert multiroute_settings("scorer", "cost") is Settings
    with pytest.raises(ValidationError):
        Settings(cached_share=1.5)
    with pytest.raises(ValidationError):
        Settings(cache_share=0.5)  # type: ignore[call-arg]
