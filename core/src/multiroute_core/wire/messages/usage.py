"""Usage as the messages format reports it, in disjoint buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.usage import Usage


def _count(source: JsonObject, name: str) -> int | None:
    value = source.get(name)
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
            split = (write_5m or 0) + (write_1h or 0)
            written = max(0, written - split) or None if written is not None else None
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
        output_reasoning=thinking,
        tool_units=tuple(units),
        others=_others(native.get("iterations")),
        service_tier=tier if isinstance(tier, str) else None,
        region=region if isinstance(region, str) else None,
        native=native,
    )


def _others(iterations: Json) -> tuple[tuple[str, Usage], ...]:
    """Tokens of another model within the reply: iterations that name a model of their own."""
    if isinstance(iterations, str) or not isinstance(iterations, Sequence):
        return ()
    found: list[tuple[str, Usage]] = []
    for step in iterations:
        if isinstance(step, Mapping):
            model = step.get("model")
            if isinstance(model, str) and step.get("type") != "message":
                found.append((model, usage({k: v for k, v in step.items() if k != "iterations"})))
    return tuple(found)
