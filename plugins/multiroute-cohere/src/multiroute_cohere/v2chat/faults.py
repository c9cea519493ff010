"""Errors of Cohere's API, classified.

An error is `{id, message}` or `{error_type, id, message}`; inside a stream it stands in
`message-end`, beside the finish reason ERROR.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec.structs import replace

from multiroute_core.api import Fault, FaultKind, Head, Json
from multiroute_core.wire import chat

_BLOCKED: Final = 498
"""Its status for input or output that was blocked."""
_MONTH: Final = re.compile(r"/ ?month|per month|monthly", re.IGNORECASE)
_KINDS: Final[dict[str, FaultKind]] = {
    "TOO_MANY_TOKENS": "context_length",
    "INVALID_TOOL_GENERATION": "bad_request",
}


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`."""
    fault = chat.classify(head, body, now_s)
    kind = _KINDS.get(fault.code or "", fault.kind)
    if head.status == _BLOCKED:
        kind = "content_filter"
    if kind == "rate_limited" and _MONTH.search(fault.message):
        # The allowance of a trial key for this month: waiting does not help.
        return replace(fault, kind="quota_exhausted", scope="credential")
    return fault if kind == fault.kind else replace(fault, kind=kind, scope="target")


def fault_of(kind: Literal["error_event", "error_in_200"], error: Json) -> Fault:
    """The fault of an error inside a stream or a 200."""
    fault = chat.fault_of(kind, error)
    known = _KINDS.get(fault.code or "")
    return fault if known is None else replace(fault, cause=known, scope="target")
