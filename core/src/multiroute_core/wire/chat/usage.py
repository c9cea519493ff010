"""Usage as the chat format reports it, in disjoint buckets; and back."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.usage import Usage


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

    `prompt_tokens` includes cached and audio tokens, `completion_tokens` includes reasoning
    tokens; where the total shows that a provider counts reasoning beside it, that is believed.

    >>> usage({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}).input_fresh
    10
    """
    of_input = _inner(native, "prompt_tokens_details")
    of_output = _inner(native, "completion_tokens_details")
    prompt = _count(native, "prompt_tokens")
    completion = _count(native, "completion_tokens")
    total = _count(native, "total_tokens")
    cached = _count(of_input, "cached_tokens")
    if cached is None:
        cached = _count(native, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")
    written = _count(of_input, "cache_write_tokens", "cache_creation_tokens")
    reasoning = _count(of_output, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(native, "reasoning_tokens")
    media: list[tuple[str, int]] = []
    audio_in = _count(of_input, "audio_tokens")
    image_in = _count(of_input, "image_tokens")
    audio_out = _count(of_output, "audio_tokens")
    image_out = _count(of_output, "image_tokens")
    rejected = _count(of_output, "rejected_prediction_tokens")
    for name, count in (
        ("audio_in", audio_in),
        ("image_in", image_in),
        ("audio_out", audio_out),
        ("image_out", image_out),
        ("predicted_rejected", rejected),
    ):
        if count:
            media.append((name, count))
    fresh = prompt
    if prompt is not None:
        beside = (cached or 0) + (written or 0) + (audio_in or 0) + (image_in or 0)
        fresh = max(0, prompt - beside)
    text = completion
    if completion is not None:
        apart = (audio_out or 0) + (image_out or 0) + (rejected or 0)
        counted_beside = (
            reasoning
            and prompt is not None
            and total is not None
            and total == prompt + completion + reasoning
        )
        text = max(0, completion - apart - (0 if counted_beside else reasoning or 0))
    tier = native.get("service_tier")
    return Usage(
        input_fresh=fresh,
        cache_read=cached,
        cache_write=written,
        output_text=text,
        output_reasoning=reasoning,
        media=tuple(media),
        service_tier=tier if isinstance(tier, str) else None,
        native=native,
    )


def write_usage(used: Usage) -> dict[str, Json]:
    """A usage object for a client of the chat format."""
    media = dict(used.media)
    of_input: dict[str, Json] = {"cached_tokens": used.cache_read or 0}
    written = (used.cache_write or 0) + (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    if written:
        of_input["cache_write_tokens"] = written
    if media.get("audio_in"):
        of_input["audio_tokens"] = media["audio_in"]
    of_output: dict[str, Json] = {"reasoning_tokens": used.output_reasoning or 0}
    if media.get("audio_out"):
        of_output["audio_tokens"] = media["audio_out"]
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": of_input,
        "completion_tokens_details": of_output,
    }
