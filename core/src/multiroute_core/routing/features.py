"""What a decision knows of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import Part
from multiroute_core.api.json import Json
from multiroute_core.api.routing import Features

CHARS_PER_TOKEN = 4
"""Characters a token, on average: an estimate for routing, never for booking."""
CHARS_PER_MESSAGE = 16
"""What the frame of one message (role, marks) comes to."""
TOKENS_PER_IMAGE = 800
"""Input tokens of one image, roughly: detail and size are not known before the upstream counts."""
DEFAULT_OUTPUT = 500
"""Output tokens expected where the client names no limit."""
_MEDIA_NEEDS = {"image": "vision", "audio": "audio_in", "document": "documents"}


def features_of(call: Call, *, with_text: bool = False) -> Features:
    """The features of a call. `with_text`: some active scorer reads the prompt."""
    body = call.body
    if not isinstance(body, ChatBody):
        size = _json_size(call.doc)
        return Features(
            call.operation,
            call.stream,
            size // CHARS_PER_TOKEN,
            0,
            session=call.session,
            metadata=call.metadata,
        )
    needs: set[str] = set()
    chars = 0
    images = 0
    for message in body.messages:
        chars += CHARS_PER_MESSAGE
        for part in message.parts:
            chars += _size(part)
            need = _MEDIA_NEEDS.get(part.kind)
            if need is not None:
                needs.add(need)
                images += 1
    for tool in body.tools:
        needs.add("tools")
        chars += len(tool.name) + len(tool.description or "") + _json_size(tool.schema)
    if body.parallel_tools and body.tools:
        needs.add("parallel_tools")
    if body.schema is not None and body.schema.kind != "text":
        needs.add("json_schema" if body.schema.kind == "json_schema" else "json_mode")
    if body.reasoning is not None and body.reasoning.enabled is not False:
        needs.add("reasoning")
    if body.params.get("logprobs") is True:
        needs.add("logprobs")
    limit = body.max_output
    expected = DEFAULT_OUTPUT if limit is None else min(limit, DEFAULT_OUTPUT)
    return Features(
        operation=call.operation,
        stream=call.stream,
        input_tokens=chars // CHARS_PER_TOKEN + images * TOKENS_PER_IMAGE,
        output_tokens=expected,
        needs=tuple(sorted(needs)),
        max_output=limit,
        session=call.session,
        metadata=call.metadata,
        text=_last_user_text(body) if with_text else None,
        continues=call.wire if call.needs_state else _open_loop(body),
    )


def _open_loop(body: ChatBody) -> str | None:
    """The format whose signed thinking an unfinished tool loop holds: providers refuse results of
    tools without the thinking that led to the calls, and only their own format can carry it."""
    last = body.messages[-1] if body.messages else None
    if last is None or not any(part.kind == "tool_result" for part in last.parts):
        return None
    for message in reversed(body.messages):
        if message.role == "assistant":
            signed = [p for p in message.parts if p.kind == "thinking" and p.signature is not None]
            return signed[0].origin if signed else None
    return None


def _size(part: Part) -> int:
    size = len(part.text) + len(part.arguments or "")
    if isinstance(part.content, tuple):
        inner: Iterable[object] = part.content
        size += sum(_size(piece) for piece in inner if isinstance(piece, Part))
    return size


def _json_size(value: Json) -> int:
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, Mapping):
        return sum(len(k) + 4 + _json_size(v) for k, v in value.items()) + 2
    if isinstance(value, (list, tuple)):
        return sum(_json_size(v) + 1 for v in value) + 2
    return 4


def _last_user_text(body: ChatBody) -> str:
    for message in reversed(body.messages):
        if message.role == "user":
            return "".join(part.text for part in message.parts if part.kind == "text")
    return ""
