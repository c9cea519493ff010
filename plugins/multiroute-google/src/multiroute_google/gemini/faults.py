"""Errors of the vendor's APIs, classified.

Bodies: {"error": {"code", "message", "status", "details": [RetryInfo, QuotaFailure, …]}}, or a list
of one such object where a JSON array was to be streamed. Source: google.rpc error model and
recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from multiroute_core.api import (
    Fault,
    FaultKind,
    Head,
    Json,
    JsonObject,
    parse_duration_s,
    retry_after_s,
)
from multiroute_core.wire.statuses import kind_by_words, kind_of
from multiroute_core.wire.strict import loads

_BAD_KEY: Final = re.compile(
    r"api[_ ]key (?:not valid|not found|expired|invalid)|reported as leaked"
    r"|location is not supported|caller does not have permission",
    re.IGNORECASE,
)
_KEY_REASONS: Final = ("API_KEY_", "SERVICE_DISABLED", "ACCESS_TOKEN_", "CREDENTIALS_MISSING")
_SPENT: Final = re.compile(r"per_?day|limit: 0\b|credits|prepay|spend", re.IGNORECASE)
_BILLING: Final = re.compile(r"billing", re.IGNORECASE)
_STATUSES: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def _error_in(native: Json) -> JsonObject:
    if isinstance(native, Sequence) and not isinstance(native, str):
        native = native[0] if native else None
    if not isinstance(native, Mapping):
        return {}
    inner = native.get("error")
    if isinstance(inner, Mapping):
        return inner
    return {"message": inner} if isinstance(inner, str) else native


def _details(error: JsonObject) -> Iterator[JsonObject]:
    details = error.get("details")
    if isinstance(details, Sequence) and not isinstance(details, str):
        yield from (one for one in details if isinstance(one, Mapping))


def _delay_s(error: JsonObject) -> float | None:
    """Seconds in a `RetryInfo`."""
    for detail in _details(error):
        delay = detail.get("retryDelay")
        if isinstance(delay, str):
            return parse_duration_s(delay)
    return None


def _quotas(error: JsonObject) -> str:
    """The ids and metrics of the quotas that were exceeded, in one text."""
    words: list[str] = []
    for detail in _details(error):
        rows = detail.get("violations")
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            for row in rows:
                if isinstance(row, Mapping):
                    words += [str(row.get("quotaId", "")), str(row.get("quotaMetric", ""))]
    return " ".join(words)


def _kind(status: int, word: str, message: str, error: JsonObject) -> FaultKind:
    if status == 429:
        # The message always names plan and billing: only the quota says which limit it was.
        spent = _SPENT.search(f"{_quotas(error)} {message}")
        return "quota_exhausted" if spent else "rate_limited"
    reasons = [str(detail.get("reason", "")) for detail in _details(error)]
    if status in (400, 401, 403) and (
        any(reason.startswith(_KEY_REASONS) for reason in reasons) or _BAD_KEY.search(message)
    ):
        return "upstream_auth"
    if status in (400, 403) and _BILLING.search(message):
        return "quota_exhausted"
    if status == 501:
        return "not_found"
    if status == 503:
        return "overloaded"
    return kind_of(status, word, message)


def _fault_scope(kind: FaultKind) -> Literal["target", "credential"]:
    return "credential" if kind in ("upstream_auth", "quota_exhausted") else "target"


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`."""
    try:
        native: Json = loads(body)
    except ValueError:
        native = None
    error = _error_in(native)
    message = str(error.get("message") or "")
    word = str(error.get("status") or "")
    kind = _kind(head.status, word, message, error)
    delay_s = _delay_s(error)
    return Fault(
        kind,
        message or f"the provider answered {head.status} without a message",
        status=head.status,
        retry_after_s=retry_after_s(head, message, now_s) if delay_s is None else delay_s,
        scope=_fault_scope(kind),
        code=word or None,
        native=native,
    )


def fault_of(kind: Literal["error_event", "error_in_200"], native: Json) -> Fault:
    """The fault of an error object inside a stream or inside a 200."""
    error = _error_in(native)
    message = str(error.get("message") or "")
    word = str(error.get("status") or "")
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else _STATUSES.get(word)
    by_words = status is None
    cause = kind_by_words(word, message) if by_words else _kind(status or 0, word, message, error)
    return Fault(
        kind,
        message or "the provider sent an error without a message",
        status=status,
        retry_after_s=_delay_s(error),
        scope=_fault_scope(cause),
        code=word or None,
        cause=cause,
        native=native,
    )
