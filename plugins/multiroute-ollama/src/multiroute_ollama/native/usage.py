"""Usage as Ollama reports it: counters beside the reply's last words."""

from __future__ import annotations

from typing import Final

from multiroute_core.api import JsonObject, Usage

COUNTERS: Final = frozenset(
    {
        "prompt_eval_count",
        "eval_count",
        "total_duration",
        "load_duration",
        "prompt_eval_duration",
        "eval_duration",
    }
)
"""Tokens, and durations in nanoseconds."""


def usage(native: JsonObject) -> Usage:
    """The buckets. A prompt that was in the cache has no count: unknown, not 0.

    >>> usage({"eval_count": 7}).input_fresh is None
    True
    """
    return Usage(
        input_fresh=_count(native, "prompt_eval_count"),
        output_text=_count(native, "eval_count"),
        native=native,
    )


def _count(native: JsonObject, name: str) -> int | None:
    value = native.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value
