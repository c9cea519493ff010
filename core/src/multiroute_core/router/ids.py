"""Ids that sort by time, are unique over restarts and workers, and cost next to nothing."""

from __future__ import annotations

import secrets
import time
from itertools import count

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


class IdMaker:
    """Makes ids: a prefix, the instant of the start and a random word, then a counter."""

    def __init__(self, prefix: str) -> None:
        started_ms = time.time_ns() // 1_000_000
        self._stem = f"{prefix}{_base36(started_ms)}{_base36(secrets.randbits(40)).rjust(8, '0')}"
        self._numbers = count(1)

    def __call__(self) -> str:
        """The next id."""
        return f"{self._stem}{_base36(next(self._numbers)).rjust(5, '0')}"
