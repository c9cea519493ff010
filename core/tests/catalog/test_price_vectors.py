"""Every public price vector that applies comes out to the last digit."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from multiroute_core.api.pricing import PriceSheet, Rate, Tier
from multiroute_core.api.usage import Usage
from multiroute_core.catalog.pricing import Cost, price_of

_UNITS = {
    "input_mtok": ("input", 1_000_000),
    "output_mtok": ("output", 1_000_000),
    "cache_read_mtok": ("cache_read", 1_000_000),
    "cache_write_mtok": ("cache_write", 1_000_000),
    "cache_write_5m_mtok": ("cache_write_5m", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000),
    "input_audio_mtok": ("audio_in", 1_000_000),
    "input_image_mtok": ("image_in", 1_000_000),
    "input_video_mtok": ("video_in", 1_000_000),
    "cache_audio_read_mtok": ("audio_cached_in", 1_000_000),
    "cache_image_read_mtok": ("image_cached_in", 1_000_000),
    "cache_video_read_mtok": ("video_cached_in", 1_000_000),
    "output_reasoning_mtok": ("output_reasoning", 1_000_000),
    "output_audio_mtok": ("audio_out", 1_000_000),
    "output_image_mtok": ("image_out", 1_000_000),
    "output_citation_mtok": ("citation_out", 1_000_000),
    "web_searches_kcount": ("web_search_requests", 1_000),
}
_PLAIN = ("input_text_tokens", "output_text_tokens", "cache_text_read_tokens", "input_tool_tokens")
"""Subsets that no rate in the vectors prices on their own: they stay in their parent."""


def _vectors(shared: Path) -> list[dict]:
    told = os.environ.get("MULTIROUTE_PRICE_VECTORS")
    path = Path(told) if told else shared / "data" / "prices" / "vectors.json"
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


def _does_not_apply(vector: dict) -> str:
    """Why a vector asks for what our usage or sheets cannot say; "" where it applies."""
    unpriced = set(vector["rates"]) - set(_UNITS) - {"service_tier_rates"}
    if unpriced:
        return f"rates in units that are not in the vectors' note: {sorted(unpriced)}"
    counts = vector["usage"]
    known = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"}
    known |= {"cache_write_5m_tokens", "cache_write_1h_tokens", "web_searches", *_PLAIN}
    known |= {f"input_{medium}_tokens" for medium in ("audio", "image", "video")}
    known |= {f"cache_{medium}_read_tokens" for medium in ("audio", "image", "video")}
    known |= {f"output_{kind}_tokens" for kind in ("audio", "image", "citation", "reasoning")}
    if set(counts) - known:
        return f"usage in buckets that are not in the vectors' note: {sorted(set(counts) - known)}"
    usage = _usage(counts, None)
    if min(usage.input_fresh, usage.cache_read, usage.cache_write, usage.output_text) < 0:
        return "the parts of its usage are more than the whole"
    rated = {_UNITS[name][0] for name in vector["rates"] if name in _UNITS}
    for side in ("input", "output"):
        if side not in rated and counts.get(f"{side}_tokens", 0):
            return f"{side} tokens without any rate count as 0 USD there; here they are unknown"
    return ""


def _usage(counts: dict[str, int], service_tier: str | None) -> Usage:
    """The vectors' overlapping counts as disjoint buckets."""
    cached = {
        medium: counts.get(f"cache_{medium}_read_tokens", 0)
        for medium in ("audio", "image", "video")
    }
    media_in = {
        medium: counts.get(f"input_{medium}_tokens", 0) - count for medium, count in cached.items()
    }
    media_out = {
        kind: counts.get(f"output_{kind}_tokens", 0) for kind in ("audio", "image", "citation")
    }
    writes_5m = counts.get("cache_write_5m_tokens", 0)
    writes_1h = counts.get("cache_write_1h_tokens", 0)
    writes = counts.get("cache_write_tokens", 0)
    read = counts.get("cache_read_tokens", 0)
    reasoning = counts.get("output_reasoning_tokens", 0)
    buckets = [(f"{medium}_cached_in", count) for medium, count in cached.items()]
    buckets += [(f"{medium}_in", count) for medium, count in media_in.items()]
    buckets += [(f"{kind}_out", count) for kind, count in media_out.items()]
    return Usage(
        input_fresh=counts.get("input_tokens", 0) - sum(media_in.values()) - read - writes,
        cache_read=read - sum(cached.values()),
        cache_write_5m=writes_5m,
        cache_write_1h=writes_1h,
        cache_write=writes - writes_5m - writes_1h,
        output_text=counts.get("output_tokens", 0) - reasoning - sum(media_out.values()),
        output_reasoning=reasoning,
        media=tuple(buckets),
        tool_units=(("web_search_requests", counts.get("web_searches", 0)),),
        service_tier=service_tier,
    )


def _sheets(rates: dict) -> list[PriceSheet]:
    base = {name: told for name, told in rates.items() if name != "service_tier_rates"}
    sheets = [PriceSheet(_rates(base))]
    for tier, told in rates.get("service_tier_rates", {}).items():
        sheets.append(PriceSheet(_rates({**base, **told}), service_tier=tier))
    return sheets


def _rates(told: dict) -> tuple[Rate, ...]:
    found = []
    for name, price in told.items():
        unit, per = _UNITS[name]
        tiers: tuple[Tier, ...] = ()
        if isinstance(price, dict):
            tiers = tuple(
                Tier(tier["above_input_tokens"], Decimal(tier["price"])) for tier in price["tiers"]
            )
            price = price["base"]
        found.append(Rate(unit, Decimal(price), per, tiers))
    return tuple(found)


def _sides(cost: Cost) -> dict[str, Decimal]:
    sides = {"input": Decimal(0), "output": Decimal(0), "total": cost.priced_usd}
    for line in cost.lines:
        if line.bucket == "input" or line.bucket.startswith("cache_") or line.bucket[-3:] == "_in":
            sides["input"] += line.usd
        elif line.bucket.startswith("output") or line.bucket.endswith("_out"):
            sides["output"] += line.usd
    return sides


def _priced(vector: dict) -> Cost:
    at = (
        datetime.fromisoformat(vector["at"]) if vector["at"] else datetime(2026, 11, 23, tzinfo=UTC)
    )
    usage = _usage(vector["usage"], vector.get("service_tier"))
    return price_of(_sheets(vector["rates"]), usage, at)


def test_price_vectors_that_apply_are_exact(shared: Path) -> None:
    vectors = _vectors(shared)
    wrong, reasons = [], Counter()
    for vector in vectors:
        reason = _does_not_apply(vector)
        if reason:
            reasons[reason] += 1
            continue
        cost = _priced(vector)
        sides = _sides(cost)
        expected = {side: Decimal(usd) for side, usd in vector["expect"].items()}
        if cost.pusd is None or any(sides[side] != usd for side, usd in expected.items()):
            wrong.append((vector["id"], vector["case"], expected, sides, cost.reason))
    exact = len(vectors) - len(wrong) - sum(reasons.values())
    print(f"{exact} of {len(vectors)} exact; do not apply: {dict(reasons)}")
    assert not wrong, f"{len(wrong)} of {len(vectors)}: {wrong[:3]}"
    assert exact >= len(vectors) * 0.95, f"too many do not apply: {dict(reasons)}"


def test_price_vectors_that_leave_tokens_unpriced_have_no_total_here(shared: Path) -> None:
    for vector in _vectors(shared):
        if "without any rate" in _does_not_apply(vector):
            cost = _priced(vector)
            assert cost.pusd is None
            assert "no price is known for" in cost.reason
            assert cost.priced_usd == Decimal(vector["expect"]["total"]), "the priced part is exact"


def test_price_vectors_in_pico_usd_are_the_same_sum(shared: Path) -> None:
    for vector in _vectors(shared):
        if _does_not_apply(vector) or "total" not in vector["expect"]:
            continue
        pusd = _priced(vector).pusd
        assert pusd is not None
        assert Decimal(pusd) / 10**12 == Decimal(vector["expect"]["total"]), vector["id"]


def test_a_wrong_price_vector_is_noticed(shared: Path) -> None:
    vector = next(one for one in _vectors(shared) if one["usage"].get("input_tokens"))
    rates = {**vector["rates"], "input_mtok": "123.456"}
    assert _sides(_priced({**vector, "rates": rates})) != _sides(_priced(vector))


@pytest.mark.parametrize("service_tier", ["batch", "flex"])
def test_a_service_tier_without_its_own_sheet_has_the_standard_price(
    service_tier: str,
) -> None:
    sheets = [PriceSheet((Rate("output", Decimal(2)),))]
    usage = Usage(output_text=1_000_000, service_tier=service_tier)
    assert price_of(sheets, usage, datetime(2026, 1, 1, tzinfo=UTC)).pusd == 2 * 10**12
