"""Nearest names, for hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Names like this one, or a few known ones, or "".

    >>> did_you_mean("latancy", ["latency", "cost"])
    "did you mean 'latency'?"
    >>> did_you_mean("zzz", ["b", "a"])
    'known: a, b'
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else ""
