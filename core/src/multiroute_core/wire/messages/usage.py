"""Usage as the messages format reports it, in disjoint buckets; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.usage import Usage


def _count(source: JsonObject, name: str) -> int | None:
    value = source.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def usage(native: JsonObject) -> Usage:
    """The buckets in a `usage` object. `input_tokens` excludes the caches, `output_tokens`
    includes thinking; cache writes are split by lifetime where the provider says so.

    >>> usage({"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 4}).cache_read
    9
    """
    by_age = native.get("cache_creation")
    write_5m = write_1h = None
    written = _count(native, "cache_creation_input_tokens")
    if isinstance(by_age, Mapping):
        write_5m = _count(by_age, "ephemeral_5m_input_tokens")
        write_1h = _count(by_age, "ephemeral_1h_input_tokens")
        if write_5m is not None or write_1h is not None:
            # 0, not None: a later snapshot with the split must take back an earlier one without.
            split = (write_5m or 0) + (write_1h or 0)
            written = None if written is None else max(0, written - split)
    output = _count(native, "output_tokens")
    thinking = None
    details = native.get("output_tokens_details")
    if isinstance(details, Mapping):
        thinking = _count(details, "thinking_tokens")
    units: list[tuple[str, int]] = []
    tools = native.get("server_tool_use")
    if isinstance(tools, Mapping):
        for name, count in tools.items():
            if isinstance(count, int) and not isinstance(count, bool) and count > 0:
                units.append((name, count))
    tier = native.get("service_tier")
    region = native.get("inference_geo")
    return Usage(
        input_fresh=_count(native, "input_tokens"),
        cache_read=_count(native, "cache_read_input_tokens"),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write=written,
        output_text=None if output is None else max(0, output - (thinking or 0)),
        output_reasoning=None if thinking is None else min(thinking, output or thinking),
        tool_units=tuple(units),
        others=_apart(native.get("iterations")),
        service_tier=tier if isinstance(tier, str) else None,
        region=region if isinstance(region, str) else None,
        native=native,
    )


_AT_THE_TOP: Final = frozenset({"message", "fallback_message"})
"""Iterations whose tokens the counts at the top hold; those of other types they leave out."""


def compactions(native: JsonObject, model: str) -> tuple[tuple[str, Usage], ...]:
    """Tokens that the model of the reply used beside it, to sum up the conversation."""
    steps = native.get("iterations")
    if isinstance(steps, str) or not isinstance(steps, Sequence):
        return ()
    own = [
        {**step, "model": model}
        for step in steps
        if isinstance(step, Mapping) and not isinstance(step.get("model"), str)
    ]
    return _apart(own)


def _apart(iterations: Json) -> tuple[tuple[str, Usage], ...]:
    """Tokens that the counts at the top leave out, by the model that the iteration names."""
    if isinstance(iterations, str) or not isinstance(iterations, Sequence):
        return ()
    found: dict[str, Usage] = {}
    for step in iterations:
        if isinstance(step, Mapping) and step.get("type") not in _AT_THE_TOP:
            named = step.get("model")
            if isinstance(named, str):
                told = usage({k: v for k, v in step.items() if k != "iterations"})
                there = found.get(named)
                found[named] = told if there is None else _sum(there, told)
    return tuple(found.items())


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_fresh=_plus(one.input_fresh, other.input_fresh),
        cache_read=_plus(one.cache_read, other.cache_read),
        cache_write_5m=_plus(one.cache_write_5m, other.cache_write_5m),
        cache_write_1h=_plus(one.cache_write_1h, other.cache_write_1h),
        cache_write=_plus(one.cache_write, other.cache_write),
        output_text=_plus(one.output_text, other.output_text),
        output_reasoning=_plus(one.output_reasoning, other.output_reasoning),
        service_tier=other.service_tier or one.service_tier,
        region=other.region or one.region,
        native=other.native,
    )


def write_usage(used: Usage | None) -> dict[str, Json]:
    """A usage object for a client of this format, from the buckets alone.

    The clients need both counts: 0 where nothing was reported.

    >>> write_usage(Usage(input_fresh=3, cache_read=9, output_text=4))["cache_read_input_tokens"]
    9
    """
    if used is None:
        return {"input_tokens": 0, "output_tokens": 0}
    split = (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    cached = (used.cache_read or 0) + (used.cache_write or 0) + split
    doc: dict[str, Json] = {"input_tokens": used.input_tokens - cached}
    if used.cache_write is not None or used.cache_write_5m is not None or split:
        doc["cache_creation_input_tokens"] = (used.cache_write or 0) + split
    if used.cache_read is not None:
        doc["cache_read_input_tokens"] = used.cache_read
    if used.cache_write_5m is not None or used.cache_write_1h is not None:
        doc["cache_creation"] = {
            "ephemeral_5m_input_tokens": used.cache_write_5m or 0,
            "ephemeral_1h_input_tokens": used.cache_write_1h or 0,
        }
    doc["output_tokens"] = used.output_tokens
    if used.output_reasoning is not None:
        doc["output_tokens_details"] = {"thinking_tokens": used.output_reasoning}
    units = {name: count for name, count in used.tool_units if name in _SERVER_TOOLS}
    if units:
        doc["server_tool_use"] = {name: units.get(name, 0) for name in _SERVER_TOOLS}
    if used.service_tier in ("standard", "priority", "batch"):
        doc["service_tier"] = used.service_tier
    return doc


_SERVER_TOOLS: Final = ("web_search_requests", "web_fetch_requests")
