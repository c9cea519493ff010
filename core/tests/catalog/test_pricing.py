"""What a usage costs: sheets and their conditions, units and their parents, what is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from multiroute_core.api.offering import Offering
from multiroute_core.api.pricing import PriceSheet, Rate, Tier
from multiroute_core.api.usage import Usage
from multiroute_core.catalog.pricing import linear, price_of, sheet_at, thresholds, units_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
IN, OUT = Rate("input", Decimal(2)), Rate("output", Decimal(8))
PLAIN = (PriceSheet((IN, OUT)),)


def _sheet(usd: int, **conditions: str) -> PriceSheet:
    return PriceSheet((Rate("input", Decimal(usd)),), **conditions)


def _usd(sheets: tuple[PriceSheet, ...], at: datetime = NOON, **usage: object) -> Decimal:
    cost = price_of(sheets, Usage(**usage), at)
    assert cost.pusd is not None, cost.reason
    return Decimal(cost.pusd) / 10**12


def test_a_token_is_billed_once_at_its_most_specific_priced_unit() -> None:
    sheets = (PriceSheet((IN, OUT, Rate("cache_read", Decimal("0.2")))),)
    cost = price_of(sheets, Usage(input_fresh=1000, cache_read=500, output_text=10), NOON)
    assert [(line.bucket, line.unit, line.count) for line in cost.lines] == [
        ("input", "input", 1000),
        ("cache_read", "cache_read", 500),
        ("output", "output", 10),
    ]
    assert cost.pusd == 2_000_000_000 + 100_000_000 + 80_000_000


def test_an_unpriced_child_falls_back_to_its_parent() -> None:
    assert _usd(PLAIN, output_reasoning=1_000_000) == 8
    assert _usd(PLAIN, cache_write_1h=1_000_000) == 2
    writes = (PriceSheet((IN, Rate("cache_write", Decimal(3)))),)
    assert _usd(writes, cache_write_1h=1_000_000) == 3
    assert _usd(PLAIN, media=(("audio_in", 1_000_000), ("image_out", 1_000_000))) == 10
    assert _usd(PLAIN, media=(("predicted_rejected", 1_000_000),)) == 8


def test_cached_media_prefer_their_own_price_then_the_cached_one() -> None:
    assert units_of("audio_cached_in") == ("audio_cached_in", "cache_read", "audio_in", "input")
    sheets = (PriceSheet((IN, Rate("audio_in", Decimal(9)), Rate("cache_read", Decimal(1)))),)
    assert _usd(sheets, media=(("audio_cached_in", 1_000_000),)) == 1


def test_a_tier_reprices_the_whole_request_above_its_threshold_only() -> None:
    tiered = Rate("input", Decimal(2), tiers=(Tier(200, Decimal(4)), Tier(500, Decimal(6))))
    sheets = (PriceSheet((tiered, Rate("output", Decimal(8), tiers=(Tier(200, Decimal(9)),)))),)
    assert _usd(sheets, input_fresh=200) * 1_000_000 == 400
    assert _usd(sheets, input_fresh=201) * 1_000_000 == 804
    assert _usd(sheets, input_fresh=1, cache_read=500) * 1_000_000 == 501 * 6
    assert _usd(sheets, input_fresh=201, output_text=10) * 1_000_000 == 804 + 90
    assert thresholds(sheets, NOON) == (200, 500)


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        (datetime(2026, 8, 31, 23, 59, tzinfo=UTC), 2),
        (datetime(2026, 9, 1, tzinfo=UTC), 3),
        (datetime(2026, 9, 1, 1, tzinfo=timezone(timedelta(hours=2))), 2),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), 3),
        (datetime(2027, 1, 1, tzinfo=UTC), 2),
    ],
)
def test_dates_are_utc_days_start_included_until_excluded(at: datetime, usd: int) -> None:
    sheets = (_sheet(2), _sheet(3, start="2026-09-01", until="2027-01-01"))
    assert _usd(sheets, at, input_fresh=1_000_000) == usd


@pytest.mark.parametrize(
    ("hour", "minute", "usd"),
    [(0, 29, 1), (0, 30, 5), (16, 29, 5), (16, 30, 1), (23, 0, 1)],
)
def test_a_window_holds_between_two_times_of_day(hour: int, minute: int, usd: int) -> None:
    at = datetime(2026, 6, 1, hour, minute, tzinfo=UTC)
    assert _usd((_sheet(1), _sheet(5, window="00:30-16:30")), at, input_fresh=1_000_000) == usd
    night = (_sheet(5), _sheet(1, window="16:30-00:30"))
    assert _usd(night, at, input_fresh=1_000_000) == usd


def test_the_last_sheet_that_holds_wins_and_conditions_are_all_needed() -> None:
    sheets = (_sheet(1), _sheet(2, region="eu"), _sheet(3, service_tier="batch", region="eu"))
    assert _usd(sheets, input_fresh=1_000_000) == 1
    assert _usd(sheets, input_fresh=1_000_000, region="eu") == 2
    assert _usd(sheets, input_fresh=1_000_000, region="eu", service_tier="batch") == 3
    assert _usd(sheets, input_fresh=1_000_000, region="us", service_tier="batch") == 1
    assert sheet_at(sheets, NOON, "batch", "eu") is sheets[2]


def test_an_offering_lends_its_region() -> None:
    offering = Offering("x", prices=(_sheet(1), _sheet(2, region="eu")), region="eu")
    assert price_of(offering, Usage(input_fresh=1_000_000), NOON).pusd == 2 * 10**12


def test_an_unknown_price_is_never_zero() -> None:
    cost = price_of((), Usage(input_fresh=5), NOON)
    assert (cost.pusd, cost.reason) == (None, "no price is known")
    cost = price_of((PriceSheet((IN,)),), Usage(input_fresh=1_000_000, output_text=5), NOON)
    assert (cost.pusd, cost.priced_usd) == (None, 2)
    assert cost.reason == "no price is known for output"
    cost = price_of((_sheet(1, start="2027-01-01"),), Usage(input_fresh=5), NOON)
    assert cost.pusd is None
    assert "holds at this time" in cost.reason
    searched = Usage(input_fresh=0, tool_units=(("web_search_requests", 1),))
    assert price_of(PLAIN, searched, NOON).reason == "no price is known for web_search_requests"


def test_no_usage_is_not_a_usage_of_nothing() -> None:
    assert price_of(PLAIN, Usage(), NOON).reason == "no usage was reported"
    assert price_of(PLAIN, Usage(input_fresh=0, output_text=0), NOON).pusd == 0


def test_a_free_sheet_is_a_known_price() -> None:
    free = (PriceSheet((Rate("input", Decimal(0)), Rate("output", Decimal(0)))),)
    assert price_of(free, Usage(input_fresh=9, output_text=9), NOON).pusd == 0


def test_tool_units_and_other_units_are_billed_by_their_own_size() -> None:
    search = Rate("web_search_requests", Decimal(10), per=1000)
    sheets = (PriceSheet((IN, search)),)
    assert _usd(sheets, tool_units=(("web_search_requests", 3),)) == Decimal("0.03")


def test_tokens_of_another_model_are_billed_at_its_price() -> None:
    inner = Usage(input_fresh=1_000_000)
    usage = Usage(input_fresh=1_000_000, others=(("lab/advisor", inner),))
    cost = price_of(PLAIN, usage, NOON, others={"lab/advisor": (_sheet(7),)})
    assert cost.pusd == 9 * 10**12
    assert cost.lines[1].model == "lab/advisor"
    assert price_of(PLAIN, usage, NOON).reason == "no price is known for input of lab/advisor"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        price_of(PLAIN, Usage(input_fresh=1), datetime(2026, 1, 1))  # noqa: DTZ001


def test_linear_prices_are_floats_per_token_with_the_tier_that_is_reached() -> None:
    tiered = Rate("input", Decimal(2), tiers=(Tier(200, Decimal(4)),))
    sheets = (PriceSheet((tiered, OUT)), PriceSheet((IN,), service_tier="batch"))
    assert linear(sheets, NOON) == (2e-6, 2e-6, 8e-6)
    assert linear(sheets, NOON, 201) == (4e-6, 4e-6, 8e-6)
    assert linear((PriceSheet((IN,)),), NOON) is None
    assert linear((), NOON) is None


_money = st.decimals(min_value=0, max_value=1000, places=4)
_count = st.integers(min_value=0, max_value=10**9)


@given(fresh=_count, cached=_count, out=_count, a=_money, b=_money, c=_money)
def test_the_total_is_the_exact_sum_of_its_buckets(
    fresh: int, cached: int, out: int, a: Decimal, b: Decimal, c: Decimal
) -> None:
    sheets = (PriceSheet((Rate("input", a), Rate("cache_read", b), Rate("output", c))),)
    usage = Usage(input_fresh=fresh, cache_read=cached, output_text=out)
    # 4 decimals per 1M tokens: 1e-10 USD, so that pico-USD is exact
    expected = (fresh * int(a * 10**4) + cached * int(b * 10**4) + out * int(c * 10**4)) * 100
    assert price_of(sheets, usage, NOON).pusd == expected
