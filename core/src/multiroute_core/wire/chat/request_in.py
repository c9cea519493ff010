"""A chat completions request in our words."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.api.call import Call, ChatBody, Pairs
from multiroute_core.api.content import (
    OutputSchema,
    Reasoning,
    Tool,
    ToolChoice,
)
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.chat.messages_in import read_message
from multiroute_core.wire.chat.words import LIMITS, PARAMS, WIRE
from multiroute_core.wire.fields import (
    as_bool,
    as_int,
    as_list,
    as_object,
    as_text,
    rest,
    text_or_none,
)

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
    "reasoning",
}


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
    limit = _limit(doc)
    parallel = doc.get("parallel_tool_calls")
    choices = doc.get("n")
    tools = doc.get("tools")
    schema, is_known_format = _schema(doc.get("response_format"))
    reasoning, beyond = _reasoning(doc)
    known = _CALL - {name for name in LIMITS if name != limit}
    if not is_known_format:
        known -= {"response_format"}
    return ChatBody(
        messages=tuple(read_message(m, f"messages[{i}]") for i, m in enumerate(messages)),
        tools=()
        if tools is None
        else tuple(_tool(t, f"tools[{i}]") for i, t in enumerate(as_list(tools, "tools"))),
        tool_choice=_tool_choice(doc.get("tool_choice")),
        parallel_tools=None if parallel is None else as_bool(parallel, "parallel_tool_calls"),
        choices=1 if choices is None else as_int(choices, "n", 1),
        max_output=None if limit is None else as_int(doc[limit], limit),
        stop=_stop(doc.get("stop")),
        schema=schema,
        reasoning=reasoning,
        params=frozen({k: v for k, v in doc.items() if k in PARAMS and v is not None}),
        extra=frozen({**rest(doc, known), **beyond}),
    )


def _limit(doc: JsonObject) -> str | None:
    """The field that limits the output. A negative number is some servers' word for "no limit"
    and stays a field of its own kind."""
    for name in LIMITS:
        value = doc.get(name)
        if value is not None and not (isinstance(value, (int, float)) and value <= 0):
            return name
    return None


def _reasoning(doc: JsonObject) -> tuple[Reasoning | None, JsonObject]:
    """The wish in `reasoning_effort`, or in the `reasoning` object of some providers, and what of
    that object has no word of ours."""
    given = doc.get("reasoning")
    effort = doc.get("reasoning_effort")
    if effort is not None:
        wish = Reasoning(effort=as_text(effort, "reasoning_effort"), origin=WIRE)
        return wish, frozen({"reasoning": given}) if given is not None else EMPTY
    if not isinstance(given, Mapping):
        return None, frozen({"reasoning": given}) if given is not None else EMPTY
    word, limit, switch = given.get("effort"), given.get("max_tokens"), given.get("enabled")
    wish = Reasoning(
        effort=word if isinstance(word, str) else None,
        budget_tokens=limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
        enabled=switch if isinstance(switch, bool) else None,
        origin=WIRE,
    )
    told = {"effort": wish.effort, "max_tokens": wish.budget_tokens, "enabled": wish.enabled}
    beyond = rest(given, frozenset(name for name, value in told.items() if value is not None))
    return wish, frozen({"reasoning": beyond}) if beyond else EMPTY


def _stop(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(as_text(v, f"stop[{i}]") for i, v in enumerate(as_list(value, "stop")))


def _schema(value: Json) -> tuple[OutputSchema | None, bool]:
    """The form of the answer, and whether it has a word of ours: grammars, regular expressions and
    schemas in another place stay fields of the document."""
    if value is None:
        return None, True
    given = as_object(value, "response_format")
    kind = given.get("type")
    outer = rest(given, frozenset({"type", "json_schema"}))
    if kind in ("text", "json_object"):
        return OutputSchema(kind, extra=outer), True
    inner = given.get("json_schema")
    if kind != "json_schema" or not isinstance(inner, Mapping):
        return None, False
    path = "response_format.json_schema"
    schema = inner.get("schema")
    strict = inner.get("strict")
    extra: dict[str, Json] = dict(outer)
    beyond = rest(inner, frozenset({"name", "description", "schema", "strict"}))
    if beyond:
        extra["json_schema"] = beyond
    return OutputSchema(
        "json_schema",
        name=text_or_none(inner.get("name"), f"{path}.name"),
        description=text_or_none(inner.get("description"), f"{path}.description"),
        schema=None if schema is None else as_object(schema, f"{path}.schema"),
        strict=None if strict is None else as_bool(strict, f"{path}.strict"),
        extra=frozen(extra),
    ), True


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
        name = as_text(function.get("name"), "tool_choice.function.name")
        extra: dict[str, Json] = dict(rest(given, frozenset({"type", "function"})))
        inner = rest(function, frozenset({"name"}))
        if inner:
            extra["function"] = inner
        return ToolChoice("tool", name, WIRE if extra else None, frozen(extra))
    return ToolChoice("native", origin=WIRE, extra=given)
