"""Errors of the chat format, classified. Providers disagree on the shape; all seen are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from multiroute_core.api.faults import Fault, FaultKind
from multiroute_core.api.json import Json
from multiroute_core.api.pushback import retry_after_s
from multiroute_core.api.upstream import Head
from multiroute_core.wire.statuses import kind_by_words, kind_of
from multiroute_core.wire.strict import loads


def words_of(error: Json) -> tuple[str, str]:
    """(code words, message) of an error in any of the shapes that providers send."""
    if isinstance(error, str):
        return "", error
    if isinstance(error, Sequence) and not isinstance(error, str):
        return words_of(error[0]) if error else ("", "")
    if not isinstance(error, Mapping):
        return "", ""
    inner = error.get("error")
    if isinstance(inner, Mapping):
        return words_of(inner)
    codes = [
        str(error[name])
        for name in ("code", "type", "status", "error_type")
        if isinstance(error.get(name), (str, int))
    ]
    for name in ("message", "detail", "error", "msg"):
        text = error.get(name)
        if isinstance(text, str):
            return " ".join(codes), text
        if isinstance(text, (Mapping, Sequence)) and text:
            return " ".join(codes), words_of(text)[1]
    return " ".join(codes), ""


def scope_of(kind: FaultKind) -> Literal["target", "credential"]:
    """Whom a fault of this kind speaks of, where the provider does not say more."""
    return "credential" if kind in ("upstream_auth", "quota_exhausted") else "target"


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`."""
    try:
        native: Json = loads(body)
    except ValueError:
        native = None
    code, message = words_of(native)
    kind = kind_of(head.status, code, message)
    first = code.split()[0] if code else None
    return Fault(
        kind,
        message or f"the provider answered {head.status} without a message",
        status=head.status,
        retry_after_s=retry_after_s(head, message, now_s),
        scope=scope_of(kind),
        code=first,
        native=native,
    )


def fault_of(kind: Literal["error_event", "error_in_200"], error: Json) -> Fault:
    """The fault of an error object inside a stream or inside a 200."""
    code, message = words_of(error)
    cause = kind_by_words(code, message)
    return Fault(
        kind,
        message or "the provider sent an error without a message",
        scope=scope_of(cause),
        code=code.split()[0] if code else None,
        cause=cause,
        native=error,
    )
