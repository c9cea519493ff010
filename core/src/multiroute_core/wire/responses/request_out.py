"""A call written as a responses request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import OutputSchema, Reasoning, Tool, ToolChoice
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json
from multiroute_core.wire.responses.input_out import FOREIGN, write_input
from multiroute_core.wire.responses.request_in import LOGPROBS, PARAMS
from multiroute_core.wire.responses.thinking import WIRE

_NO_PARAM: Final = "target has no such parameter"
_ENCRYPTED: Final = "reasoning.encrypted_content"
_NEUTRAL: Final[Mapping[str, Json]] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
}
"""Values that say what the target does anyway: leaving them out loses nothing."""


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks responses, and what it could not hold.

    A call of another format is not kept by the provider (`store` is false unless the client says
    otherwise), its tools are not strict unless they say so, and where it asks for thinking the
    encrypted form is asked for, so that a tool loop can hand it back.

    Raises:
        CannotEncode: the call is not a chat call.
    """
    body = call.body
    if call.operation != "chat" or not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a response")
    own = call.wire == WIRE
    losses: list[Loss] = []
    instructions, items = write_input(body.messages, losses)
    doc: dict[str, Json] = {"model": model} if model else {}
    _put(doc, "instructions", instructions)
    short = _short(items) if own and isinstance(call.doc.get("input"), str) else None
    if short is not None:
        doc["input"] = short
    elif items or not call.needs_state:
        doc["input"] = items
    if call.stream or (own and call.doc.get("stream") is False):
        doc["stream"] = call.stream
    if body.tools:
        tools = [_tool(t, f"tools[{i}]", losses) for i, t in enumerate(body.tools)]
        doc["tools"] = [tool for tool in tools if tool is not None]
    _put(doc, "tool_choice", _tool_choice(body.tool_choice, losses))
    _put(doc, "parallel_tool_calls", body.parallel_tools)
    _put(doc, "max_output_tokens", body.max_output)
    if body.choices != 1:
        losses.append(Loss("n", "several choices", "target gives one answer"))
    if body.stop:
        named = "stop_sequences" if "stop_sequences" in call.doc else "stop"
        losses.append(Loss(named, "stop sequences", _NO_PARAM))
    text: dict[str, Json] = {}
    if body.schema is not None:
        text["format"] = _schema(body.schema, own, losses)
    if body.reasoning is not None:
        reasoning = _reasoning(body.reasoning, losses)
        if reasoning or own:
            doc["reasoning"] = reasoning
    include: list[str] = []
    _params(body, own, doc, text, include, losses)
    for name, value in body.extra.items():
        if not own:
            losses.append(Loss(name, "field", FOREIGN))
        elif name == "text" and isinstance(value, Mapping):
            text = {**value, **text}
        else:
            doc[name] = value
    if text:
        doc["text"] = text
    if not own:
        doc.setdefault("store", False)
        if doc.get("reasoning") and body.reasoning is not None and _thinks(body.reasoning):
            include.append(_ENCRYPTED)
    _include(doc, include)
    return doc, tuple(losses)


def _thinks(wish: Reasoning) -> bool:
    return wish.enabled is not False and wish.effort != "none"


def _put(doc: dict[str, Json], name: str, value: Json) -> None:
    if value is not None:
        doc[name] = value


def _short(items: Sequence[Json]) -> str | None:
    """The input as the text that it was, if one plain message of the user is all there is."""
    only = items[0] if len(items) == 1 else None
    if isinstance(only, Mapping) and only.keys() == {"role", "content"}:
        content = only["content"]
        if only["role"] == "user" and isinstance(content, str):
            return content
    return None


def _include(doc: dict[str, Json], wanted: Sequence[str]) -> None:
    given = doc.get("include")
    named = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    missing = [name for name in wanted if name not in named]
    if missing:
        doc["include"] = [*named, *missing]


def _params(
    body: ChatBody,
    own: bool,
    doc: dict[str, Json],
    text: dict[str, Json],
    include: list[str],
    losses: list[Loss],
) -> None:
    for name, value in body.params.items():
        if name == "verbosity":
            text[name] = value
        elif name == "logprobs" and value is True:
            include.append(LOGPROBS)
        elif name in _NEUTRAL and value == _NEUTRAL[name] and not own:
            continue
        elif name in PARAMS or (own and name != "logprobs"):
            doc[name] = value
        else:
            losses.append(Loss(name, "parameter", _NO_PARAM))


def _schema(schema: OutputSchema, own: bool, losses: list[Loss]) -> dict[str, Json]:
    form: dict[str, Json] = {"type": schema.kind}
    if schema.kind == "json_schema":
        _put(form, "name", schema.name or (None if own else "response"))
        _put(form, "description", schema.description)
        _put(form, "schema", schema.schema)
        _put(form, "strict", schema.strict)
    if own:
        form.update(schema.extra)
    else:
        losses.extend(
            Loss(f"response_format.{name}", "field of the schema", FOREIGN) for name in schema.extra
        )
    return form


def _reasoning(wish: Reasoning, losses: list[Loss]) -> dict[str, Json]:
    written: dict[str, Json] = {}
    if wish.effort is not None:
        written["effort"] = wish.effort
    elif wish.enabled is False:
        written["effort"] = "none"
    elif wish.enabled and wish.budget_tokens is None:
        losses.append(Loss("reasoning", "thinking without an effort", "target takes efforts only"))
    if wish.budget_tokens is not None:
        losses.append(Loss("reasoning", "thinking budget in tokens", "target takes words only"))
    _put(written, "summary", wish.summary)
    if wish.origin == WIRE:
        written.update(wish.extra)
    else:
        losses.extend(Loss(f"reasoning.{name}", "thinking field", FOREIGN) for name in wish.extra)
    return written


def _tool(tool: Tool, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    own = tool.origin == WIRE
    if tool.kind != "function":
        if own:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", FOREIGN))
        return None
    written: dict[str, Json] = {"type": "function", "name": tool.name}
    _put(written, "description", tool.description)
    schema = tool.schema
    if schema is None and not own:
        schema = {"type": "object", "properties": {}}
    _put(written, "parameters", schema)
    # This format takes a tool without the field for a strict one; no other format does.
    _put(written, "strict", False if tool.strict is None and not own else tool.strict)
    if own:
        _put(written, "cache_control", tool.cache)
        written.update(tool.extra)
    else:
        if tool.cache is not None:
            losses.append(Loss(f"{path}.cache_control", "cache mark", "target has no such field"))
        losses.extend(Loss(f"{path}.{name}", "tool field", FOREIGN) for name in tool.extra)
    return written


def _tool_choice(choice: ToolChoice | None, losses: list[Loss]) -> Json:
    if choice is None:
        return None
    if choice.mode == "native":
        if choice.origin == WIRE:
            return choice.extra
        losses.append(Loss("tool_choice", "tool choice", FOREIGN))
        return None
    if choice.origin != WIRE:
        losses.extend(
            Loss(f"tool_choice.{name}", "tool choice field", FOREIGN)
            for name in choice.extra
            if name != "spelt"
        )
    if choice.mode == "tool":
        return {"type": "function", "name": choice.name}
    return choice.mode
