"""A responses request in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, ChatBody, Pairs
from multiroute_core.api.content import Message, OutputSchema, Part, Reasoning, Tool, ToolChoice
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.fields import (
    as_bool,
    as_int,
    as_list,
    as_object,
    as_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.responses.input_in import INSTRUCTIONS, read_input
from multiroute_core.wire.responses.state import has_reference, stateful_field
from multiroute_core.wire.responses.thinking import WIRE

PARAMS: Final = frozenset(
    {
        "temperature",
        "top_p",
        "top_logprobs",
        "user",
        "metadata",
        "service_tier",
        "store",
        "prompt_cache_key",
        "safety_identifier",
    }
)
"""Parameters of this format that have a common name."""

_BORROWED: Final = frozenset(
    {"top_k", "seed", "frequency_penalty", "presence_penalty", "logit_bias"}
)
"""Common parameters that this format does not have, but some of its speakers take."""

LOGPROBS: Final = "message.output_text.logprobs"
_CALL: Final = (
    PARAMS
    | _BORROWED
    | {
        "model",
        "input",
        "instructions",
        "stream",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_output_tokens",
        "text",
        "reasoning",
    }
)
_FORMAT: Final = frozenset({"type", "name", "description", "schema", "strict"})
_TOOL: Final = frozenset({"type", "name", "description", "parameters", "strict", "cache_control"})


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    model = doc.get("model")
    stream = doc.get("stream")
    metadata = doc.get("metadata")
    body = _body(doc)
    return Call(
        operation="chat",
        model="" if model is None else as_text(model, "model"),
        wire=WIRE,
        stream=False if stream is None else as_bool(stream, "stream"),
        body=body,
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
        session=text_or_none(doc.get("prompt_cache_key"), "prompt_cache_key"),
        metadata=metadata if isinstance(metadata, Mapping) else EMPTY,
        needs_state=stateful_field(doc) is not None or has_reference(body),
    )


def _body(doc: JsonObject) -> ChatBody:
    parallel = doc.get("parallel_tool_calls")
    limit = doc.get("max_output_tokens")
    tools = doc.get("tools")
    schema, verbosity, text_rest = _text(doc.get("text"))
    params = {k: v for k, v in doc.items() if k in PARAMS | _BORROWED and v is not None}
    if verbosity is not None:
        params["verbosity"] = verbosity
    include = doc.get("include")
    if isinstance(include, Sequence) and not isinstance(include, str) and LOGPROBS in include:
        params["logprobs"] = True
    extra = rest(doc, _CALL)
    return ChatBody(
        messages=(*_instructions(doc.get("instructions")), *_input(doc)),
        tools=()
        if tools is None
        else tuple(_tool(t, f"tools[{i}]") for i, t in enumerate(as_list(tools, "tools"))),
        tool_choice=_tool_choice(doc.get("tool_choice")),
        parallel_tools=None if parallel is None else as_bool(parallel, "parallel_tool_calls"),
        max_output=None if limit is None else as_int(limit, "max_output_tokens", 1),
        schema=schema,
        reasoning=_reasoning(doc.get("reasoning")),
        params=frozen(params),
        extra=frozen({**extra, "text": text_rest}) if text_rest else extra,
    )


def _instructions(value: Json) -> tuple[Message, ...]:
    """The instructions as a leading system message, marked so that they go back to their field."""
    if value is None:
        return ()
    part = Part("text", text=as_text(value, "instructions"), name=INSTRUCTIONS)
    return (Message("system", (part,), WIRE),)


def _input(doc: JsonObject) -> tuple[Message, ...]:
    value = doc.get("input")
    if value is None or (not isinstance(value, str) and value == []):
        if stateful_field(doc) is None:
            raise InvalidRequest("input is missing: a string or a list of items", param="input")
        return ()
    return read_input(value, "input")


def _text(value: Json) -> tuple[OutputSchema | None, Json, JsonObject]:
    """(form of the answer, verbosity, what has no word of ours)."""
    if value is None:
        return None, None, EMPTY
    given = as_object(value, "text")
    beyond = rest(given, frozenset({"format", "verbosity"}))
    form = given.get("format")
    if form is None:
        return None, given.get("verbosity"), beyond
    schema = _schema(as_object(form, "text.format"))
    if schema is None:
        beyond = frozen({**beyond, "format": form})
    return schema, given.get("verbosity"), beyond


def _schema(form: JsonObject) -> OutputSchema | None:
    kind = as_text(form.get("type"), "text.format.type")
    if kind in ("text", "json_object"):
        return OutputSchema(kind, extra=rest(form, frozenset({"type"})))  # type: ignore[arg-type]  # narrowed by the line above
    if kind != "json_schema":
        return None
    schema = form.get("schema")
    strict = form.get("strict")
    return OutputSchema(
        "json_schema",
        name=text_or_none(form.get("name"), "text.format.name"),
        description=text_or_none(form.get("description"), "text.format.description"),
        schema=None if schema is None else as_object(schema, "text.format.schema"),
        strict=None if strict is None else as_bool(strict, "text.format.strict"),
        extra=rest(form, _FORMAT),
    )


def _reasoning(value: Json) -> Reasoning | None:
    if value is None:
        return None
    given = as_object(value, "reasoning")
    return Reasoning(
        effort=text_or_none(given.get("effort"), "reasoning.effort"),
        summary=text_or_none(given.get("summary"), "reasoning.summary"),
        origin=WIRE,
        extra=rest(given, frozenset({"effort", "summary"})),
    )


def _tool(value: Json, path: str) -> Tool:
    given = as_object(value, path)
    kind = as_text(given.get("type"), f"{path}.type")
    name = given.get("name")
    if kind != "function":
        return Tool(kind, name if isinstance(name, str) else kind, origin=WIRE, extra=given)
    schema = given.get("parameters")
    strict = given.get("strict")
    cache = given.get("cache_control")
    return Tool(
        "function",
        as_text(name, f"{path}.name"),
        text_or_none(given.get("description"), f"{path}.description"),
        None if schema is None else as_object(schema, f"{path}.parameters"),
        None if strict is None else as_bool(strict, f"{path}.strict"),
        None if cache is None else as_object(cache, f"{path}.cache_control"),
        WIRE,
        rest(given, _TOOL),
    )


def _tool_choice(value: Json) -> ToolChoice | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value in ("auto", "none", "required"):
            return ToolChoice(value)  # type: ignore[arg-type]  # narrowed by the line above
        raise InvalidRequest(
            "tool_choice must be auto, none, required or an object", param="tool_choice"
        )
    given = as_object(value, "tool_choice")
    if given.get("type") == "function" and given.keys() <= {"type", "name"}:
        return ToolChoice("tool", as_text(given.get("name"), "tool_choice.name"))
    return ToolChoice("native", origin=WIRE, extra=given)
