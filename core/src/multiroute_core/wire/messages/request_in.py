"""A messages request in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import Call, ChatBody, Operation, Pairs
from multiroute_core.api.content import Message, OutputSchema, Reasoning, Tool, ToolChoice
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.fields import (
    as_bool,
    as_int,
    as_list,
    as_object,
    as_text,
    own_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.messages.blocks_in import parts_of
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.strict import loads

_CALL: Final = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "stream",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier",
        "temperature",
        "top_p",
        "top_k",
    }
)
_TOOL: Final = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_MODES: Final = frozenset({"auto", "any", "none", "tool"})
_LONGEST_USER: Final = 64
"""Other formats take user ids of up to this length only; a longer one stays this format's own."""

_SESSION: Final = "_session_"


def decode_call(doc: JsonObject, headers: Pairs = (), operation: Operation = "chat") -> Call:
    """The call that a document asks for; `operation` is "chat" or "count_tokens".

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    model = doc.get("model")
    stream = doc.get("stream")
    metadata = doc.get("metadata")
    given = EMPTY if metadata is None else as_object(metadata, "metadata")
    return Call(
        operation=operation,
        model="" if model is None else as_text(model, "model"),
        wire=WIRE,
        stream=False if stream is None else as_bool(stream, "stream"),
        body=_body(doc, given, operation == "chat"),
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
        session=_session(text_or_none(given.get("user_id"), "metadata.user_id")),
        metadata=given,
    )


def _session(user: str | None) -> str | None:
    """The session in a user id: what some clients put there, as JSON or after a mark; else all."""
    if not user:
        return None
    if user.startswith("{"):
        try:
            told: Json = loads(user)
        except ValueError:
            told = None
        if isinstance(told, Mapping):
            return own_text(told, "session_id") or user
    return user.rpartition(_SESSION)[2]


def _body(doc: JsonObject, metadata: JsonObject, needs_limit: bool) -> ChatBody:
    if "messages" not in doc:
        raise InvalidRequest("messages is missing: a list of messages", param="messages")
    given = as_list(doc["messages"], "messages")
    if not given:
        raise InvalidRequest("messages must hold at least one message", param="messages")
    limit = doc.get("max_tokens")
    if limit is None and needs_limit:
        raise InvalidRequest("max_tokens is missing: an integer", param="max_tokens")
    messages = [_message(m, f"messages[{i}]") for i, m in enumerate(given)]
    system = doc.get("system")
    if system is not None and system != []:
        messages.insert(0, Message("system", parts_of(system, "system"), WIRE))
    extra: dict[str, Json] = dict(rest(doc, _CALL))
    params: dict[str, Json] = {
        name: doc[name] for name in ("temperature", "top_p", "top_k") if doc.get(name) is not None
    }
    _service(doc, metadata, params, extra)
    choice, parallel = _tool_choice(doc.get("tool_choice"), extra)
    tools = doc.get("tools")
    stop = doc.get("stop_sequences")
    schema, effort = _output(doc, extra)
    return ChatBody(
        messages=tuple(messages),
        tools=()
        if tools is None
        else tuple(_tool(t, f"tools[{i}]") for i, t in enumerate(as_list(tools, "tools"))),
        tool_choice=choice,
        parallel_tools=parallel,
        max_output=None if limit is None else as_int(limit, "max_tokens"),
        stop=()
        if stop is None
        else tuple(
            as_text(s, f"stop_sequences[{i}]")
            for i, s in enumerate(as_list(stop, "stop_sequences"))
        ),
        schema=schema,
        reasoning=_reasoning(doc.get("thinking"), effort, extra),
        params=frozen(params),
        extra=frozen(extra),
    )


def _service(
    doc: JsonObject, metadata: JsonObject, params: dict[str, Json], extra: dict[str, Json]
) -> None:
    own = dict(rest(metadata, frozenset({"user_id"})))
    user = metadata.get("user_id")
    if isinstance(user, str) and 0 < len(user) <= _LONGEST_USER:
        params["user"] = user
    elif user is not None:
        own["user_id"] = user
    if own:
        extra["metadata"] = frozen(own)
    tier = doc.get("service_tier")
    if tier == "standard_only":
        params["service_tier"] = "default"
    elif tier == "auto":
        params["service_tier"] = tier
    elif tier is not None:
        extra["service_tier"] = tier


def _tool_choice(value: Json, extra: dict[str, Json]) -> tuple[ToolChoice | None, bool | None]:
    if value is None:
        return None, None
    given = as_object(value, "tool_choice")
    kind = as_text(given.get("type"), "tool_choice.type")
    single = given.get("disable_parallel_tool_use")
    parallel = (
        None if single is None else not as_bool(single, "tool_choice.disable_parallel_tool_use")
    )
    if kind not in _MODES:
        return ToolChoice("native", origin=WIRE, extra=given), None
    known = {"type", "disable_parallel_tool_use"}
    if kind == "tool":
        known.add("name")
        choice = ToolChoice("tool", as_text(given.get("name"), "tool_choice.name"))
    elif kind == "any":
        choice = ToolChoice("required")
    else:
        choice = ToolChoice("none") if kind == "none" else ToolChoice("auto")
    further = rest(given, frozenset(known))
    if further:
        extra["tool_choice"] = further
    return choice, parallel


def _tool(value: Json, path: str) -> Tool:
    given = as_object(value, path)
    marks = given.get("cache_control")
    cache = None if marks is None else as_object(marks, f"{path}.cache_control")
    kind = text_or_none(given.get("type"), f"{path}.type")
    if kind not in (None, "custom"):
        assert kind is not None
        name = given.get("name")
        own = name if isinstance(name, str) else kind
        return Tool(kind, own, cache=cache, origin=WIRE, extra=given)
    strict = given.get("strict")
    return Tool(
        "function",
        as_text(given.get("name"), f"{path}.name"),
        text_or_none(given.get("description"), f"{path}.description"),
        as_object(given.get("input_schema"), f"{path}.input_schema"),
        None if strict is None else as_bool(strict, f"{path}.strict"),
        cache,
        WIRE,
        rest(given, _TOOL),
    )


def _reasoning(value: Json, effort: str | None, extra: dict[str, Json]) -> Reasoning | None:
    if value is None:
        return None if effort is None else Reasoning(effort=effort, origin=WIRE)
    given = as_object(value, "thinking")
    kind = as_text(given.get("type"), "thinking.type")
    budget = given.get("budget_tokens")
    further = rest(given, frozenset({"type", "budget_tokens"}))
    if further:
        # Not all formats look into the native object: here each finds it, to report or to write.
        extra["thinking"] = further
    return Reasoning(
        effort=effort,
        budget_tokens=None if budget is None else as_int(budget, "thinking.budget_tokens"),
        enabled=kind != "disabled",
        origin=WIRE,
        extra=given,
    )


def _output(doc: JsonObject, extra: dict[str, Json]) -> tuple[OutputSchema | None, str | None]:
    """The wanted form of the answer and the effort; what else is said of the output goes to
    `extra`."""
    config = doc.get("output_config")
    older = doc.get("output_format")
    given = EMPTY if config is None else as_object(config, "output_config")
    effort = text_or_none(given.get("effort"), "output_config.effort")
    own = dict(rest(given, frozenset({"effort", "format"})))
    schema = None
    if given.get("format") is not None:
        schema, left = _format(given["format"], "output_config.format")
        if left:
            own["format"] = left
        if older is not None:
            extra["output_format"] = older
    elif older is not None:
        schema, left = _format(older, "output_format")
        if left:
            extra["output_format"] = left
    if own or (config is not None and not given):
        extra["output_config"] = frozen(own)
    return schema, effort


def _format(value: Json, path: str) -> tuple[OutputSchema | None, JsonObject]:
    given = as_object(value, path)
    if as_text(given.get("type"), f"{path}.type") != "json_schema":
        return None, given
    schema = as_object(given.get("schema"), f"{path}.schema")
    return OutputSchema("json_schema", schema=schema), rest(given, frozenset({"type", "schema"}))


def _message(value: Json, path: str) -> Message:
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    if role not in ("user", "assistant", "system"):
        raise InvalidRequest(f"{path}.role must be user, assistant or system", param=f"{path}.role")
    if given.get("content") is None:
        raise InvalidRequest(f"{path}.content is missing", param=f"{path}.content")
    parts = parts_of(given["content"], f"{path}.content")
    return Message(role, parts, WIRE, rest(given, frozenset({"role", "content"})))
