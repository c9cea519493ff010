"""Parts of a reply as output items, the same for whole replies and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call
from multiroute_core.api.content import Part
from multiroute_core.api.events import Finish
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.wire.responses.input_in import CUSTOM_CALL, ITEM, PIECE
from multiroute_core.wire.responses.reply_items import ENCRYPTED_AGAIN
from multiroute_core.wire.responses.thinking import WIRE, reasoning_item

_ECHOED: Final = (
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
"""Fields of a request that its response repeats."""

_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority"})
"""Service tiers that clients of this format know; other providers' words mean nothing to them."""

_SCHEMAS: Final = frozenset({"parameters", "schema", "output_schema", "input_schema"})
_ERROR_CODES: Final[Mapping[str, str]] = {
    "rate_limited": "rate_limit_exceeded",
    "quota_exhausted": "insufficient_quota",
    "context_length": "context_length_exceeded",
    "bad_request": "invalid_prompt",
    "content_filter": "content_filter",
    "overloaded": "server_is_overloaded",
}


def head(reply_id: str, model: str, created: int, extra: JsonObject, call: Call) -> dict[str, Json]:
    """The fields of a response beside its state, output and usage."""
    written: dict[str, Json] = {
        "id": reply_id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    if call.wire == WIRE:
        for name in _ECHOED:
            if call.doc.get(name) is not None:
                written[name] = call.doc[name]
    if extra.get("service_tier") in _TIERS:
        written["service_tier"] = extra["service_tier"]
    native = extra.get("response")
    if isinstance(native, Mapping):
        for name, value in native.items():
            written[name] = _said(value)
    return written


def _said(value: Json) -> Json:
    """A native value without the nulls in it; schemas stay as they are."""
    if isinstance(value, Mapping):
        return {
            name: inner if name in _SCHEMAS else _said(inner)
            for name, inner in value.items()
            if inner is not None
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_said(inner) for inner in value]
    return value


def ending(finish: Finish | None) -> dict[str, Json]:
    """The state of a response that has come to its end."""
    if finish is None:
        return {"status": "completed"}
    native = finish.extra.get("response")
    if isinstance(native, Mapping):
        return {name: _said(value) for name, value in native.items()}
    if finish.reason == "length":
        return {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    if finish.reason in ("content_filter", "refusal"):
        return {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    return {"status": "completed"}


def encrypted_again(item: dict[str, Json], finish: Finish | None) -> dict[str, Json]:
    """An item as the closing event of a stream has it."""
    forms = finish.extra.get(ENCRYPTED_AGAIN) if finish is not None else None
    form = forms.get(str(item.get("id"))) if isinstance(forms, Mapping) else None
    if form is None or item.get("type") != "reasoning":
        return item
    return {**item, "encrypted_content": form}


def error(fault: Fault) -> dict[str, Json]:
    """A fault as a response's error."""
    return {
        "code": _ERROR_CODES.get(fault.treated_as, "server_error"),
        "message": fault.message,
    }


def stem(reply_id: str) -> str:
    """What item ids are made of where the source has none."""
    return reply_id.rpartition("_")[2].rpartition("-")[2] or "0"


def wrapper(part: Part) -> JsonObject | None:
    """The own fields of the message item that a part begins; None: it goes on with the open one."""
    own = part.extra.get(ITEM) if part.origin == WIRE else None
    return own if isinstance(own, Mapping) else None


def is_spoken(part: Part) -> bool:
    """Whether a part is a piece of a message item."""
    if part.kind in ("text", "refusal"):
        return True
    own = part.kind == "opaque" and part.origin == WIRE
    return own and part.extra.get(PIECE) is True and isinstance(part.content, Mapping)


def message_item(part: Part, own_id: str) -> dict[str, Json]:
    """A message item without content."""
    item: dict[str, Json] = {
        "id": own_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [],
    }
    item.update(wrapper(part) or EMPTY)
    return item


def text_piece(
    text: str, citations: Sequence[Json] = (), logprobs: Sequence[Json] = ()
) -> dict[str, Json]:
    """A text as a piece of a message."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": list(citations),
        "logprobs": list(logprobs),
    }


def call_item(part: Part, own_id: str, arguments: str) -> dict[str, Json]:
    """A tool call. A function without arguments gets an empty object: clients parse it."""
    item: dict[str, Json] = {"type": "function_call", "id": own_id, "call_id": part.id or own_id}
    item["name"] = part.name or ""
    if is_custom(part):
        item["type"] = CUSTOM_CALL
        item["input"] = arguments
    else:
        item["arguments"] = arguments or "{}"
    item["status"] = "completed"
    if part.origin == WIRE:
        item.update({k: v for k, v in part.extra.items() if k != "type"})
    return item


def is_custom(part: Part) -> bool:
    """Whether a tool call takes free text."""
    return part.origin == WIRE and part.extra.get("type") == CUSTOM_CALL


def other_item(part: Part, own_id: str) -> dict[str, Json] | None:
    """The item of a part that is no message and no call; None: it cannot be shown."""
    if part.kind == "thinking":
        return reasoning_item(part, own_id)
    if part.origin == WIRE and isinstance(part.content, Mapping):
        return dict(part.content)
    return None


def annotation(citation: JsonObject, text_length: int) -> dict[str, Json] | None:
    """A citation as this format's annotation; None where it cites nothing that it knows.

    >>> annotation({"type": "x", "url": "https://a"}, 3)["end_index"]
    3
    """
    kind = citation.get("type")
    inner = citation.get("url_citation")
    if kind == "url_citation" and isinstance(inner, Mapping):
        return {"type": "url_citation", "start_index": 0, "end_index": text_length, **inner}
    if kind in ("url_citation", "file_citation", "container_file_citation", "file_path"):
        return dict(citation)
    url = citation.get("url")
    if not isinstance(url, str):
        return None
    title = citation.get("title")
    return {
        "type": "url_citation",
        "url": url,
        "title": title if isinstance(title, str) else "",
        "start_index": 0,
        "end_index": text_length,
    }


def tokens(block: JsonObject) -> Sequence[Json]:
    """The tokens in a block of log probabilities."""
    content = block.get("content")
    return content if isinstance(content, Sequence) and not isinstance(content, str) else ()


def lost_part(part: Part, path: str) -> Loss:
    """The receipt for a part that this format cannot show."""
    what = f"{part.kind} {part.name or ''}".strip()
    return Loss(path, what, "the responses format has no such item")
