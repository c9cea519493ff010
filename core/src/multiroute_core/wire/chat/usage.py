"""Usage as the chat format reports it, in disjoint buckets; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

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


_MEDIA_IN = (
    ("audio_tokens", "audio_in"),
    ("image_tokens", "image_in"),
    ("video_tokens", "video_in"),
)
_MEDIA_OUT = (
    ("audio_tokens", "audio_out"),
    ("image_tokens", "image_out"),
    ("rejected_prediction_tokens", "predicted_rejected"),
)


def _share(whole: int | None, parts: list[tuple[str, int]]) -> tuple[int | None, dict[str, int]]:
    """What is left of a count besides its parts. Parts overlap where a provider counts one token
    twice (cached audio): the later ones give way, so that all sum to the whole."""
    if whole is None:
        return None, dict(parts)
    left = whole
    kept: dict[str, int] = {}
    for name, count in parts:
        kept[name] = min(count, left)
        left -= kept[name]
    return left, kept


USD_PUSD: Final = 10**12
"""Pico-USD in one USD."""

_COSTS: Final = (
    # One tick is 1e-10 USD: recorded costs equal tokens times list price in that unit only.
    (("cost_in_usd_ticks",), 100),
    (("cost", "total_cost"), USD_PUSD),
    (("cost",), USD_PUSD),
)
"""Where providers put their own price, and what 1 is worth there."""


def cost_pusd(native: JsonObject, keys: Sequence[str], unit_pusd: int) -> int | None:
    """The price under these keys in pico-USD; None: none stands there.

    >>> cost_pusd({"cost": {"total_cost": 0.5}}, ("cost", "total_cost"), 10**12)
    500000000000
    """
    found: Json = native
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        return None
    try:
        cost = Decimal(str(found)) * unit_pusd
    except InvalidOperation:
        return None
    return int(cost.to_integral_value()) if cost.is_finite() and cost >= 0 else None


def _reported_cost_pusd(native: JsonObject) -> int | None:
    if "cost" not in native and "cost_in_usd_ticks" not in native:
        return None
    told = (cost_pusd(native, keys, unit_pusd) for keys, unit_pusd in _COSTS)
    return next((cost for cost in told if cost is not None), None)


def usage(native: JsonObject) -> Usage:
    """The buckets in a `usage` object; they sum to `total_tokens` where that is consistent.

    `prompt_tokens` includes cached and media tokens, `completion_tokens` includes reasoning
    tokens; where the total shows that a provider counts them beside, that is believed. A total
    beyond prompt and completion that nothing explains is thinking that the provider does not name.

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
    if prompt is not None and completion is not None and total is not None:
        beyond = total - prompt - completion
        in_cache = (cached or 0) + (written or 0)
        if beyond > 0 and beyond == in_cache:
            prompt += in_cache
        elif beyond > 0 and reasoning in (None, 0, beyond):
            reasoning = beyond
            completion += beyond
    parts_in = [("cached", cached or 0), ("written", written or 0)]
    parts_in += [(ours, _count(of_input, theirs) or 0) for theirs, ours in _MEDIA_IN]
    parts_out = [("reasoning", reasoning or 0)]
    parts_out += [(ours, _count(of_output, theirs) or 0) for theirs, ours in _MEDIA_OUT]
    fresh, shares = _share(prompt, parts_in)
    text, shares_out = _share(completion, parts_out)
    shares.update(shares_out)
    tier = native.get("service_tier")
    return Usage(
        input_fresh=fresh,
        cache_read=None if cached is None else shares["cached"],
        cache_write=None if written is None else shares["written"],
        output_text=text,
        output_reasoning=None if reasoning is None else shares["reasoning"],
        media=tuple((ours, shares[ours]) for _, ours in _MEDIA_IN + _MEDIA_OUT if shares[ours]),
        service_tier=tier if isinstance(tier, str) else None,
        reported_cost_pusd=_reported_cost_pusd(native),
        native=native,
    )


def write_usage(used: Usage) -> dict[str, Json]:
    """A usage object for a client of the chat format."""
    media = dict(used.media)
    of_input: dict[str, Json] = {"cached_tokens": used.cache_read or 0}
    written = (used.cache_write or 0) + (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    if written:
        of_input["cache_write_tokens"] = written
    for theirs, ours in _MEDIA_IN:
        if media.get(ours):
            of_input[theirs] = media[ours]
    of_output: dict[str, Json] = {"reasoning_tokens": used.output_reasoning or 0}
    for theirs, ours in _MEDIA_OUT:
        if media.get(ours):
            of_output[theirs] = media[ours]
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": of_input,
        "completion_tokens_details": of_output,
    }
