"""Exact arithmetic on price sheets: which sheet holds, which unit bills a token, what it comes to.

A token is billed once, at the most specific unit that the sheet prices; a unit without a rate
falls back to its parent. The unit names and their parents are listed in
`docs/reference/catalog.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import Struct

from multiroute_core.api.pricing import PriceSheet, Rate
from multiroute_core.api.usage import Usage

_PICO: Final = Decimal(10**12)

_PARENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "input": ("input",),
        "cache_read": ("cache_read", "input"),
        "cache_write": ("cache_write", "input"),
        "cache_write_5m": ("cache_write_5m", "cache_write", "input"),
        "cache_write_1h": ("cache_write_1h", "cache_write", "input"),
        "output": ("output",),
        "output_reasoning": ("output_reasoning", "output"),
    }
)


class Line(Struct, frozen=True, gc=False):
    """One bucket of a bill: `count` of `bucket` at `usd_per` for each `per`, billed as `unit`.

    `unit` is where the price was found: the bucket's own or a parent. `model` is "" or another
    model's id whose tokens were inside the reply.
    """

    bucket: str
    unit: str
    count: int
    usd_per: Decimal
    per: int
    usd: Decimal
    model: str = ""


class Cost(Struct, frozen=True, gc=False):
    """What a usage comes to.

    `pusd` is the total in pico-USD (1e-12 USD, half to even), None where any part has no price:
    an unknown price is never zero. `priced_usd` is the exact sum of the lines that have one: a
    lower bound. `sheet` is the sheet that held; `reason` is "" or why the total is unknown.
    """

    pusd: int | None
    priced_usd: Decimal
    lines: tuple[Line, ...] = ()
    sheet: PriceSheet | None = None
    reason: str = ""


class Linear(NamedTuple):
    """US dollars per token, as floats: for comparing candidates, never for booking."""

    input: float
    cached: float
    output: float


def units_of(bucket: str) -> tuple[str, ...]:
    """The units that may bill a bucket, most specific first.

    >>> units_of("cache_write_1h")
    ('cache_write_1h', 'cache_write', 'input')
    >>> units_of("audio_cached_in")
    ('audio_cached_in', 'cache_read', 'audio_in', 'input')
    >>> units_of("image_out")
    ('image_out', 'output')
    """
    known = _PARENTS.get(bucket)
    if known is not None:
        return known
    if bucket.endswith("_cached_in"):
        return (bucket, "cache_read", bucket.removesuffix("_cached_in") + "_in", "input")
    return (bucket, "input" if bucket.endswith("_in") else "output")


def buckets_of(usage: Usage) -> list[tuple[str, int]]:
    """The token buckets that were reported, under their unit names."""
    named = (
        ("input", usage.input_fresh),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
        ("cache_write_5m", usage.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h),
        ("output", usage.output_text),
        ("output_reasoning", usage.output_reasoning),
    )
    return [(name, count) for name, count in named if count is not None] + list(usage.media)


def sheet_at(
    sheets: Sequence[PriceSheet],
    at: datetime,
    service_tier: str | None = None,
    region: str | None = None,
) -> PriceSheet | None:
    """The last sheet whose conditions all hold at `at`, or None.

    Raises ValueError where `at` has no time zone.
    """
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("a price needs an instant with a time zone; got a naive datetime")
    utc = at - offset if offset != timedelta(0) else at
    day, minute = utc.strftime("%Y-%m-%d"), utc.hour * 60 + utc.minute
    for sheet in reversed(sheets):
        if (
            (sheet.start is None or sheet.start <= day)
            and (sheet.until is None or day < sheet.until)
            and (sheet.service_tier is None or sheet.service_tier == service_tier)
            and (sheet.region is None or sheet.region == region)
            and (sheet.window is None or _in_window(sheet.window, minute))
        ):
            return sheet
    return None


def price_of(
    sheets: Sequence[PriceSheet],
    usage: Usage,
    at: datetime,
    service_tier: str | None = None,
    region: str | None = None,
    others: Mapping[str, Sequence[PriceSheet]] = MappingProxyType({}),
) -> Cost:
    """What `usage` costs at the aware instant `at`.

    `service_tier` and `region` default to those that the usage names. `others` are the sheets of
    other models whose tokens stand inside the reply, by model id.
    """
    tier = service_tier or usage.service_tier
    place = region or usage.region
    sheet = sheet_at(sheets, at, tier, place)
    lines: list[Line] = []
    missing: list[str] = []
    _bill(sheet, usage, "", lines, missing)
    for model, inner in usage.others:
        theirs = sheet_at(others.get(model, ()), at, inner.service_tier or tier, place)
        _bill(theirs, inner, model, lines, missing)
    total = sum((line.usd for line in lines), Decimal(0))
    reason = _reason(sheets, sheet, usage, missing)
    if reason:
        return Cost(None, total, tuple(lines), sheet, reason)
    pusd = int((total * _PICO).to_integral_value(ROUND_HALF_EVEN))
    return Cost(pusd, total, tuple(lines), sheet)


def linear(sheets: Sequence[PriceSheet], at: datetime, input_tokens: int = 0) -> Linear | None:
    """Prices per token at `at` for a request of `input_tokens`, in floats; None where unknown.

    The standard sheet: no service tier, no region. Cached falls back to input.
    """
    sheet = sheet_at(sheets, at)
    if sheet is None:
        return None
    rates = {rate.unit: rate for rate in sheet.rates}
    fresh, cached, out = rates.get("input"), rates.get("cache_read"), rates.get("output")
    if fresh is None or out is None:
        return None
    return Linear(
        _per_token(fresh, input_tokens),
        _per_token(cached or fresh, input_tokens),
        _per_token(out, input_tokens),
    )


def thresholds(sheets: Sequence[PriceSheet], at: datetime) -> tuple[int, ...]:
    """The input sizes in tokens above which the standard sheet at `at` re-prices a request."""
    sheet = sheet_at(sheets, at)
    if sheet is None:
        return ()
    return tuple(sorted({tier.above for rate in sheet.rates for tier in rate.tiers}))


def _bill(
    sheet: PriceSheet | None, usage: Usage, model: str, lines: list[Line], missing: list[str]
) -> None:
    rates = {} if sheet is None else {rate.unit: rate for rate in sheet.rates}
    size = usage.input_tokens
    for bucket, count in buckets_of(usage):
        _add_line(bucket, units_of(bucket), count, rates, size, model, lines, missing)
    for name, count in usage.tool_units:
        _add_line(name, (name,), count, rates, size, model, lines, missing)


def _add_line(
    bucket: str,
    units: tuple[str, ...],
    count: int,
    rates: Mapping[str, Rate],
    size: int,
    model: str,
    lines: list[Line],
    missing: list[str],
) -> None:
    if count == 0:
        return
    for unit in units:
        rate = rates.get(unit)
        if rate is not None:
            usd_per = _usd(rate, size)
            usd = usd_per * count / rate.per
            lines.append(Line(bucket, unit, count, usd_per, rate.per, usd, model))
            return
    missing.append(f"{bucket} of {model}" if model else bucket)


def _reason(
    sheets: Sequence[PriceSheet], sheet: PriceSheet | None, usage: Usage, missing: list[str]
) -> str:
    if not sheets:
        return "no price is known"
    if sheet is None:
        return "no price sheet holds at this time, service tier and region"
    if missing:
        return "no price is known for " + ", ".join(missing)
    if not buckets_of(usage) and not usage.tool_units and not usage.others:
        return "no usage was reported"
    return ""


def _usd(rate: Rate, size: int) -> Decimal:
    usd, reached = rate.usd, -1
    for tier in rate.tiers:
        if size > tier.above > reached:
            usd, reached = tier.usd, tier.above
    return usd


def _per_token(rate: Rate, size: int) -> float:
    return float(_usd(rate, size) / rate.per)


def _in_window(window: str, minute: int) -> bool:
    start, end = (int(time[:2]) * 60 + int(time[3:5]) for time in window.split("-"))
    if start <= end:
        return start <= minute < end
    return minute >= start or minute < end
