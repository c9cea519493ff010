"""Usage as the Gemini format reports it, in disjoint buckets; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from multiroute_core.api import Json, JsonObject, Usage
from multiroute_google.gemini.spelling import keyed

_MEDIA: Final = {
    "IMAGE": "image",
    "2": "image",
    "VIDEO": "video",
    "3": "video",
    "AUDIO": "audio",
    "4": "audio",
    "DOCUMENT": "document",
    "5": "document",
}
"""Modalities beside text, as words or as the numbers that `enum-encoding=int` gives."""

_KNOWN: Final = frozenset(
    {
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "responseTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "totalTokenCount",
        "promptTokensDetails",
        "promptTokenDetails",
        "cacheTokensDetails",
        "candidatesTokensDetails",
        "responseTokensDetails",
        "toolUsePromptTokensDetails",
        "serviceTier",
    }
)


def _count(source: JsonObject, *names: str) -> int | None:
    """The first of these fields that is a count: a number, or one in a string (64-bit integers)."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _media(source: JsonObject, *names: str) -> dict[str, int]:
    """Tokens that are not text, by modality."""
    found: dict[str, int] = {}
    for name in names:
        rows: Json = source.get(name)
        if isinstance(rows, str) or not isinstance(rows, Sequence):
            continue
        for row in rows:
            if isinstance(row, Mapping):
                kind = _MEDIA.get(str(row.get("modality")).upper())
                count = _count(row, "tokenCount", "token_count")
                if kind is not None and count:
                    found[kind] = found.get(kind, 0) + count
        break
    return found


def usage(native: JsonObject) -> Usage:
    """The buckets of a `usageMetadata` object.

    `promptTokenCount` includes what came from a cache, but not what tools added
    (`toolUsePromptTokenCount`, billed as input); `candidatesTokenCount` excludes thoughts, unless
    the total shows otherwise. Details may leave tokens out: the rest counts as text.

    >>> usage({"promptTokenCount": 9, "cachedContentTokenCount": 4}).input_fresh
    5
    """
    fields = keyed(native, _KNOWN, "usageMetadata")
    prompt = _count(fields, "promptTokenCount")
    cached = _count(fields, "cachedContentTokenCount")
    output = _count(fields, "candidatesTokenCount", "responseTokenCount")
    thoughts = _count(fields, "thoughtsTokenCount")
    of_tools = _count(fields, "toolUsePromptTokenCount")
    total = _count(fields, "totalTokenCount")
    media: list[tuple[str, int]] = []
    fresh: int | None = None
    if prompt is not None or of_tools is not None:
        cached_media = _media(fields, "cacheTokensDetails")
        prompt_media = _media(fields, "promptTokensDetails", "promptTokenDetails")
        tool_media = _media(fields, "toolUsePromptTokensDetails")
        fresh = max(0, (prompt or 0) - (cached or 0)) + (of_tools or 0)
        for kind in sorted(prompt_media.keys() | tool_media.keys()):
            count = prompt_media.get(kind, 0) - cached_media.get(kind, 0)
            count = min(fresh, max(0, count) + tool_media.get(kind, 0))
            if count:
                media.append((f"{kind}_in", count))
                fresh -= count
    text = output
    if output is not None:
        if thoughts and total is not None and total == (prompt or 0) + (of_tools or 0) + output:
            text = max(0, output - thoughts)
        for kind, count in sorted(
            _media(fields, "candidatesTokensDetails", "responseTokensDetails").items()
        ):
            count = min(text or 0, count)
            if count:
                media.append((f"{kind}_out", count))
                text = (text or 0) - count
    tier = fields.get("serviceTier")
    return Usage(
        input_fresh=fresh,
        cache_read=cached,
        output_text=text,
        output_reasoning=thoughts,
        media=tuple(media),
        service_tier=tier if isinstance(tier, str) else None,
        native=native,
    )


def has_counts(used: Usage) -> bool:
    """Whether a report holds any number at all; some snapshots only name the kind of traffic."""
    return not (
        used.input_fresh is None
        and used.cache_read is None
        and used.output_text is None
        and used.output_reasoning is None
    )


def superseding(old: Usage | None, new: Usage) -> Usage:
    """The new snapshot of a stream, with a 0 wherever only the old one had a count.

    A snapshot with a total is complete: what it leaves out is none, but snapshots are merged key by
    key.
    """
    native = new.native or {}
    if old is None or "totalTokenCount" not in native:
        return new
    stale: dict[str, Json] = {
        name: 0 if isinstance(value, int) else []
        for name, value in (old.native or {}).items()
        if name not in native and isinstance(value, (int, list))
    }
    present = {name for name, _ in new.media}
    return replace(
        new,
        cache_read=_or_zero(old.cache_read, new.cache_read),
        output_text=_or_zero(old.output_text, new.output_text),
        output_reasoning=_or_zero(old.output_reasoning, new.output_reasoning),
        media=new.media + tuple((name, 0) for name, _ in old.media if name not in present),
        native={**stale, **native},
    )


def _or_zero(old: int | None, new: int | None) -> int | None:
    return 0 if new is None and old is not None else new


def write_usage(used: Usage) -> dict[str, Json]:
    """A `usageMetadata` object for a client: the provider's own, where it was of this format."""
    native = used.native
    if native is not None and "totalTokenCount" in native:
        return dict(native)
    counts: dict[str, Json] = {
        "promptTokenCount": used.input_tokens,
        "candidatesTokenCount": used.output_tokens - (used.output_reasoning or 0),
        "totalTokenCount": used.input_tokens + used.output_tokens,
    }
    if used.cache_read:
        counts["cachedContentTokenCount"] = used.cache_read
    if used.output_reasoning:
        counts["thoughtsTokenCount"] = used.output_reasoning
    for side, name, text in (
        ("_in", "promptTokensDetails", used.input_tokens),
        ("_out", "candidatesTokensDetails", used.output_tokens - (used.output_reasoning or 0)),
    ):
        rows = [(key.removesuffix(side), n) for key, n in used.media if key.endswith(side)]
        if rows:
            left = text - sum(count for _, count in rows)
            details: list[Json] = [{"modality": "TEXT", "tokenCount": left}] if left else []
            details += [{"modality": kind.upper(), "tokenCount": count} for kind, count in rows]
            counts[name] = details
    return counts
