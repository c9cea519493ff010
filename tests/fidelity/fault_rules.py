"""What fault an error is, told from its body by rules: for recordings that `faults.toml` has no
line for (another folder of recordings). Written apart from the adapters, and held against every
line of the file by `test_fault_rules.py`. Standard library only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_RETRY = {
    "rate_limited": "same key target model",
    "quota_exhausted": "key target model",
    "overloaded": "same target model",
    "upstream_5xx": "same target model",
    "bad_request": "",
    "context_length": "model",
    "content_filter": "model",
    "not_found": "target model",
    "upstream_auth": "key target model",
    "empty": "same target model",
    "truncated": "same target model",
    "protocol": "same target model",
}
_CONTEXT = (
    r"context[_ ]length|context window|too[_ ]many[_ ](prompt[_ ])?tokens|prompt (is )?too long"
    r"|input tokens exceed|all messages is too long|maximum context"
)
_NO_MODEL = r"model_?not_?found|model identifier is invalid|model .{0,60}(does not exist|not found)"
_NO_KEY = r"api[ _]?key[ _](not valid|invalid)|API_KEY_INVALID|(invalid|incorrect) api key"
_FILTER = r"content[_ ]filter|content management policy|ResponsibleAI"
_QUOTA = r"insufficient[_ ](quota|balance|credits?)|payment required|out of credits"


@dataclass(frozen=True)
class Stated:
    """What a fault must be. `causes`: the class that an error inside a 200 maps to."""

    kind: str
    status: int
    retry: str
    cause: str | None = None
    retry_after_s: float | None = None


def words(body: bytes) -> tuple[str, str]:
    """(message, everything) of an error body."""
    text = body.decode("utf-8", "replace")
    try:
        return message(json.loads(text)), text
    except ValueError:
        return "", text


def message(doc: Any) -> str:
    """The provider's message, wherever the shape has it."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, list):
        return message(doc[0]) if doc else ""
    if not isinstance(doc, dict):
        return ""
    for name in ("error", "message", "Message", "detail", "msg"):
        found = message(doc.get(name))
        if found:
            return found
    return ""


def by_rule(status: int, body: bytes, error: str | None, framing: str | None) -> Stated | None:
    """The fault that a reply must give; None: it is no fault. `error` is the message of an error
    inside a 200."""
    text = body.decode("utf-8", "replace")
    if status >= 400:
        kind = _kind(status, text)
        return Stated(kind, status, _RETRY[kind])
    if not text.strip():
        kind = "empty" if framing is None else "truncated"
        return Stated(kind, status, _RETRY[kind])
    if error is None:
        return None
    inner = re.search(r'"(?:status_code|status|code)"\s*:\s*"?(\d{3})\b', text[-4000:])
    cause = _kind(int(inner[1]) if inner else 400, error + _error_words(text))
    kind = "error_in_200" if framing is None else "error_event"
    return Stated(kind, status, _RETRY[cause], cause)


def _error_words(text: str) -> str:
    found = text.find('"error"')
    return text[found:] if found >= 0 else ""


def _kind(status: int, text: str) -> str:
    def says(pattern: str) -> bool:
        return re.search(pattern, text, re.IGNORECASE) is not None

    if status == 429:
        return "quota_exhausted" if says(_QUOTA) else "rate_limited"
    if status == 402 or (status in (400, 403) and says(_QUOTA)):
        return "quota_exhausted"
    if status in (401, 403):
        return "upstream_auth"
    if status in (404, 405, 410):
        return "not_found"
    if status in (503, 529) and (status == 529 or says("overload|capacity|unavailable")):
        return "overloaded"
    if status >= 500 or status in (408, 409, 425):
        return "upstream_5xx"
    for pattern, kind in (
        (_CONTEXT, "context_length"),
        (_FILTER, "content_filter"),
        (_NO_MODEL, "not_found"),
        (_NO_KEY, "upstream_auth"),
    ):
        if says(pattern):
            return kind
    return "bad_request"
