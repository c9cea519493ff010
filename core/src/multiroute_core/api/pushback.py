"""Pushback: how long an upstream asks us to wait, in the forms that providers use.

Helpers for `Provider.classify`. Values are clamped to 0..300 s; what cannot be parsed, is
negative, not a number or longer gives None, and the caller's own back-off holds.
Source: RFC 9110 §10.2.3 (Retry-After); header forms seen in recorded traffic.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from multiroute_core.api.upstream import Head

LONGEST_S = 300.0
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_IN_TEXT = re.compile(
    r"(?:try again|retry) (?:in|after) "
    r"((?:\d+(?:\.\d+)?(?:ms|s|m|h)(?![a-z]))+|\d+(?:\.\d+)? seconds?)",
    re.IGNORECASE,
)


def _sane(seconds: float) -> float | None:
    if math.isnan(seconds) or seconds < 0 or seconds > LONGEST_S:
        return None
    return seconds


def parse_duration_s(text: str) -> float | None:
    """Seconds in "6m0s", "1.5s", "20ms" or "17 seconds"; None where it is not a duration.

    >>> parse_duration_s("1m2.5s"), parse_duration_s("soon")
    (62.5, None)
    """
    compact = text.strip().lower().removesuffix(" seconds").removesuffix(" second")
    if compact != text.strip().lower():
        compact += "s"
    parts = _DURATION.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        return None
    return _sane(sum(float(number) * _UNITS_S[unit] for number, unit in parts))


def parse_retry_after_s(text: str, now_s: float) -> float | None:
    """Seconds in a `Retry-After` value: a number or an HTTP date. A date in the past is 0.

    `now_s`: UTC seconds since 1970.

    >>> parse_retry_after_s("7", 0.0), parse_retry_after_s("-1", 0.0)
    (7.0, None)
    """
    text = text.strip()
    try:
        return _sane(float(text))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return _sane(max(0.0, when.timestamp() - now_s))


def parse_reset_s(text: str, now_s: float) -> float | None:
    """Seconds in a rate-limit reset header: duration, RFC 3339 instant, epoch (s or ms), or a
    plain number of seconds.

    >>> parse_reset_s("6.5s", 0.0), parse_reset_s("1700000030", 1700000000.0)
    (6.5, 30.0)
    """
    text = text.strip()
    duration = parse_duration_s(text)
    if duration is not None:
        return duration
    try:
        number = float(text)
    except ValueError:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return _sane(max(0.0, when.timestamp() - now_s))
    if number > 1e11:
        return _sane(max(0.0, number / 1000 - now_s))
    if number > 1e8:
        return _sane(max(0.0, number - now_s))
    return _sane(number)


def parse_text_s(message: str) -> float | None:
    """Seconds in an error message such as "Please try again in 5.289s"; None where none stands.

    >>> parse_text_s("Rate limit reached. Please try again in 1m30s.")
    90.0
    """
    found = _IN_TEXT.search(message)
    return parse_duration_s(found.group(1)) if found else None


def retry_after_s(head: Head, message: str, now_s: float) -> float | None:
    """The pushback of a reply from the forms that many providers share, the most exact first.

    Looks at `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after`, then at `message`. Reset
    headers are the adapter's to choose (`parse_reset_s`): which one counts depends on the limit
    that was hit.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        text = head.header(name)
        if text is not None:
            try:
                seconds = _sane(float(text) / 1000)
            except ValueError:
                seconds = None
            if seconds is not None and seconds > 0:
                return seconds
    text = head.header("retry-after")
    if text is not None:
        seconds = parse_retry_after_s(text, now_s)
        if seconds is not None:
            return seconds
    return parse_text_s(message)
