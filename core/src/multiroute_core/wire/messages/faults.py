"""Errors of the messages format: classified, and written for clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json
from multiroute_core.api.upstream import Head
from multiroute_core.wire.chat.faults import classify as classify_chat, fault_of as chat_fault_of

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`.

    The error object has the shape {type: "error", error: {type, message}}: the same reader as for
    the chat format serves, since what counts is the status and the words.
    """
    return classify_chat(head, body, now_s)


def fault_of(kind: Literal["error_event", "error_in_200"], error: Json) -> Fault:
    """The fault of an error object inside a stream or inside a 200."""
    return chat_fault_of(kind, error)


def error_type(status: int) -> str:
    """This format's word for an error of that HTTP status.

    >>> error_type(429), error_type(422), error_type(502)
    ('rate_limit_error', 'invalid_request_error', 'api_error')
    """
    return _TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")


def error_doc(kind: str, message: str, request_id: str = "") -> dict[str, Json]:
    """The document of an error."""
    doc: dict[str, Json] = {"type": "error", "error": {"type": kind, "message": message}}
    if request_id:
        doc["request_id"] = request_id
    return doc
