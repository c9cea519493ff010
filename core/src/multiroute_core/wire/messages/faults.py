"""Errors of the messages format, classified."""

from __future__ import annotations

from typing import Literal

from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json
from multiroute_core.api.upstream import Head
from multiroute_core.wire.chat.faults import classify as classify_chat, fault_of as chat_fault_of


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`.

    The error object has the shape {type: "error", error: {type, message}}: the same reader as for
    the chat format serves, since what counts is the status and the words.
    """
    return classify_chat(head, body, now_s)


def fault_of(kind: Literal["error_event", "error_in_200"], error: Json) -> Fault:
    """The fault of an error object inside a stream or inside a 200."""
    return chat_fault_of(kind, error)
