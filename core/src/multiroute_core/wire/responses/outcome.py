"""How a response came out: its state, and the fields beside its items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.events import FinishReason
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.responses.input_in import CUSTOM_CALL

CALLS: Final = frozenset({"function_call", CUSTOM_CALL})
"""Items that the client has to answer."""

_INCOMPLETE: Final[Mapping[str, FinishReason]] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "length": "length",
    "content_filter": "content_filter",
}
_UNFINISHED: Final = frozenset({"queued", "in_progress"})
"""States in which an answer in the background is handed out before it is made."""

_COMPLETE: Final = frozenset({"complete", "done"})
"""Other spellings of "completed" that were seen."""

_TOLD: Final = frozenset(
    {
        "id",
        "object",
        "created_at",
        "model",
        "output",
        "usage",
        "status",
        "error",
        "incomplete_details",
    }
)


def rest_of(response: JsonObject) -> JsonObject:
    """The fields of a response that have no word of their own."""
    return frozen({k: v for k, v in response.items() if k not in _TOLD and v is not None})


def outcome(response: JsonObject, how: str, has_calls: bool) -> tuple[FinishReason, str]:
    """(our finish reason, the provider's word). `how` is the state where none is named.

    >>> outcome({"status": "completed"}, "completed", True)
    ('tool_calls', 'completed')
    """
    status = own_text(response, "status") or how
    if status == "incomplete":
        details = response.get("incomplete_details")
        why = own_text(details, "reason") if isinstance(details, Mapping) else None
        return _INCOMPLETE.get(why or "", "other"), why or status
    if status in _UNFINISHED:
        return "pause", status
    return "tool_calls" if has_calls else "stop", status


def changed(begun: JsonObject, response: JsonObject, how: str) -> dict[str, Json]:
    """What the end of a response says that its beginning did not, and its state."""
    fields: dict[str, Json] = {k: v for k, v in rest_of(response).items() if begun.get(k) != v}
    status = own_text(response, "status") or how
    fields["status"] = "completed" if status in _COMPLETE else status
    if response.get("incomplete_details") is not None:
        fields["incomplete_details"] = response["incomplete_details"]
    return fields


def searches(tool_usage: Json) -> int:
    """Web searches that the provider counted."""
    search = tool_usage.get("web_search") if isinstance(tool_usage, Mapping) else None
    count = search.get("num_requests") if isinstance(search, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else 0
