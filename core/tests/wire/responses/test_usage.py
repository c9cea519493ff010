"""Usage in buckets that do not overlap, and what providers say it cost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from multiroute_core.api import Event, fold
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire.responses import usage
from multiroute_core.wire.responses.usage import write_usage

Read = Callable[[Recording, str], list[Event]]
Final = Callable[[Recording], dict[str, Any]]


def test_cached_written_and_reasoning_tokens_are_taken_out() -> None:
    used = usage(
        {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 40},
            "total_tokens": 150,
        }
    )
    assert (used.input_fresh, used.cache_read, used.cache_write) == (10, 60, 30)
    assert (used.output_text, used.output_reasoning) == (10, 40)
    assert (used.input_tokens, used.output_tokens) == (100, 50)


def test_reasoning_that_is_counted_beside_the_output_is_believed() -> None:
    used = usage(
        {
            "input_tokens": 5,
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 7},
            "total_tokens": 17,
        }
    )
    assert (used.output_text, used.output_reasoning) == (5, 7)


def test_what_is_not_reported_is_not_zero() -> None:
    used = usage({"input_tokens": -3, "output_tokens": "many", "input_tokens_details": None})
    assert (used.input_fresh, used.cache_read, used.output_text) == (None, None, None)


def test_reported_costs_are_exact() -> None:
    assert usage({"cost": 8.6e-06}).reported_cost_pusd == 8_600_000
    assert usage({"cost": 0}).reported_cost_pusd == 0
    assert usage({"cost": "free"}).reported_cost_pusd is None
    assert usage({"cost_in_usd_ticks": 3_546_500}).reported_cost_pusd == 354_650_000


def test_recorded_costs_are_read(answered: Recordings, read: Read, final: Final) -> None:
    count = 0
    for one in answered:
        native = final(one)["usage"] or {}
        used = fold(read(one, "whole")).usage
        if "cost" in native:
            count += 1
            assert used is not None
            assert used.reported_cost_pusd == int(Decimal(str(native["cost"])) * 10**12), one.id
        elif "cost_in_usd_ticks" in native:
            count += 1
            assert used is not None
            assert used.reported_cost_pusd == native["cost_in_usd_ticks"] * 100, one.id
    assert count > 20


def test_the_tier_of_a_response_is_that_of_its_usage(
    answered: Recordings, read: Read, final: Final
) -> None:
    for one in answered:
        used = fold(read(one, "whole")).usage
        if used is not None:
            assert used.service_tier == final(one).get("service_tier"), one.id


def test_written_usage_sums_up() -> None:
    native = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 150,
    }
    assert write_usage(usage(native)) == native
