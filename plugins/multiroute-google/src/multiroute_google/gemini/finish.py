"""Finish reasons: the format's words in ours, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api import Finish, FinishReason, Json

REASONS: Final[Mapping[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
    "LANGUAGE": "other",
    "NO_IMAGE": "other",
    "IMAGE_OTHER": "other",
    "OTHER": "other",
    "FINISH_REASON_UNSPECIFIED": "other",
}

_NUMBERS: Final[Mapping[int, str]] = {
    1: "STOP",
    2: "MAX_TOKENS",
    3: "SAFETY",
    4: "RECITATION",
    5: "OTHER",
    6: "BLOCKLIST",
    7: "PROHIBITED_CONTENT",
    8: "SPII",
    9: "MALFORMED_FUNCTION_CALL",
    10: "MODEL_ARMOR",
}
"""The reasons as numbers (`enum-encoding=int`), which only Vertex's older clients ask for.
Source: google.cloud.aiplatform.v1 Candidate.FinishReason."""

_WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "pause": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "error": "OTHER",
    "other": "OTHER",
}


def word_of(native: Json) -> str | None:
    """The reason as a word; None where there is none yet.

    >>> word_of(1), word_of("STOP"), word_of("FINISH_REASON_UNSPECIFIED")
    ('STOP', 'STOP', None)
    """
    if isinstance(native, int) and not isinstance(native, bool):
        return _NUMBERS.get(native, str(native)) if native else None
    if not isinstance(native, str) or native in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    return native


def reason_of(word: str, has_calls: bool) -> FinishReason:
    """Our reason: a stop with function calls waits for their results."""
    reason = REASONS.get(word, "other")
    return "tool_calls" if reason == "stop" and has_calls else reason


def write_reason(finish: Finish | None) -> str:
    """The format's word for how a choice ended."""
    if finish is None:
        return "OTHER"
    return finish.native if finish.native in REASONS else _WORDS[finish.reason]
