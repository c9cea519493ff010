"""From an error reply's status, code and words to a fault kind: what formats have in common."""

from __future__ import annotations

import re
from typing import Final

from multiroute_core.api.faults import FaultKind

_CONTEXT: Final = re.compile(
    r"context[_ ]length|context window|maximum context|too many (?:input )?tokens"
    r"|(?:prompt|input) is too long|exceeds? the (?:maximum|model's) .{0,40}(?:token|length)"
    r"|input length and .?max_tokens.? exceed|reduce the length",
    re.IGNORECASE,
)
_FILTER: Final = re.compile(
    r"content[_ ](?:filter|policy|management)|responsible ?ai|content_policy_violation"
    r"|flagged as potentially|safety (?:system|policy)|usage polic(?:y|ies)",
    re.IGNORECASE,
)
_QUOTA: Final = re.compile(
    r"insufficient[_ ](?:quota|balance|funds|credit)|billing|credit balance|check your plan"
    r"|payment required|out of credits|requires more credits|spend(?:ing)? limit",
    re.IGNORECASE,
)
_CAPACITY: Final = re.compile(r"overload|capacity|too busy|high demand|try again", re.IGNORECASE)
_BAD_KEY: Final = re.compile(r"(?:invalid|incorrect|expired).{0,12}api[_ ]key", re.IGNORECASE)
_AUTH: Final = re.compile(
    r"api[_ -]?key|unauthorized|authentication|invalid x-api-key|credential", re.IGNORECASE
)


def kind_of(status: int, code: str, message: str) -> FaultKind:
    """The fault kind of an error reply. `code` joins the provider's code and type words.

    >>> kind_of(429, "insufficient_quota", ""), kind_of(503, "", "overloaded")
    ('quota_exhausted', 'overloaded')
    """
    words = f"{code} {message}"
    if status == 429:
        return "quota_exhausted" if _QUOTA.search(words) else "rate_limited"
    if status == 402:
        return "quota_exhausted"
    if status in (401, 403):
        if status == 403 and _FILTER.search(words):
            return "content_filter"
        return "quota_exhausted" if _QUOTA.search(words) else "upstream_auth"
    if status in (400, 413, 422):
        if _CONTEXT.search(words):
            return "context_length"
        if _FILTER.search(words):
            return "content_filter"
        if "rate_limit" in code:
            return "rate_limited"
        if _QUOTA.search(words):
            return "quota_exhausted"
        if status == 400 and _BAD_KEY.search(words):
            return "upstream_auth"
        return "bad_request"
    if status in (404, 405, 410):
        return "not_found"
    if status == 529:
        return "overloaded"
    if status == 503:
        return "overloaded" if _CAPACITY.search(words) else "upstream_5xx"
    if status >= 500 or status in (408, 409, 425, 499):
        return "upstream_5xx"
    return "bad_request" if 400 <= status < 500 else "protocol"


_BY_WORD: Final[tuple[tuple[str, FaultKind], ...]] = (
    ("rate_limit", "rate_limited"),
    ("resource_exhausted", "rate_limited"),
    ("overloaded", "overloaded"),
    ("unavailable", "overloaded"),
    ("insufficient_quota", "quota_exhausted"),
    ("billing", "quota_exhausted"),
    ("authentication", "upstream_auth"),
    ("permission", "upstream_auth"),
    ("not_found", "not_found"),
    ("timeout", "upstream_5xx"),
    ("server_error", "upstream_5xx"),
    ("api_error", "upstream_5xx"),
    ("internal", "upstream_5xx"),
)


def kind_by_words(code: str, message: str) -> FaultKind:
    """The fault kind of an error that came without a status of its own.

    >>> kind_by_words("overloaded_error", "Overloaded"), kind_by_words("400", "bad")
    ('overloaded', 'bad_request')
    """
    lowered = code.lower()
    for word in lowered.split():
        if word.isdigit() and 400 <= int(word) < 600:
            return kind_of(int(word), code, message)
    words = f"{code} {message}"
    if _CONTEXT.search(words):
        return "context_length"
    if _FILTER.search(words):
        return "content_filter"
    for part, kind in _BY_WORD:
        if part in lowered:
            return kind
    if _QUOTA.search(words):
        return "quota_exhausted"
    if "invalid" in lowered or "failed" in lowered:
        return "bad_request"
    if _AUTH.search(message) and "key" in message.lower():
        return "upstream_auth"
    return "upstream_5xx"
