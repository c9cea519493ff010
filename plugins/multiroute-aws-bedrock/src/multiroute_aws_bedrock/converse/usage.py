"""Usage as Bedrock reports it, in disjoint buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api import Head, Json, JsonObject, Usage


def count(source: JsonObject, *names: str) -> int | None:
    """The first of these fields that is a count; a negative or foreign value is no report.

    >>> count({"a": None, "b": 3.0}, "a", "b")
    3
    """
    for name in names:
        value = source.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _by_age(details: Json) -> dict[str, int]:
    """Tokens written to the cache, by lifetime."""
    written: dict[str, int] = {}
    if isinstance(details, Sequence) and not isinstance(details, str):
        for detail in details:
            if isinstance(detail, Mapping):
                tokens = count(detail, "inputTokens")
                age = detail.get("ttl")
                if tokens is not None and isinstance(age, str):
                    written[age] = written.get(age, 0) + tokens
    return written


def usage(native: JsonObject) -> Usage:
    """The buckets in a Converse `usage` object: input excludes what the caches hold.

    >>> usage({"inputTokens": 3, "outputTokens": 2, "cacheReadInputTokens": 9}).input_tokens
    12
    """
    by_age = _by_age(native.get("cacheDetails"))
    written = count(native, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    write_5m, write_1h = by_age.get("5m"), by_age.get("1h")
    if written is not None and (write_5m is not None or write_1h is not None):
        written = max(0, written - (write_5m or 0) - (write_1h or 0)) or None
    tools = native.get("serverToolUsage")
    units: list[tuple[str, int]] = []
    if isinstance(tools, Mapping):
        for name in tools:
            used = count(tools, name)
            if used:
                units.append((name, used))
    tier = native.get("serviceTier")
    return Usage(
        input_fresh=count(native, "inputTokens", "inputTokenCount"),
        cache_read=count(native, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write=written,
        output_text=count(native, "outputTokens", "outputTokenCount"),
        tool_units=tuple(units),
        service_tier=tier if isinstance(tier, str) else None,
        native=native,
    )


_HEADERS = (
    ("inputTokenCount", "x-amzn-bedrock-input-token-count"),
    ("outputTokenCount", "x-amzn-bedrock-output-token-count"),
    ("cacheReadInputTokenCount", "x-amzn-bedrock-cache-read-input-token-count"),
    ("cacheWriteInputTokenCount", "x-amzn-bedrock-cache-write-input-token-count"),
)


def from_headers(head: Head) -> dict[str, Json]:
    """The counts that InvokeModel puts into headers, under the names of a stream's metrics."""
    found: dict[str, Json] = {}
    for name, header in _HEADERS:
        text = head.header(header)
        if text is not None and text.isdigit():
            found[name] = int(text)
    return found
