"""Usage as the responses format reports it, in disjoint buckets; and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.usage import Usage

_PUSD_PER_USD: Final = 10**12
_PUSD_PER_TICK: Final = 100
"""xAI's `cost_in_usd_ticks`: 10,000,000,000 ticks are one dollar (docs.x.ai, 2026)."""


def _count(source: JsonObject, *names: str) -> int | None:
    """The first of these fields that is a count; a negative or foreign value is no report."""
    for name in names:
        value = source.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _inner(source: JsonObject, name: str) -> JsonObject:
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}


def usage(native: JsonObject) -> Usage:
    """The buckets in a `usage` object.

    `input_tokens` includes what was read from and written to caches, `output_tokens` includes
    reasoning; where the total shows that reasoning is counted beside it, that is believed.

    >>> usage({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}}).input_fresh
    6
    """
    of_input = _inner(native, "input_tokens_details")
    of_output = _inner(native, "output_tokens_details")
    given = _count(native, "input_tokens")
    output = _count(native, "output_tokens")
    total = _count(native, "total_tokens")
    cached = _count(of_input, "cached_tokens")
    written = _count(of_input, "cache_write_tokens", "cache_creation_tokens")
    reasoning = _count(of_output, "reasoning_tokens")
    media = tuple(
        (name, count)
        for name, count in (
            ("audio_in", _count(of_input, "audio_tokens")),
            ("image_in", _count(of_input, "image_tokens")),
            ("audio_out", _count(of_output, "audio_tokens")),
            ("image_out", _count(of_output, "image_tokens")),
        )
        if count
    )
    fresh = given
    if given is not None:
        media_in = sum(count for name, count in media if name.endswith("_in"))
        fresh = max(0, given - (cached or 0) - (written or 0) - media_in)
    text = output
    if output is not None:
        media_out = sum(count for name, count in media if name.endswith("_out"))
        is_beside = bool(
            reasoning
            and given is not None
            and total is not None
            and total == given + output + reasoning
        )
        text = max(0, output - media_out - (0 if is_beside else reasoning or 0))
    tier = native.get("service_tier")
    return Usage(
        input_fresh=fresh,
        cache_read=cached,
        cache_write=written,
        output_text=text,
        output_reasoning=reasoning,
        media=media,
        tool_units=_units(_inner(native, "server_side_tool_usage_details")),
        service_tier=tier if isinstance(tier, str) else None,
        reported_cost_pusd=_cost(native),
        native=native,
    )


def _units(details: JsonObject) -> tuple[tuple[str, int], ...]:
    return tuple((name, count) for name in details if (count := _count(details, name)))


def _cost(native: JsonObject) -> int | None:
    ticks = _count(native, "cost_in_usd_ticks")
    if ticks is not None:
        return ticks * _PUSD_PER_TICK
    cost = native.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or cost < 0:
        return None
    exact = Decimal(str(cost)) * _PUSD_PER_USD
    return int(exact.to_integral_value(ROUND_HALF_EVEN)) if exact.is_finite() else None


def write_usage(used: Usage) -> dict[str, Json]:
    """A usage object for a client of the responses format."""
    of_input: dict[str, Json] = {"cached_tokens": used.cache_read or 0, "cache_write_tokens": 0}
    written = (used.cache_write or 0) + (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    if written:
        of_input["cache_write_tokens"] = written
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": of_input,
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.output_reasoning or 0},
        "total_tokens": used.input_tokens + used.output_tokens,
    }
