"""Ids of requests: the client's own if it is harmless, else one that sorts by time."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _DIGITS for low in _DIGITS)
_SHIFTS: Final = tuple(range(120, -1, -10))
_HARMLESS: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class RequestIds:
    """Makes ids of 26 letters: 48 bits of UTC milliseconds, then 80 random bits.

    Source: the ULID layout (Crockford's base 32), github.com/ulid/spec. Two ids of one millisecond
    are in no order.
    """

    def __init__(
        self,
        now_ms: Callable[[], int] = _now_ms,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._now_ms = now_ms
        self._entropy = entropy

    def __call__(self) -> str:
        """The next id."""
        number = self._now_ms() << 80 | int.from_bytes(self._entropy(10), "big")
        return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def harmless_id(value: bytes | None) -> str | None:
    """The client's id, if it is 1 to 64 letters, digits, dots, dashes and underscores.

    >>> harmless_id(b"job-7.a"), harmless_id(b"a b"), harmless_id(None)
    ('job-7.a', None, None)
    """
    if value is not None and _HARMLESS.fullmatch(value):
        return value.decode("ascii")
    return None
