"""A call written as a messages request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import Tool, ToolChoice
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json
from multiroute_core.wire.messages.abilities import (
    SAMPLING,
    Abilities,
    abilities_of,
    is_sampling,
)
from multiroute_core.wire.messages.blocks_out import lay_over
from multiroute_core.wire.messages.conversation_out import conversation
from multiroute_core.wire.messages.names import FOREIGN, NO_PARAM, WIRE
from multiroute_core.wire.messages.thinking_out import EFFORT_TOKENS, write_thinking

__all__ = ["EFFORT_TOKENS", "WIRE", "encode_call"]

_OWN_FIELDS: Final = frozenset(
    {
        "thinking",
        "cache_control",
        "container",
        "mcp_servers",
        "context_management",
        "output_config",
    }
)
"""Fields of this format that clients of other formats send along on purpose."""

_NOT_COUNTED: Final = frozenset({"max_tokens", "stream"})
"""Fields that a request to count tokens does not have."""


def encode_call(
    call: Call, model: str, max_output: int, able: Abilities | None = None
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks messages, and what it could not hold.

    `max_output`: tokens to allow where the client names no limit (the format requires one).
    `able`: what the model takes; read from its id where it is not given.

    Raises:
        CannotEncode: not a chat call, tool arguments in the history that are not JSON, or state
            that only another format keeps.
    """
    body = call.body
    if not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent as messages")
    if call.needs_state:
        raise CannotEncode("the call goes on with state that the messages format does not keep")
    if able is None:
        able = abilities_of(model)
    is_own = call.wire == WIRE
    as_it_is = is_own and call.model == model
    losses: list[Loss] = []
    has_top = is_own and call.doc.get("system") is not None
    system, messages = conversation(body.messages, has_top, losses)
    doc: dict[str, Json] = {
        "model": model,
        "max_tokens": max_output if body.max_output is None else body.max_output,
        "messages": messages,
    }
    if system is not None:
        doc["system"] = system
    if call.stream:
        doc["stream"] = True
    if body.tools:
        spelt = _custom_tools(call) if is_own else frozenset()
        tools = [_tool(t, f"tools[{i}]", spelt, losses) for i, t in enumerate(body.tools)]
        doc["tools"] = [tool for tool in tools if tool is not None]
    choice = _tool_choice(
        body.tool_choice, body.parallel_tools, losses, has_tools=bool(body.tools), is_own=is_own
    )
    if choice is not None:
        doc["tool_choice"] = choice
    if body.choices != 1:
        losses.append(Loss("n", "several choices", "target gives one answer"))
    if body.stop:
        doc["stop_sequences"] = list(body.stop)
    _structure(call, body, doc, losses)
    write_thinking(body, doc, able, losses, as_it_is=as_it_is)
    _params(call, body, doc, Abilities() if as_it_is else able, losses)
    for name, value in body.extra.items():
        if is_own and name == "thinking" and "thinking" not in doc:
            continue
        if is_own or name in _OWN_FIELDS:
            if name == "thinking" and not is_own and not _is_open(value):
                doc.pop(name, None)
            lay_over(doc, {name: value})
        else:
            losses.append(Loss(name, "field", NO_PARAM))
    if is_own:
        _spell(call, doc)
    if call.operation == "count_tokens":
        doc = {name: value for name, value in doc.items() if name not in _NOT_COUNTED}
    return doc, tuple(losses)


def _is_open(thinking: Json) -> bool:
    """Whether a client of another format switched thinking on and left its budget open."""
    return (
        isinstance(thinking, Mapping)
        and thinking.get("type") == "enabled"
        and thinking.get("budget_tokens") is None
    )


def _spell(call: Call, doc: dict[str, Json]) -> None:
    """Keep what says nothing as its client spelt it: empty lists, a stream that is none."""
    for name in ("system", "stop_sequences", "tools"):
        if call.doc.get(name) == [] and name not in doc:
            doc[name] = []
    if call.doc.get("stream") is False and "stream" not in doc:
        doc["stream"] = False


def _custom_tools(call: Call) -> frozenset[str]:
    """Names of the client's tools that it declared as custom in so many words."""
    tools = call.doc.get("tools")
    if isinstance(tools, str) or not isinstance(tools, Sequence):
        return frozenset()
    return frozenset(
        str(tool.get("name"))
        for tool in tools
        if isinstance(tool, Mapping) and tool.get("type") == "custom"
    )


def _structure(call: Call, body: ChatBody, doc: dict[str, Json], losses: list[Loss]) -> None:
    schema = body.schema
    if schema is None or schema.kind == "text":
        return
    if schema.kind == "json_object" or schema.schema is None:
        losses.append(Loss("response_format", "JSON mode", "target has schemas only"))
        return
    written: dict[str, Json] = {"type": "json_schema", "schema": schema.schema}
    given = call.doc.get("output_config")
    is_new = isinstance(given, Mapping) and given.get("format") is not None
    if call.wire == WIRE and not is_new and call.doc.get("output_format") is not None:
        doc["output_format"] = written
    else:
        doc["output_config"] = {"format": written}
    if schema.description is not None:
        path = "response_format.json_schema.description"
        losses.append(Loss(path, "description of the schema", NO_PARAM))


def _params(
    call: Call, body: ChatBody, doc: dict[str, Json], able: Abilities, losses: list[Loss]
) -> None:
    is_own = call.wire == WIRE
    thinking = doc.get("thinking")
    thinks = isinstance(thinking, Mapping) and thinking.get("type") in ("enabled", "adaptive")
    for name, value in body.params.items():
        if name in SAMPLING and not able.sampling and is_sampling(name, value):
            losses.append(Loss(name, "parameter", "target's model takes no sampling parameters"))
        elif is_own and name in SAMPLING:
            doc[name] = value
        elif name == "temperature" and isinstance(value, (int, float)):
            if thinks and value != 1:
                losses.append(Loss(name, "parameter", "target fixes it while it thinks"))
            elif value > 1:
                doc[name] = 1
                losses.append(Loss(name, "value above 1", "target takes 0 to 1: sent 1"))
            else:
                doc[name] = value
        elif name in ("top_p", "top_k"):
            doc[name] = value
        elif name in ("user", "safety_identifier") and isinstance(value, str):
            _user(value, name, doc, losses)
        elif name == "metadata" and isinstance(value, Mapping):
            _metadata(value, doc, losses)
        elif name == "service_tier" and is_own:
            doc[name] = "standard_only" if value == "default" else value
        elif name == "service_tier" and value in ("auto", "standard_only"):
            doc[name] = value
        elif name in _NEUTRAL and value == _NEUTRAL[name]:
            continue
        else:
            losses.append(Loss(name, "parameter", NO_PARAM))


_NEUTRAL: Final[Mapping[str, Json]] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
    "service_tier": "default",
}
"""Values that say what the target does anyway: leaving them out loses nothing."""


def _user(value: Json, path: str, doc: dict[str, Json], losses: list[Loss]) -> None:
    """Name the end user, for whom there is one name: the first that was given."""
    held = doc.get("metadata")
    if not isinstance(held, Mapping) or "user_id" not in held:
        lay_over(doc, {"metadata": {"user_id": value}})
    elif held["user_id"] != value:
        losses.append(Loss(path, "second name of the end user", "target takes one: sent the first"))


def _metadata(value: Mapping[str, Json], doc: dict[str, Json], losses: list[Loss]) -> None:
    for name, item in value.items():
        if name == "user_id":
            _user(item, "metadata.user_id", doc, losses)
        else:
            losses.append(Loss(f"metadata.{name}", "metadata", "target knows user_id only"))


def _tool(
    tool: Tool, path: str, spelt: frozenset[str], losses: list[Loss]
) -> dict[str, Json] | None:
    if tool.kind != "function":
        if tool.origin == WIRE:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", FOREIGN))
        return None
    written: dict[str, Json] = {"name": tool.name}
    if tool.name in spelt:
        written["type"] = "custom"
    if tool.description is not None:
        written["description"] = tool.description
    if tool.origin == WIRE and tool.schema is not None:
        written["input_schema"] = tool.schema
    else:
        written["input_schema"] = tool.schema or {"type": "object", "properties": {}}
    if tool.strict is not None:
        written["strict"] = tool.strict
    if tool.cache is not None:
        written["cache_control"] = tool.cache
    if tool.origin == WIRE:
        lay_over(written, tool.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", FOREIGN) for name in tool.extra)
    return written


def _tool_choice(
    choice: ToolChoice | None,
    parallel: bool | None,
    losses: list[Loss],
    *,
    has_tools: bool,
    is_own: bool,
) -> dict[str, Json] | None:
    written: dict[str, Json] | None = None
    if choice is not None:
        if choice.mode == "native":
            if choice.origin == WIRE:
                written = dict(choice.extra)
            else:
                losses.append(Loss("tool_choice", "tool choice", FOREIGN))
        elif choice.mode == "tool":
            written = {"type": "tool", "name": choice.name}
        else:
            written = {"type": "any" if choice.mode == "required" else choice.mode}
    if parallel is not None and (has_tools or is_own):
        if written is None:
            written = {"type": "auto"}
        if written.get("type") != "none" or is_own:
            written["disable_parallel_tool_use"] = not parallel
    return written
