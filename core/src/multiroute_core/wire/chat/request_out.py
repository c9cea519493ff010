"""A call written as a chat completions request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import Message, OutputSchema, Part, Tool, ToolChoice
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.chat.request_in import PARAMS, WIRE
from multiroute_core.wire.fields import data_url

_FOREIGN: Final = "belongs to another API format"


def encode_call(
    call: Call, model: str, *, limit_name: str | None = None
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks chat completions, and what it could not hold.

    `limit_name`: the upstream's name for the output limit, if it accepts only one of
    `max_tokens` and `max_completion_tokens`; otherwise the client's own spelling is kept.

    Raises:
        CannotEncode: the call is not a chat call.
    """
    body = call.body
    if not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a chat completion")
    losses: list[Loss] = []
    messages: list[Json] = []
    for number, message in enumerate(body.messages):
        messages.extend(_message(message, f"messages[{number}]", losses))
    doc: dict[str, Json] = {"model": model, "messages": messages}
    if call.stream:
        doc["stream"] = True
        options = call.doc.get("stream_options") if call.wire == WIRE else None
        base = options if isinstance(options, Mapping) else {}
        doc["stream_options"] = {**base, "include_usage": True}
    if body.tools:
        tools = [_tool(t, f"tools[{i}]", losses) for i, t in enumerate(body.tools)]
        doc["tools"] = [tool for tool in tools if tool is not None]
    _put(doc, "tool_choice", _tool_choice(body.tool_choice, losses))
    _put(doc, "parallel_tool_calls", body.parallel_tools)
    if body.choices != 1 or (call.wire == WIRE and call.doc.get("n") is not None):
        doc["n"] = body.choices
    if body.max_output is not None:
        spelt = "max_tokens" if call.wire == WIRE and "max_tokens" in call.doc else None
        doc[limit_name or spelt or "max_completion_tokens"] = body.max_output
    if body.stop:
        one = call.wire == WIRE and isinstance(call.doc.get("stop"), str)
        doc["stop"] = body.stop[0] if one else list(body.stop)
    if body.schema is not None:
        doc["response_format"] = _schema(body.schema, call.wire == WIRE)
    if body.reasoning is not None:
        if body.reasoning.effort is not None:
            doc["reasoning_effort"] = body.reasoning.effort
        elif body.reasoning.budget_tokens is not None:
            losses.append(Loss("reasoning", "thinking budget in tokens", "target takes words only"))
        elif body.reasoning.enabled is False:
            doc["reasoning_effort"] = "none"
    for name, value in body.params.items():
        if name in PARAMS:
            doc[name] = value
        else:
            losses.append(Loss(name, "parameter", "target has no such parameter"))
    for name, value in body.extra.items():
        if call.wire == WIRE:
            doc[name] = value
        else:
            losses.append(Loss(name, "field", _FOREIGN))
    return doc, tuple(losses)


def _put(doc: dict[str, Json], name: str, value: Json) -> None:
    if value is not None:
        doc[name] = value


def _schema(schema: OutputSchema, from_chat: bool) -> dict[str, Json]:
    if schema.kind != "json_schema":
        return {"type": schema.kind, **schema.extra}
    inner: dict[str, Json] = {}
    _put(inner, "name", schema.name or (None if from_chat else "response"))
    _put(inner, "description", schema.description)
    _put(inner, "schema", schema.schema)
    _put(inner, "strict", schema.strict)
    inner.update(schema.extra)
    return {"type": "json_schema", "json_schema": inner}


def _tool(tool: Tool, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    if tool.kind != "function":
        if tool.origin == WIRE:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", _FOREIGN))
        return None
    function: dict[str, Json] = {"name": tool.name}
    _put(function, "description", tool.description)
    _put(function, "parameters", tool.schema)
    _put(function, "strict", tool.strict)
    written: dict[str, Json] = {"type": "function", "function": function}
    _put(written, "cache_control", tool.cache)
    if tool.origin in (None, WIRE):
        for name, value in tool.extra.items():
            if name == "function" and isinstance(value, Mapping):
                function.update(value)
            else:
                written[name] = value
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", _FOREIGN) for name in tool.extra)
    return written


def _tool_choice(choice: ToolChoice | None, losses: list[Loss]) -> Json:
    if choice is None:
        return None
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    if choice.mode == "native":
        if choice.origin == WIRE:
            return choice.extra
        losses.append(Loss("tool_choice", "tool choice", _FOREIGN))
        return None
    return choice.extra.get("spelt", choice.mode) if choice.origin == WIRE else choice.mode


def _message(message: Message, path: str, losses: list[Loss]) -> list[Json]:
    """One message, or several: results of tools are messages of their own in this format."""
    results: list[Json] = []
    content: list[Json] = []
    calls: list[Json] = []
    details: list[Json] = []
    written: dict[str, Json] = {"role": message.role}
    plain = True
    texts = 0
    for number, part in enumerate(message.parts):
        where = f"{path}.content[{number}]"
        if part.kind == "tool_result":
            results.append(_result(part, where, losses))
        elif part.kind == "tool_call":
            calls.append(_call(part, where, losses))
        elif part.kind == "thinking":
            _thinking(part, where, written, details, losses)
        elif part.kind == "refusal" and message.role == "assistant":
            written["refusal"] = part.text
        elif part.kind == "opaque" and part.origin == WIRE and _is_call(part):
            calls.append(part.content)  # type: ignore[arg-type]  # opaque content is native JSON
        else:
            piece = _part(part, where, losses)
            if piece is not None:
                content.append(piece)
                texts += 1
                plain = plain and part.kind == "text" and len(piece) == 2
    if message.origin in (None, WIRE):
        extra: JsonObject = message.extra
    else:
        extra = {}
        losses.extend(Loss(f"{path}.{name}", "message field", _FOREIGN) for name in message.extra)
    if results:
        if isinstance(results[-1], dict):
            results[-1].update(extra)
        if content:
            results.append({"role": "user", "content": content})
        return results
    if plain and texts == 1 and isinstance(content[0], dict):
        written["content"] = content[0]["text"]
    elif content:
        written["content"] = content
    else:
        written["content"] = None
    if details:
        written["reasoning_details"] = details
    if calls:
        written["tool_calls"] = calls
    written.update(extra)
    return [written]


def _is_call(part: Part) -> bool:
    content = part.content
    return isinstance(content, Mapping) and "id" in content


def _call(part: Part, path: str, losses: list[Loss]) -> dict[str, Json]:
    call: dict[str, Json] = {
        "id": part.id or "",
        "type": "function",
        "function": {"name": part.name or "", "arguments": part.arguments or ""},
    }
    if part.origin in (None, WIRE):
        call.update(part.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "tool call field", _FOREIGN) for name in part.extra)
    return call


def _result(part: Part, path: str, losses: list[Loss]) -> dict[str, Json]:
    content: Json = part.text
    if isinstance(part.content, tuple):
        pieces: list[Json] = []
        for number, inner in enumerate(part.content):
            if isinstance(inner, Part):
                piece = _part(inner, f"{path}.content[{number}]", losses)
                if piece is not None:
                    pieces.append(piece)
        content = pieces
    if part.is_error:
        losses.append(Loss(f"{path}.is_error", "error mark of a tool result", "no such field"))
    return {"role": "tool", "tool_call_id": part.id or "", "content": content}


def _thinking(
    part: Part,
    path: str,
    written: dict[str, Json],
    details: list[Json],
    losses: list[Loss],
) -> None:
    detail = part.extra.get("detail")
    if part.origin == WIRE and part.name is not None:
        written[part.name] = part.text
    elif isinstance(detail, Mapping):
        details.append(detail)
    else:
        losses.append(Loss(path, "thinking block", "target does not take thinking back"))


def _part(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    media = part.media
    piece: dict[str, Json]
    if part.kind in ("text", "refusal"):
        piece = {"type": "text", "text": part.text}
        if part.citations:
            losses.append(Loss(f"{path}.citations", "citations", "no such field"))
    elif part.kind == "image" and media is not None and media.file_id is None:
        image: dict[str, Json] = {"url": _link(part)}
        _put(image, "detail", media.detail)
        piece = {"type": "image_url", "image_url": image}
    elif part.kind == "audio" and media is not None and media.data_b64 is not None:
        audio = {"data": media.data_b64, "format": media.mime.removeprefix("audio/")}
        piece = {"type": "input_audio", "input_audio": audio}
    elif part.kind == "document" and media is not None:
        file: dict[str, Json] = {}
        _put(file, "filename", media.name)
        _put(file, "file_id", media.file_id)
        if media.file_id is None:
            file["file_data"] = _link(part)
        if part.origin == WIRE:
            file.update(part.extra)
        return _marked({"type": "file", "file": file}, part)
    elif part.kind == "opaque" and part.origin == WIRE and isinstance(part.content, Mapping):
        return dict(part.content)
    else:
        losses.append(Loss(path, f"{part.kind} part", "target has no such content"))
        return None
    if part.origin == WIRE:
        piece.update(part.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "content field", _FOREIGN) for name in part.extra)
    return _marked(piece, part)


def _marked(piece: dict[str, Json], part: Part) -> dict[str, Json]:
    _put(piece, "cache_control", part.cache)
    return piece


def _link(part: Part) -> str:
    media = part.media
    if media is None:
        return ""
    if media.data_b64 is not None:
        return data_url(media.mime, media.data_b64)
    return media.url or ""
