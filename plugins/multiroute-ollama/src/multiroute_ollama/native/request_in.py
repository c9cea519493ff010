"""Requests of Ollama's own API in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    EMPTY,
    Call,
    ChatBody,
    InvalidRequest,
    Json,
    JsonObject,
    Media,
    Message,
    OutputSchema,
    Pairs,
    Part,
    Reasoning,
    Tool,
    frozen,
)
from multiroute_core.wire.fields import (
    as_bool,
    as_list,
    as_object,
    as_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.strict import dump
from multiroute_ollama.native.names import GENERATE, OPTIONS, TOP, WIRE

_BODY: Final = TOP | {"model", "stream", "options", "tools", "think", "format"}
_MESSAGE: Final = frozenset({"role", "content", "thinking", "images", "tool_calls"})
_RESULT: Final = frozenset({"role", "content", "tool_name", "tool_call_id", "images"})
_CALL: Final = frozenset({"id", "type", "function"})


def decode_chat(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document of `/api/chat` asks for. It streams unless told otherwise.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    listed = as_list(doc.get("messages"), "messages")
    messages = tuple(_message(one, f"messages[{i}]") for i, one in enumerate(listed))
    return _call(doc, headers, WIRE, messages, frozenset({"messages"}))


def decode_generate(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document of `/api/generate` asks for: a prompt is a conversation of one
    message. Template, suffix and the like stay fields of their own; with `context` it goes on with
    what only this model has read.

    Raises:
        InvalidRequest: a field of the wrong type; the message says which.
    """
    prompt = text_or_none(doc.get("prompt"), "prompt")
    system = text_or_none(doc.get("system"), "system")
    images = _images(doc.get("images"), "images")
    messages: list[Message] = []
    if system:
        messages.append(Message("system", (Part("text", text=system, origin=WIRE),), WIRE))
    text = () if prompt is None else (Part("text", text=prompt, origin=WIRE),)
    messages.append(Message("user", (*text, *images), WIRE))
    known = {"prompt"}
    known |= {"system"} if system else set()
    known |= {"images"} if images else set()
    return _call(doc, headers, GENERATE, tuple(messages), frozenset(known))


def _call(
    doc: JsonObject,
    headers: Pairs,
    wire: str,
    messages: tuple[Message, ...],
    known: frozenset[str],
) -> Call:
    if not messages:
        raise InvalidRequest("messages must hold at least one message", param="messages")
    stream = doc.get("stream")
    options = as_object(doc.get("options") or EMPTY, "options")
    limit, stops, beyond = _options(options)
    schema = _schema(doc.get("format"))
    known |= _BODY if schema is not None else _BODY - {"format"}
    extra: dict[str, Json] = dict(rest(doc, known))
    if beyond:
        extra["options"] = beyond
    params = {name: options[name] for name in OPTIONS if options.get(name) is not None}
    params.update({name: doc[name] for name in TOP if doc.get(name) is not None})
    tools = as_list(doc.get("tools") or (), "tools")
    body = ChatBody(
        messages=messages,
        tools=tuple(_tool(one, f"tools[{i}]") for i, one in enumerate(tools)),
        max_output=limit,
        stop=stops,
        schema=schema,
        reasoning=_reasoning(doc.get("think")),
        params=frozen(params),
        extra=frozen(extra),
    )
    return Call(
        operation="chat",
        model=text_or_none(doc.get("model"), "model") or "",
        wire=wire,
        stream=True if stream is None else as_bool(stream, "stream"),
        body=body,
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
        needs_state=wire == GENERATE and bool(doc.get("context")),
    )


def _options(options: JsonObject) -> tuple[int | None, tuple[str, ...], JsonObject]:
    """(output limit, stop words, the options without a word of ours). A limit that is not positive
    means "none" or "to the end of the context", and stays an option of its own."""
    limit = options.get("num_predict")
    is_limit = isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    stops = options.get("stop")
    listed = [stops] if isinstance(stops, str) else as_list(stops or (), "options.stop")
    texts = tuple(as_text(one, f"options.stop[{i}]") for i, one in enumerate(listed))
    known = OPTIONS | ({"num_predict"} if is_limit else set()) | ({"stop"} if texts else set())
    number = limit if is_limit and isinstance(limit, int) else None
    return number, texts, rest(options, frozenset(known))


def _message(value: Json, path: str) -> Message:
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    content = text_or_none(given.get("content"), f"{path}.content")
    images = _images(given.get("images"), f"{path}.images")
    text = () if content is None else (Part("text", text=content, origin=WIRE),)
    if role == "tool":
        result = Part(
            "tool_result",
            text="" if images else content or "",
            id=text_or_none(given.get("tool_call_id"), f"{path}.tool_call_id"),
            name=text_or_none(given.get("tool_name"), f"{path}.tool_name"),
            content=(*text, *images) if images else None,
            origin=WIRE,
        )
        return Message(role, (result,), WIRE, rest(given, _RESULT))
    thinking = text_or_none(given.get("thinking"), f"{path}.thinking")
    thought = () if thinking is None else (Part("thinking", text=thinking, origin=WIRE),)
    calls = as_list(given.get("tool_calls") or (), f"{path}.tool_calls")
    called = tuple(_tool_call(one, f"{path}.tool_calls[{i}]") for i, one in enumerate(calls))
    known = _MESSAGE if images else _MESSAGE - {"images"}
    return Message(role, (*thought, *text, *images, *called), WIRE, rest(given, known))


def _images(value: Json, path: str) -> tuple[Part, ...]:
    """Pictures as base64 text, without a word on their type."""
    listed = as_list(value or (), path)
    return tuple(
        Part("image", media=Media(data_b64=as_text(one, f"{path}[{i}]")), origin=WIRE)
        for i, one in enumerate(listed)
    )


def _tool_call(value: Json, path: str) -> Part:
    given = as_object(value, path)
    function = as_object(given.get("function"), f"{path}.function")
    arguments = function.get("arguments")
    extra: dict[str, Json] = dict(rest(given, _CALL))
    inner = rest(function, frozenset({"name", "arguments"}))
    if inner:
        extra["function"] = inner
    return Part(
        "tool_call",
        id=text_or_none(given.get("id"), f"{path}.id"),
        name=as_text(function.get("name"), f"{path}.function.name"),
        arguments=_arguments(arguments, f"{path}.function.arguments"),
        origin=WIRE,
        extra=frozen(extra),
    )


def _arguments(value: Json, path: str) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump(as_object(value, path)).decode()


def _tool(value: Json, path: str) -> Tool:
    given = as_object(value, path)
    function = given.get("function")
    if not isinstance(function, Mapping):
        kind = str(given.get("type"))
        return Tool(kind, kind, origin=WIRE, extra=given)
    schema = function.get("parameters")
    extra: dict[str, Json] = dict(rest(given, frozenset({"type", "function"})))
    inner = rest(function, frozenset({"name", "description", "parameters"}))
    if inner:
        extra["function"] = inner
    return Tool(
        "function",
        as_text(function.get("name"), f"{path}.function.name"),
        text_or_none(function.get("description"), f"{path}.function.description"),
        None if schema is None else as_object(schema, f"{path}.function.parameters"),
        origin=WIRE,
        extra=frozen(extra),
    )


def _schema(value: Json) -> OutputSchema | None:
    """The form of the answer; a word other than "json" stays a field of the request."""
    if value == "json":
        return OutputSchema("json_object")
    if isinstance(value, Mapping):
        return OutputSchema("json_schema", schema=value)
    if value is not None and not isinstance(value, (str, Sequence)):
        raise InvalidRequest("format must be a word or a schema", param="format")
    return None


def _reasoning(value: Json) -> Reasoning | None:
    if value is None:
        return None
    if isinstance(value, str):
        return Reasoning(effort=value, origin=WIRE)
    return Reasoning(enabled=as_bool(value, "think"), origin=WIRE)
