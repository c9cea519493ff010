"""A Converse request in our words.

What has no word of ours stays in `extra`, under its own name and at its own depth; it is laid over
the document again where the call goes back to this format.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import orjson
from msgspec.structs import replace

from multiroute_aws_bedrock.converse.content_in import cache_mark, parts_of
from multiroute_aws_bedrock.converse.reasoning import read_reasoning
from multiroute_aws_bedrock.converse.shape import WIRE, overlaid
from multiroute_core.api import (
    EMPTY,
    Call,
    ChatBody,
    InvalidRequest,
    Json,
    JsonObject,
    Message,
    Operation,
    OutputSchema,
    Pairs,
    Tool,
    ToolChoice,
    frozen,
)
from multiroute_core.wire.fields import (
    as_int,
    as_list,
    as_object,
    as_text,
    own_text,
    rest,
)

_CALL: Final = frozenset(
    {
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "outputConfig",
        "serviceTier",
        "requestMetadata",
    }
)


def decode_call(
    doc: JsonObject,
    headers: Pairs = (),
    *,
    model: str = "",
    stream: bool = False,
    operation: Operation = "chat",
) -> Call:
    """The call that a document asks for; model and streaming stand in the path, not in it.

    Raises:
        InvalidRequest: a field of the wrong type; the message says which.
    """
    body = read_body(doc)
    metadata = body.params.get("metadata")
    return Call(
        operation=operation,
        model=model,
        wire=WIRE,
        stream=stream,
        body=body,
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
        metadata=metadata if isinstance(metadata, Mapping) else EMPTY,
    )


def decode_count(doc: JsonObject, headers: Pairs = (), *, model: str = "") -> Call:
    """The call behind a CountTokens request of the Converse kind.

    Raises:
        InvalidRequest: a field of the wrong type, or an input of another kind.
    """
    inner = as_object(doc.get("input"), "input").get("converse")
    return decode_call(
        as_object(inner, "input.converse"), headers, model=model, operation="count_tokens"
    )


def packed_count(doc: JsonObject) -> JsonObject | None:
    """The InvokeModel body inside a CountTokens request; None where it is of another kind.

    Raises:
        InvalidRequest: the body is no base64 of a JSON object.
    """
    inner = as_object(doc.get("input"), "input").get("invokeModel")
    if inner is None:
        return None
    text = as_text(as_object(inner, "input.invokeModel").get("body"), "input.invokeModel.body")
    try:
        value: Json = orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("input.invokeModel.body must be base64 of JSON") from error
    return as_object(value, "input.invokeModel.body")


def read_body(doc: JsonObject) -> ChatBody:
    """The conversation and its settings."""
    extra: dict[str, Json] = dict(rest(doc, _CALL))
    messages: list[Message] = []
    system = doc.get("system")
    if system is not None:
        blocks = as_list(system, "system")
        if blocks:
            messages.append(Message("system", parts_of(blocks), WIRE))
        else:
            extra["system"] = blocks
    given = doc.get("messages")
    for number, item in enumerate(as_list(given, "messages") if given is not None else ()):
        messages.append(_message(item, f"messages[{number}]"))
    limits, params, stop, max_output = _inference(doc, extra)
    tools, choice = _tools(doc, extra)
    schema = _schema(doc, extra)
    reasoning = read_reasoning(doc, extra, params)
    if limits is not None:
        extra["inferenceConfig"] = limits
    return ChatBody(
        messages=tuple(messages),
        tools=tools,
        tool_choice=choice,
        max_output=max_output,
        stop=stop,
        schema=schema,
        reasoning=reasoning,
        params=frozen(params),
        extra=frozen(extra),
    )


def _message(value: Json, path: str) -> Message:
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    content = as_list(given.get("content"), f"{path}.content")
    known = frozenset({"role", "content"})
    return Message(role, parts_of(content), WIRE, rest(given, known))


def _inference(
    doc: JsonObject, extra: dict[str, Json]
) -> tuple[JsonObject | None, dict[str, Json], tuple[str, ...], int | None]:
    """What is left of the inference configuration, parameters, stop sequences, output limit."""
    params: dict[str, Json] = {}
    tier = doc.get("serviceTier")
    if isinstance(tier, Mapping) and len(tier) == 1 and isinstance(tier.get("type"), str):
        params["service_tier"] = tier["type"]
    elif tier is not None:
        extra["serviceTier"] = tier
    metadata = doc.get("requestMetadata")
    if isinstance(metadata, Mapping):
        params["metadata"] = metadata
    elif metadata is not None:
        extra["requestMetadata"] = metadata
    given = doc.get("inferenceConfig")
    if given is None:
        return None, params, (), None
    config = as_object(given, "inferenceConfig")
    for name, own in (("temperature", "temperature"), ("topP", "top_p")):
        if config.get(name) is not None:
            params[own] = config[name]
    known = {"temperature", "topP", "maxTokens"}
    stops = config.get("stopSequences")
    stop: tuple[str, ...] = ()
    if stops:
        listed = as_list(stops, "inferenceConfig.stopSequences")
        stop = tuple(as_text(s, "inferenceConfig.stopSequences") for s in listed)
        known.add("stopSequences")
    limit = config.get("maxTokens")
    max_output = None if limit is None else as_int(limit, "inferenceConfig.maxTokens", 0)
    left = rest(config, frozenset(known))
    if not left and config:
        return None, params, stop, max_output
    return (left or {}), params, stop, max_output


def _tools(doc: JsonObject, extra: dict[str, Json]) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    given = doc.get("toolConfig")
    if given is None:
        return (), None
    config = as_object(given, "toolConfig")
    tools: list[Tool] = []
    listed = config.get("tools")
    if listed is not None:
        for number, item in enumerate(as_list(listed, "toolConfig.tools")):
            block = as_object(item, f"toolConfig.tools[{number}]")
            mark = cache_mark(block)
            if mark is not None and tools and tools[-1].cache is None:
                tools[-1] = replace(tools[-1], cache=mark)
            else:
                tools.append(_tool(block, f"toolConfig.tools[{number}]"))
    left = dict(rest(config, frozenset({"tools", "toolChoice"})))
    if left or not config:
        extra["toolConfig"] = left
    return tuple(tools), _choice(config.get("toolChoice"))


def _tool(block: JsonObject, path: str) -> Tool:
    kind = next(iter(block), "")
    spec = block.get("toolSpec")
    if len(block) != 1 or not isinstance(spec, Mapping):
        inner = block.get(kind)
        name = own_text(inner, "name") if isinstance(inner, Mapping) else None
        return Tool(kind, name or kind, origin=WIRE, extra=block)
    told: dict[str, Json] = dict(
        rest(spec, frozenset({"name", "description", "inputSchema", "strict"}))
    )
    source = spec.get("inputSchema")
    schema: JsonObject | None = None
    if source is not None:
        inner = as_object(source, f"{path}.toolSpec.inputSchema")
        own = inner.get("json")
        schema = own if isinstance(own, Mapping) else None
        left = rest(inner, frozenset({"json"})) if schema is not None else inner
        if left or schema is None:
            told["inputSchema"] = left
    strict = spec.get("strict")
    if strict is not None and not isinstance(strict, bool):
        told["strict"] = strict
    return Tool(
        "function",
        as_text(spec.get("name"), f"{path}.toolSpec.name"),
        own_text(spec, "description"),
        schema,
        strict if isinstance(strict, bool) else None,
        origin=WIRE,
        extra=frozen(told),
    )


def _choice(value: Json) -> ToolChoice | None:
    if value is None:
        return None
    given = as_object(value, "toolConfig.toolChoice")
    if given == {"auto": {}}:
        return ToolChoice("auto")
    if given == {"any": {}}:
        return ToolChoice("required")
    tool = given.get("tool")
    if len(given) == 1 and isinstance(tool, Mapping) and tool.keys() == {"name"}:
        name = own_text(tool, "name")
        if name is not None:
            return ToolChoice("tool", name)
    return ToolChoice("native", origin=WIRE, extra=given)


def _schema(doc: JsonObject, extra: dict[str, Json]) -> OutputSchema | None:
    """The schema for the output. Its text stays in `extra`: the sender's spelling is kept."""
    config = doc.get("outputConfig")
    if config is None:
        return None
    told = as_object(config, "outputConfig")
    left: dict[str, Json] = dict(rest(told, frozenset({"textFormat", "effort"})))
    wish = told.get("textFormat")
    found: OutputSchema | None = None
    if wish is not None:
        found = _json_schema(as_object(wish, "outputConfig.textFormat"))
        structure: dict[str, Json] = {}
        text = _schema_text(wish) if found is not None else None
        if text is None:
            left["textFormat"] = wish
        else:
            structure = {"structure": {"jsonSchema": {"schema": text}}}
            left["textFormat"] = structure
    if left or not told:
        extra["outputConfig"] = overlaid({}, left)
    return found


def _definition(wish: Json) -> JsonObject | None:
    if not isinstance(wish, Mapping) or wish.get("type") != "json_schema" or len(wish) != 2:
        return None
    structure = wish.get("structure")
    if not isinstance(structure, Mapping) or len(structure) != 1:
        return None
    inner = structure.get("jsonSchema")
    if not isinstance(inner, Mapping) or not inner.keys() <= {"schema", "name", "description"}:
        return None
    return inner


def _schema_text(wish: Json) -> str | None:
    inner = _definition(wish)
    return own_text(inner, "schema") if inner is not None else None


def _json_schema(wish: JsonObject) -> OutputSchema | None:
    inner = _definition(wish)
    if inner is None:
        return None
    text = own_text(inner, "schema")
    if text is None:
        return None
    try:
        schema: Json = orjson.loads(text)
    except ValueError:
        return None
    if not isinstance(schema, Mapping):
        return None
    return OutputSchema(
        "json_schema",
        name=own_text(inner, "name"),
        description=own_text(inner, "description"),
        schema=schema,
    )
