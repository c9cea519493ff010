"""Usage as Cohere reports it, in disjoint buckets."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.api import Json, JsonObject, Usage


def count(source: Json, name: str) -> int | None:
    """A count in an object; anything else is no report."""
    value = source.get(name) if isinstance(source, Mapping) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def usage(native: JsonObject) -> Usage:
    """The buckets of a `usage` object.

    It counts twice: `tokens` are those that the model read and wrote, its own instructions
    included; `billed_units` those that are paid for. Cached and reasoning tokens are shares of the
    first, so that one is taken; but where more is paid for than it counts (images are not in it),
    the second: nothing that is billed goes uncounted.

    >>> used = usage({"tokens": {"input_tokens": 500, "output_tokens": 9}, "cached_tokens": 448})
    >>> used.input_fresh, used.cache_read, used.output_text
    (52, 448, 9)
    """
    counted, billed = native.get("tokens"), native.get("billed_units")
    read, paid = count(counted, "input_tokens"), count(billed, "input_tokens")
    is_billed = read is None or (paid or 0) > read
    taken = billed if is_billed else counted
    whole, out = count(taken, "input_tokens"), count(taken, "output_tokens")
    cached = count(native, "cached_tokens")
    in_cache = min(cached or 0, whole or 0)
    images = (count(counted, "image_tokens") or 0) if is_billed else 0
    images = min(images, (whole or 0) - in_cache)
    reasoning = count(counted, "reasoning_tokens")
    thought = min(reasoning or 0, out or 0)
    units = ((name, count(billed, name)) for name in ("search_units", "classifications"))
    return Usage(
        input_fresh=None if whole is None else whole - in_cache - images,
        cache_read=None if cached is None else in_cache,
        output_text=None if out is None else out - thought,
        output_reasoning=None if reasoning is None else thought,
        media=(("image_in", images),) if images else (),
        tool_units=tuple((name, number) for name, number in units if number),
        native=native,
    )
