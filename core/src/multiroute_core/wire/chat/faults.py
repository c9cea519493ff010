"""Errors of the chat format, classified. Providers disagree on the shape; all seen are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from multiroute_core.api.faults import Fault, FaultKind
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.pushback import retry_after_s
from multiroute_core.api.upstream import Head
from multiroute_core.wire.statuses import kind_by_words, kind_of
from multiroute_core.wire.strict import loads

_TOO_LONG: Final = re.compile(
    r"too_many_(?:prompt_|input_)?tokens|total length of all messages|string_above_max_length"
    r"|prompt_?tokens.{0,20}exceed",
    re.IGNORECASE,
)


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
    text = ""
    for name in ("message", "detail", "error", "msg"):
        told = error.get(name)
        if isinstance(told, str):
            text = told
            break
        if isinstance(told, (Mapping, Sequence)) and told:
            text = words_of(told)[1]
            break
    cause = _behind(error)
    if cause and cause not in text:
        text = f"{text}: {cause}" if text else cause
    return " ".join(codes), text


def _behind(error: JsonObject) -> str:
    """What a router says of the provider behind it: `metadata.raw`, text or an error as JSON."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    if isinstance(raw, str):
        try:
            return words_of(loads(raw))[1] or raw
        except ValueError:
            return raw
    return words_of(raw)[1]


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
    if kind == "bad_request" and _TOO_LONG.search(f"{code} {message}"):
        kind = "context_length"
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
