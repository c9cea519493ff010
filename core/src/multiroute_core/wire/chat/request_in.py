"""A chat completions request in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import Call, ChatBody, Pairs
from multiroute_core.api.content import (
    Media,
    Message,
    OutputSchema,
    Part,
    Reasoning,
    Tool,
    ToolChoice,
)
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.fields import (
    as_bool,
    as_int,
    as_list,
    as_object,
    as_text,
    media_from_url,
    own_text,
    rest,
    text_or_none,
)

WIRE: Final = "chat"

PARAMS: Final = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "user",
        "metadata",
        "service_tier",
        "store",
        "modalities",
        "audio",
        "prediction",
        "verbosity",
        "prompt_cache_key",
        "safety_identifier",
        "web_search_options",
    }
)
"""Parameters with a common name; a codec carries each over or reports it lost."""

_CALL = PARAMS | {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "response_format",
    "reasoning_effort",
}
_MESSAGE = frozenset({"role", "content", "tool_calls", "refusal"})
_RESULT = frozenset({"role", "content", "tool_call_id"})


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    model = doc.get("model")
    stream = doc.get("stream")
    stream_options = doc.get("stream_options")
    metadata = doc.get("metadata")
    wants_usage = False
    if stream_options is not None:
        wants_usage = as_object(stream_options, "stream_options").get("include_usage") is True
    return Call(
        operation="chat",
        model="" if model is None else as_text(model, "model"),
        wire=WIRE,
        stream=False if stream is None else as_bool(stream, "stream"),
        body=_body(doc),
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=wants_usage,
        session=text_or_none(doc.get("prompt_cache_key"), "prompt_cache_key"),
        metadata=metadata if isinstance(metadata, Mapping) else EMPTY,
    )


def _body(doc: JsonObject) -> ChatBody:
    if "messages" not in doc:
        raise InvalidRequest("messages is missing: a list of messages", param="messages")
    messages = as_list(doc["messages"], "messages")
    if not messages:
        raise InvalidRequest("messages must hold at least one message", param="messages")
    limit = next(
        (name for name in ("max_completion_tokens", "max_tokens") if doc.get(name) is not None),
        None,
    )
    parallel = doc.get("parallel_tool_calls")
    choices = doc.get("n")
    effort = doc.get("reasoning_effort")
    tools = doc.get("tools")
    return ChatBody(
        messages=tuple(_message(m, f"messages[{i}]") for i, m in enumerate(messages)),
        tools=()
        if tools is None
        else tuple(_tool(t, f"tools[{i}]") for i, t in enumerate(as_list(tools, "tools"))),
        tool_choice=_tool_choice(doc.get("tool_choice")),
        parallel_tools=None if parallel is None else as_bool(parallel, "parallel_tool_calls"),
        choices=1 if choices is None else as_int(choices, "n", 1),
        max_output=None if limit is None else as_int(doc[limit], limit, 1),
        stop=_stop(doc.get("stop")),
        schema=_schema(doc.get("response_format")),
        reasoning=None
        if effort is None
        else Reasoning(effort=as_text(effort, "reasoning_effort"), origin=WIRE),
        params=frozen({k: v for k, v in doc.items() if k in PARAMS and v is not None}),
        extra=rest(doc, _CALL),
    )


def _stop(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(as_text(v, f"stop[{i}]") for i, v in enumerate(as_list(value, "stop")))


def _schema(value: Json) -> OutputSchema | None:
    if value is None:
        return None
    given = as_object(value, "response_format")
    kind = given.get("type")
    extra = rest(given, frozenset({"type", "json_schema"}))
    if kind == "text":
        return OutputSchema("text", extra=extra)
    if kind == "json_object":
        return OutputSchema("json_object", extra=extra)
    if kind == "json_schema":
        inner = as_object(given.get("json_schema"), "response_format.json_schema")
        schema = inner.get("schema")
        strict = inner.get("strict")
        return OutputSchema(
            "json_schema",
            name=text_or_none(inner.get("name"), "response_format.json_schema.name"),
            description=text_or_none(
                inner.get("description"), "response_format.json_schema.description"
            ),
            schema=None
            if schema is None
            else as_object(schema, "response_format.json_schema.schema"),
            strict=None
            if strict is None
            else as_bool(strict, "response_format.json_schema.strict"),
            extra=frozen(
                {**extra, **rest(inner, frozenset({"name", "description", "schema", "strict"}))}
            ),
        )
    raise InvalidRequest(
        "response_format.type must be text, json_object or json_schema",
        param="response_format.type",
    )


def _tool(value: Json, path: str) -> Tool:
    given = as_object(value, path)
    if given.get("type", "function") != "function":
        kind = as_text(given.get("type"), f"{path}.type")
        name = given.get("name")
        return Tool(kind, name if isinstance(name, str) else kind, origin=WIRE, extra=given)
    function = as_object(given.get("function"), f"{path}.function")
    schema = function.get("parameters")
    strict = function.get("strict")
    cache = given.get("cache_control")
    inner = rest(function, frozenset({"name", "description", "parameters", "strict"}))
    outer = rest(given, frozenset({"type", "function", "cache_control"}))
    extra: dict[str, Json] = dict(outer)
    if inner:
        extra["function"] = inner
    return Tool(
        "function",
        as_text(function.get("name"), f"{path}.function.name"),
        text_or_none(function.get("description"), f"{path}.function.description"),
        None if schema is None else as_object(schema, f"{path}.function.parameters"),
        None if strict is None else as_bool(strict, f"{path}.function.strict"),
        None if cache is None else as_object(cache, f"{path}.cache_control"),
        WIRE,
        frozen(extra),
    )


def _tool_choice(value: Json) -> ToolChoice | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value in ("auto", "none", "required"):
            return ToolChoice(value)  # type: ignore[arg-type]  # narrowed by the line above
        if value == "any":
            return ToolChoice("required", origin=WIRE, extra=frozen({"spelt": value}))
        raise InvalidRequest(
            "tool_choice must be auto, none, required or an object", param="tool_choice"
        )
    given = as_object(value, "tool_choice")
    function = given.get("function")
    if given.get("type") == "function" and isinstance(function, Mapping):
        return ToolChoice("tool", as_text(function.get("name"), "tool_choice.function.name"))
    return ToolChoice("native", origin=WIRE, extra=given)


def _message(value: Json, path: str) -> Message:
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    content = given.get("content")
    if role == "tool":
        answers = as_text(given.get("tool_call_id"), f"{path}.tool_call_id")
        if isinstance(content, str):
            result = Part("tool_result", text=content, id=answers)
        else:
            result = Part("tool_result", id=answers, content=_content(content, f"{path}.content"))
        return Message(role, (result,), WIRE, rest(given, _RESULT))
    parts, used = _thinking(given, path)
    parts += _content(content, f"{path}.content")
    refusal = given.get("refusal")
    if refusal is not None:
        parts += (Part("refusal", text=as_text(refusal, f"{path}.refusal")),)
    calls = given.get("tool_calls")
    if calls is not None:
        parts += tuple(
            _tool_call(c, f"{path}.tool_calls[{i}]")
            for i, c in enumerate(as_list(calls, f"{path}.tool_calls"))
        )
    return Message(role, parts, WIRE, rest(given, _MESSAGE | used))


def _thinking(given: JsonObject, path: str) -> tuple[tuple[Part, ...], frozenset[str]]:
    """Thinking that a client sends back, and the fields it came from.

    Details carry signatures; without them there is only text.
    """
    details = given.get("reasoning_details")
    if details is not None:
        items = as_list(details, f"{path}.reasoning_details")
        parts = tuple(
            _detail(as_object(item, f"{path}.reasoning_details[{i}]"))
            for i, item in enumerate(items)
        )
        return parts, frozenset({"reasoning_details"})
    for name in ("reasoning_content", "reasoning"):
        text = given.get(name)
        if isinstance(text, str):
            return (Part("thinking", text=text, name=name, origin=WIRE),), frozenset({name})
    return (), frozenset()


def _detail(detail: JsonObject) -> Part:
    text = detail.get("text") or detail.get("summary")
    own = detail.get("format")
    return Part(
        "thinking",
        text=text if isinstance(text, str) else "",
        id=own_text(detail, "id"),
        signature=own_text(detail, "signature") or own_text(detail, "data"),
        origin=own if isinstance(own, str) else WIRE,
        extra=frozen({"detail": detail}),
    )


def _tool_call(value: Json, path: str) -> Part:
    given = as_object(value, path)
    function = given.get("function")
    if not isinstance(function, Mapping):
        return Part("opaque", name=str(given.get("type")), content=given, origin=WIRE)
    arguments = function.get("arguments")
    return Part(
        "tool_call",
        id=text_or_none(given.get("id"), f"{path}.id"),
        name=as_text(function.get("name"), f"{path}.function.name"),
        arguments="" if arguments is None else as_text(arguments, f"{path}.function.arguments"),
        origin=WIRE,
        extra=rest(given, frozenset({"id", "type", "function"})),
    )


def _content(value: Json, path: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Part("text", text=value),)
    return tuple(_part(p, f"{path}[{i}]") for i, p in enumerate(as_list(value, path)))


def _part(value: Json, path: str) -> Part:
    given = as_object(value, path)
    kind = given.get("type")
    marks = given.get("cache_control")
    cache = None if marks is None else as_object(marks, f"{path}.cache_control")
    if kind == "text":
        text = as_text(given.get("text"), f"{path}.text")
        known = frozenset({"type", "text", "cache_control"})
        return Part("text", text=text, cache=cache, origin=WIRE, extra=rest(given, known))
    if kind == "refusal":
        return Part("refusal", text=as_text(given.get("refusal"), f"{path}.refusal"))
    if kind == "image_url":
        image = given.get("image_url")
        inner = {"url": image} if isinstance(image, str) else as_object(image, f"{path}.image_url")
        mime, data, url = media_from_url(as_text(inner.get("url"), f"{path}.image_url.url"))
        detail = text_or_none(inner.get("detail"), f"{path}.image_url.detail")
        known = frozenset({"type", "image_url", "cache_control"})
        return Part(
            "image",
            media=Media(mime, data, url, detail=detail),
            cache=cache,
            origin=WIRE,
            extra=rest(given, known),
        )
    if kind == "input_audio":
        audio = as_object(given.get("input_audio"), f"{path}.input_audio")
        data = as_text(audio.get("data"), f"{path}.input_audio.data")
        mime = "audio/" + as_text(audio.get("format"), f"{path}.input_audio.format")
        return Part("audio", media=Media(mime, data), cache=cache, origin=WIRE)
    if kind == "file":
        file = as_object(given.get("file"), f"{path}.file")
        name = text_or_none(file.get("filename"), f"{path}.file.filename")
        file_id = text_or_none(file.get("file_id"), f"{path}.file.file_id")
        link = text_or_none(file.get("file_data"), f"{path}.file.file_data")
        mime, data, url = media_from_url(link) if link is not None else ("", None, None)
        known = frozenset({"file_id", "file_data", "filename"})
        return Part(
            "document",
            media=Media(mime, data, url, file_id, name),
            cache=cache,
            origin=WIRE,
            extra=rest(file, known),
        )
    return Part(
        "opaque",
        name=as_text(kind, f"{path}.type"),
        content=given,
        cache=cache,
        origin=WIRE,
    )
