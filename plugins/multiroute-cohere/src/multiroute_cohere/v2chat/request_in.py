"""A Cohere chat request in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_cohere.v2chat.messages_in import read_message
from multiroute_cohere.v2chat.names import PARAMS, WIRE
from multiroute_core.api import (
    Call,
    ChatBody,
    InvalidRequest,
    Json,
    JsonObject,
    OutputSchema,
    Pairs,
    Reasoning,
    Tool,
    ToolChoice,
    frozen,
)
from multiroute_core.wire.fields import (
    as_bool,
    as_int,
    as_list,
    as_object,
    as_text,
    rest,
    text_or_none,
)

_CALL: Final = frozenset(PARAMS.values()) | {
    "model",
    "messages",
    "stream",
    "tools",
    "tool_choice",
    "strict_tools",
    "max_tokens",
    "stop_sequences",
    "response_format",
    "thinking",
}


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for. Documents, citation options, safety mode and the like
    stay fields of their own.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    stream = doc.get("stream")
    return Call(
        operation="chat",
        model=text_or_none(doc.get("model"), "model") or "",
        wire=WIRE,
        stream=False if stream is None else as_bool(stream, "stream"),
        body=_body(doc),
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
    )


def _body(doc: JsonObject) -> ChatBody:
    listed = as_list(doc.get("messages"), "messages")
    if not listed:
        raise InvalidRequest("messages must hold at least one message", param="messages")
    tools = as_list(doc.get("tools") or (), "tools")
    limit, stops = doc.get("max_tokens"), doc.get("stop_sequences")
    strict = doc.get("strict_tools")
    is_strict = None if strict is None else as_bool(strict, "strict_tools")
    schema = _schema(doc.get("response_format"))
    known = _CALL if tools else _CALL - {"strict_tools"}
    if schema is None:
        known -= {"response_format"}
    return ChatBody(
        messages=tuple(read_message(one, f"messages[{i}]") for i, one in enumerate(listed)),
        tools=tuple(_tool(one, f"tools[{i}]", is_strict) for i, one in enumerate(tools)),
        tool_choice=_tool_choice(doc.get("tool_choice")),
        max_output=None if limit is None else as_int(limit, "max_tokens"),
        stop=()
        if stops is None
        else tuple(
            as_text(one, f"stop_sequences[{i}]")
            for i, one in enumerate(as_list(stops, "stop_sequences"))
        ),
        schema=schema,
        reasoning=_reasoning(doc.get("thinking")),
        params=frozen({ours: doc[own] for ours, own in PARAMS.items() if doc.get(own) is not None}),
        extra=rest(doc, known),
    )


def _tool(value: Json, path: str, is_strict: bool | None) -> Tool:
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
        is_strict,
        origin=WIRE,
        extra=frozen(extra),
    )


def _tool_choice(value: Json) -> ToolChoice | None:
    if value is None:
        return None
    if value == "REQUIRED":
        return ToolChoice("required", origin=WIRE)
    if value == "NONE":
        return ToolChoice("none", origin=WIRE)
    return ToolChoice("native", origin=WIRE, extra=frozen({"choice": value}))


def _schema(value: Json) -> OutputSchema | None:
    """The form of the answer; a schema stands under `schema` or `json_schema`. A type that this
    format did not have stays a field of the request."""
    given = value if isinstance(value, Mapping) else {}
    kind = given.get("type")
    if kind == "text":
        return OutputSchema("text", extra=rest(given, frozenset({"type"})))
    if kind != "json_object":
        return None
    spelt = schema_name(given)
    schema = given.get(spelt)
    extra = rest(given, frozenset({"type", spelt}))
    if schema is None:
        return OutputSchema("json_object", extra=extra)
    asked = as_object(schema, f"response_format.{spelt}")
    return OutputSchema("json_schema", schema=asked, extra=extra)


def schema_name(given: JsonObject) -> str:
    """Under which of its two names a response format holds its schema."""
    return "json_schema" if given.get("json_schema") is not None else "schema"


def _reasoning(value: Json) -> Reasoning | None:
    if value is None:
        return None
    given = as_object(value, "thinking")
    kind, budget = given.get("type"), given.get("token_budget")
    known = {"token_budget"} | ({"type"} if kind in ("enabled", "disabled") else set())
    return Reasoning(
        budget_tokens=None if budget is None else as_int(budget, "thinking.token_budget"),
        enabled={"enabled": True, "disabled": False}.get(kind) if isinstance(kind, str) else None,
        origin=WIRE,
        extra=rest(given, frozenset(known)),
    )
