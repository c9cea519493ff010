"""Price sheets of one offering."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog_building.data import SOURCE_NAMES, Data, Row

UNITS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "output_reasoning",
    "input_audio": "audio_in",
    "output_audio": "audio_out",
}
DATED_UNITS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_in",
    "output_audio_mtok": "audio_out",
    "cache_audio_read_mtok": "audio_cached_in",
    "input_image_mtok": "image_in",
    "output_image_mtok": "image_out",
    "cache_image_read_mtok": "image_cached_in",
    "input_video_mtok": "video_in",
    "web_searches_kcount": "web_search_requests",
}
NOT_TOKENS = {
    "tts-1": {"input": ("characters", 1_000_000)},
    "whisper-1": {"input": ("audio_minutes", 1_000_000)},
}
"""Prices that sources list under "input" although another unit is billed, by start of the id."""

_STANDARD = {"input", "output", "cache_read", "cache_write", "cache_write_1h"}


def build_prices(
    data: Data, provider: str, offering: Row, operations: tuple[str, ...]
) -> list[Row]:
    upstream_id, price = offering["id"], preferred(offering)
    usd = {UNITS[name]: told for name, told in price.items() if name in UNITS}
    free = operations == ("moderations",)
    if not free:
        # sources write 0 for "not billed by the token": only an embedding's output is really free
        keep_zero = {"output"} if operations == ("embeddings",) else set()
        usd = {unit: told for unit, told in usd.items() if Decimal(told) or unit in keep_zero}
    if usd.get("output_reasoning") == usd.get("output"):
        usd.pop("output_reasoning", None)
    if is_suspect(usd):
        usd.pop("cache_read")
    extra = _also_priced(data, provider, upstream_id)
    per: dict[str, int] = {}
    for start, units in NOT_TOKENS.items():
        if upstream_id.startswith(start):
            usd = {units[name][0]: usd[name] for name in units if name in usd}
            extra = {}
    for unit, told in extra.items():
        usd.setdefault(unit, told)
    if "web_search_requests" in usd:
        per["web_search_requests"] = 1000
    if not usd:
        return []
    sheets = _dated(data, provider, upstream_id, usd, per)
    if not sheets:
        sheets = [_sheet(usd, per, _tiers(offering))]
    batch = {
        unit: price["batch_" + unit]
        for unit in ("input", "output")
        if Decimal(price.get("batch_" + unit, "0"))
    }
    if batch and len(batch) == len({"input", "output"} & usd.keys()):
        sheet = _sheet({**sheets[-1]["usd"], **batch}, per, {})
        sheet["service_tier"] = "batch"
        newest = sheets[-1].get("start", "")
        if newest > "2026-08-21":  # the batch price is older than the newest standard one
            sheet["until"] = newest
            sheet["usd"] = {**sheets[0]["usd"], **batch}
        sheets.append(sheet)
    return sheets


def is_suspect(usd: Mapping[str, str]) -> bool:
    """Whether the cached price cannot be right: dearer than fresh input, or below 1 % of it."""
    if "cache_read" not in usd or "input" not in usd:
        return False
    return not Decimal(usd["input"]) / 100 <= Decimal(usd["cache_read"]) <= Decimal(usd["input"])


def preferred(offering: Row) -> dict[str, str]:
    price = dict(offering.get("price", {}))
    for name, by in offering.get("alts", {}).items():
        price[name] = next(by[short] for short in SOURCE_NAMES if short in by)
    return price


def _tiers(offering: Row) -> dict[int, dict[str, str]]:
    return {
        int(above): {UNITS[name]: told for name, told in usd.items() if name in UNITS}
        for above, usd in offering.get("tiers", ())
    }


def _sheet(usd: Mapping[str, str], per: Mapping[str, int], above: Mapping[int, Any]) -> Row:
    sheet: Row = {"usd": dict(usd)}
    if per:
        sheet["per"] = dict(per)
    tiers = {
        str(size): {unit: told for unit, told in rates.items() if unit in usd}
        for size, rates in above.items()
    }
    if tiers:
        sheet["above"] = tiers
    return sheet


def _dated(
    data: Data, provider: str, upstream_id: str, usd: Mapping[str, str], per: Mapping[str, int]
) -> list[Row]:
    """The sheets of an offering whose price has changed, oldest first; [] where none is told."""
    for entry in data.dated:
        snapshot = re.fullmatch(
            re.escape(entry["model"]) + r"(?:-20\d{6}|-20\d\d-\d\d-\d\d)?", upstream_id
        )
        if entry["provider"] != provider or snapshot is None:
            continue
        sheets = []
        for told in entry["prices"]:
            flat, above = _genai(told["prices"])
            kept = {unit: usd[unit] for unit in usd if unit not in _STANDARD}
            sheet = _sheet({**flat, **kept}, per, above)
            limits = told.get("constraint", {})
            if limits.get("start_date"):
                sheet["start"] = limits["start_date"]
            if limits.get("start_time"):
                sheet["window"] = f"{limits['start_time'][:5]}-{limits['end_time'][:5]}"
            sheets.append(sheet)
        return sheets
    return []


def _genai(prices: Mapping[str, Any]) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    flat: dict[str, str] = {}
    above: dict[int, dict[str, str]] = defaultdict(dict)
    for name, told in prices.items():
        unit = DATED_UNITS.get(name)
        if unit is None:
            continue
        if isinstance(told, Mapping):
            for tier in told["tiers"]:
                above[int(tier["start"])][unit] = str(tier["price"])
            told = told["base"]
        flat[unit] = str(told)
    return flat, dict(above)


def _also_priced(data: Data, provider: str, upstream_id: str) -> dict[str, str]:
    """Units that only genai-prices has: images, cached media, web searches."""
    for listed in data.prices:
        if listed["id"] != provider:
            continue
        for model in listed["models"]:
            if _matches(model["match"], upstream_id) and isinstance(model["prices"], Mapping):
                flat, _ = _genai(model["prices"])
                return {unit: told for unit, told in flat.items() if unit not in _STANDARD}
            if _matches(model["match"], upstream_id):
                flat, _ = _genai(model["prices"][-1]["prices"])
                return {unit: told for unit, told in flat.items() if unit not in _STANDARD}
    return {}


def _matches(rule: Mapping[str, Any], name: str) -> bool:
    ((kind, told),) = rule.items()
    match kind:
        case "equals":
            return bool(name == told)
        case "starts_with":
            return name.startswith(told)
        case "ends_with":
            return name.endswith(told)
        case "contains":
            return told in name
        case "regex":
            return re.search(told, name) is not None
        case "or":
            return any(_matches(one, name) for one in told)
        case "and":
            return all(_matches(one, name) for one in told)
        case _:
            raise ValueError(f"genai-prices has a match rule that is not known here: {kind}")
