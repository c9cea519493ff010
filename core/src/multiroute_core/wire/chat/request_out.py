"""A call written as a chat completions request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import OutputSchema, Reasoning, Tool, ToolChoice
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.wire.chat.messages_out import (
    EMPTY_VALUES,
    FOREIGN,
    MessageWriter,
    objects,
    put,
)
from multiroute_core.wire.chat.words import LIMITS, PARAMS, WIRE

_WORDS: Final = "target takes words only"


def encode_call(
    call: Call,
    model: str,
    *,
    limit_name: str | None = None,
    thinking_field: str | None = None,
    reasoning_details: bool = False,
    reasoning_object: bool = False,
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks chat completions, and what it could not hold.

    `limit_name`: the upstream's name for the output limit, if it accepts only one of
    `max_tokens` and `max_completion_tokens`; otherwise the client's own spelling is kept.
    `thinking_field`: the field of a message in which the upstream takes thinking of other formats
    back as text; `reasoning_details`: it takes details with signatures. `reasoning_object`: the
    upstream has a `reasoning` object, which can say more than `reasoning_effort`.

    Raises:
        CannotEncode: the call is not a chat call.
    """
    body = call.body
    if call.operation != "chat" or not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a chat completion")
    if call.needs_state:
        raise CannotEncode("the call goes on with state that the chat format does not keep")
    losses: list[Loss] = []
    spelt = call.doc if call.wire == WIRE else EMPTY
    messages: list[Json] = []
    own = objects(spelt.get("messages"), len(body.messages))
    for number, message in enumerate(body.messages):
        writer = MessageWriter(
            f"messages[{number}]",
            losses,
            own[number],
            thinking_field=thinking_field,
            takes_details=reasoning_details,
        )
        messages.extend(writer.write(message))
    doc: dict[str, Json] = {"model": model, "messages": messages}
    if call.stream:
        doc["stream"] = True
        options = spelt.get("stream_options")
        base = options if isinstance(options, Mapping) else {}
        doc["stream_options"] = {**base, "include_usage": True}
    elif spelt.get("stream") is False:
        doc["stream"] = False
    if body.tools:
        own = objects(spelt.get("tools"), len(body.tools))
        tools = [_tool(t, f"tools[{i}]", own[i], losses) for i, t in enumerate(body.tools)]
        doc["tools"] = [tool for tool in tools if tool is not None]
    put(doc, "tool_choice", _tool_choice(body.tool_choice, losses))
    put(doc, "parallel_tool_calls", body.parallel_tools)
    if body.choices != 1 or spelt.get("n") is not None:
        doc["n"] = body.choices
    if body.max_output is not None:
        name = next((name for name in LIMITS if spelt.get(name) == body.max_output), LIMITS[0])
        doc[limit_name or name] = body.max_output
    if body.stop:
        one = isinstance(spelt.get("stop"), str) and len(body.stop) == 1
        doc["stop"] = body.stop[0] if one else list(body.stop)
    elif isinstance(spelt.get("stop"), Sequence):
        doc["stop"] = []
    if body.schema is not None:
        doc["response_format"] = _schema(body.schema, call.wire == WIRE)
    if body.reasoning is not None:
        own_object = "reasoning" in spelt and spelt.get("reasoning_effort") is None
        as_object = own_object if spelt else reasoning_object
        _reasoning(body.reasoning, as_object, doc, losses)
    for name, value in body.params.items():
        if name in PARAMS:
            doc[name] = value
        else:
            losses.append(Loss(name, "parameter", "target has no such parameter"))
    for name, value in body.extra.items():
        held = doc.get(name)
        if call.wire != WIRE:
            if value not in EMPTY_VALUES:
                losses.append(Loss(name, "field", FOREIGN))
        elif isinstance(held, Mapping) and isinstance(value, Mapping):
            doc[name] = {**held, **value}
        else:
            doc[name] = value
    return doc, tuple(losses)


def _reasoning(wish: Reasoning, as_object: bool, doc: dict[str, Json], losses: list[Loss]) -> None:
    if as_object:
        told: dict[str, Json] = {}
        put(told, "effort", wish.effort)
        put(told, "max_tokens", wish.budget_tokens)
        put(told, "enabled", wish.enabled)
        if told or wish.origin == WIRE:
            doc["reasoning"] = told
    elif wish.effort is not None:
        doc["reasoning_effort"] = wish.effort
        if wish.budget_tokens is not None:
            losses.append(Loss("reasoning", "thinking budget in tokens", _WORDS))
    elif wish.budget_tokens is not None:
        losses.append(Loss("reasoning", "thinking budget in tokens", _WORDS))
    elif wish.enabled is False:
        doc["reasoning_effort"] = "none"
    elif wish.enabled:
        losses.append(Loss("reasoning", "thinking switch", _WORDS))
    if wish.summary is not None:
        losses.append(Loss("reasoning.summary", "summary of thinking", "no such field"))


def _schema(schema: OutputSchema, from_chat: bool) -> dict[str, Json]:
    if schema.kind != "json_schema":
        return {"type": schema.kind, **schema.extra}
    outer = dict(schema.extra)
    beyond = outer.pop("json_schema", None)
    inner: dict[str, Json] = {}
    put(inner, "name", schema.name or (None if from_chat else "response"))
    put(inner, "description", schema.description)
    put(inner, "schema", schema.schema)
    put(inner, "strict", schema.strict)
    if isinstance(beyond, Mapping):
        inner.update(beyond)
    return {"type": "json_schema", "json_schema": inner, **outer}


def _tool(tool: Tool, path: str, spelt: JsonObject, losses: list[Loss]) -> dict[str, Json] | None:
    if tool.kind != "function":
        if tool.origin == WIRE:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", FOREIGN))
        return None
    function: dict[str, Json] = {"name": tool.name}
    put(function, "description", tool.description)
    put(function, "parameters", tool.schema)
    put(function, "strict", tool.strict)
    written: dict[str, Json] = {"type": "function", "function": function}
    if spelt and "type" not in spelt:
        del written["type"]
    put(written, "cache_control", tool.cache)
    if tool.origin in (None, WIRE):
        for name, value in tool.extra.items():
            if name == "function" and isinstance(value, Mapping):
                function.update(value)
            else:
                written[name] = value
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", FOREIGN) for name in tool.extra)
    return written


def _tool_choice(choice: ToolChoice | None, losses: list[Loss]) -> Json:
    if choice is None:
        return None
    if choice.mode == "tool":
        function: dict[str, Json] = {"name": choice.name}
        written: dict[str, Json] = {"type": "function", "function": function}
        for name, value in choice.extra.items():
            if choice.origin != WIRE:
                losses.append(Loss(f"tool_choice.{name}", "field of a tool choice", FOREIGN))
            elif name == "function" and isinstance(value, Mapping):
                function.update(value)
            else:
                written[name] = value
        return written
    if choice.mode == "native":
        if choice.origin == WIRE:
            return choice.extra
        losses.append(Loss("tool_choice", "tool choice", FOREIGN))
        return None
    return choice.extra.get("spelt", choice.mode) if choice.origin == WIRE else choice.mode
