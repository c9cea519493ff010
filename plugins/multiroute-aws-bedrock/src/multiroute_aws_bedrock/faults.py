"""Errors of Bedrock, classified: HTTP replies, exceptions inside a stream, errors in a 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from multiroute_core.api import Fault, FaultKind, Head, Json, JsonObject, retry_after_s
from multiroute_core.wire.statuses import kind_by_words, kind_of
from multiroute_core.wire.strict import loads

REFUSED: Final = "the provider refused our credential"
"""What clients see instead of the vendor's words, which name accounts and roles."""

_KINDS: Final[Mapping[str, FaultKind]] = {
    "throttlingexception": "rate_limited",
    "toomanyrequestsexception": "rate_limited",
    "requestlimitexceeded": "rate_limited",
    "slowdown": "rate_limited",
    "servicequotaexceededexception": "quota_exhausted",
    "modelnotreadyexception": "overloaded",
    "serviceunavailableexception": "overloaded",
    "serviceunavailable": "overloaded",
    "internalserverexception": "upstream_5xx",
    "internalfailure": "upstream_5xx",
    "internalserviceexception": "upstream_5xx",
    "modelerrorexception": "upstream_5xx",
    "modelstreamerrorexception": "upstream_5xx",
    "modeltimeoutexception": "upstream_5xx",
    "resourcenotfoundexception": "not_found",
    "unknownoperationexception": "not_found",
    "accessdeniedexception": "upstream_auth",
    "accessdenied": "upstream_auth",
    "unrecognizedclientexception": "upstream_auth",
    "expiredtokenexception": "upstream_auth",
    "expiredtoken": "upstream_auth",
    "invalidsignatureexception": "upstream_auth",
    "signaturedoesnotmatch": "upstream_auth",
    "incompletesignature": "upstream_auth",
    "invalidclienttokenid": "upstream_auth",
    "missingauthenticationtoken": "upstream_auth",
    "missingauthenticationtokenexception": "upstream_auth",
    "notauthorized": "upstream_auth",
    "optinrequired": "upstream_auth",
}
_OF_THE_TARGET: Final = frozenset({"accessdeniedexception", "accessdenied"})
"""Refusals that may concern one model only: the credential is not set aside for all."""
_TOO_LONG: Final = re.compile(
    r"too long|input tokens exceed|tokens exceeds? (?:the )?max|too many input tokens"
    r"|context (?:length|window)|maximum context",
    re.IGNORECASE,
)
_NO_MODEL: Final = re.compile(
    r"model identifier is invalid|model id .{0,300}on-demand throughput isn.t supported"
    r"|could not resolve the foundation model",
    re.IGNORECASE | re.DOTALL,
)
_BY_DAY: Final = re.compile(r"tokens per day", re.IGNORECASE)


def _error_code(head: Head | None, doc: JsonObject) -> str:
    """The exception's name, without namespace and address."""
    header = head.header("x-amzn-errortype") if head is not None else None
    for value in (header, doc.get("__type"), doc.get("code"), doc.get("Code")):
        if isinstance(value, str) and value:
            return value.partition(":")[0].rpartition("#")[2]
    return ""


def _message(doc: JsonObject) -> str:
    for name in ("message", "Message", "originalMessage", "errorMessage"):
        value = doc.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _kind(status: int | None, code: str, message: str) -> FaultKind:
    known = _KINDS.get(code.lower())
    if known == "rate_limited" and _BY_DAY.search(message):
        return "quota_exhausted"
    if known is not None:
        return known
    if code.lower() == "validationexception" or status == 400:
        if _TOO_LONG.search(message):
            return "context_length"
        if _NO_MODEL.search(message):
            return "not_found"
        return kind_of(400, "", message)
    if status == 424:
        return "upstream_5xx"
    return kind_by_words(code, message) if status is None else kind_of(status, code, message)


def _scope(kind: FaultKind, code: str) -> Literal["target", "credential"]:
    if kind == "upstream_auth":
        return "target" if code.lower() in _OF_THE_TARGET else "credential"
    return "credential" if kind == "quota_exhausted" else "target"


def classify(head: Head, body: bytes, now_s: float) -> Fault:
    """The fault behind an error reply. `now_s`: UTC seconds, for dates in `Retry-After`."""
    try:
        native: Json = loads(body)
    except ValueError:
        native = None
    doc = native if isinstance(native, Mapping) else {}
    code, message = _error_code(head, doc), _message(doc)
    kind = _kind(head.status, code, message)
    pushback = retry_after_s(head, message, now_s)
    if kind == "upstream_auth":
        message, native = REFUSED, None
    return Fault(
        kind,
        message or f"the provider answered {head.status} without a message",
        status=head.status,
        retry_after_s=pushback,
        scope=_scope(kind, code),
        code=code or None,
        native=native,
    )


def fault_of(kind: Literal["error_event", "error_in_200"], code: str, native: Json) -> Fault:
    """The fault of an exception inside a stream (`code` is its name), or inside a 200."""
    doc = native if isinstance(native, Mapping) else {}
    code = code or _error_code(None, doc)
    message = _message(doc)
    cause = _kind(None, code, message)
    if cause == "upstream_auth":
        message, native = REFUSED, None
    return Fault(
        kind,
        message or "the provider sent an error without a message",
        scope=_scope(cause, code),
        code=code or None,
        cause=cause,
        native=native,
    )


def error_in_200(doc: JsonObject) -> Fault | None:
    """The fault in a whole reply that is an error under status 200; None where it is none."""
    output = doc.get("Output")
    if isinstance(output, Mapping) and "__type" in output:
        return fault_of("error_in_200", "", output)
    if "__type" in doc or (doc.keys() and doc.keys() <= {"message", "Message"}):
        return fault_of("error_in_200", "", doc)
    return None
