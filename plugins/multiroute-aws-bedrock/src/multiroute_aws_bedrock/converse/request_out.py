"""A call written as a Converse request, with everything that could not be carried over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from multiroute_aws_bedrock.converse.content_out import FOREIGN, BlockWriter
from multiroute_aws_bedrock.converse.reasoning import ADDITIONAL, write_reasoning
from multiroute_aws_bedrock.converse.shape import WIRE, overlaid
from multiroute_aws_bedrock.models import bare, maker, takes_schema
from multiroute_core.api import (
    Call,
    CannotEncode,
    ChatBody,
    Json,
    JsonObject,
    Loss,
    Message,
    OutputSchema,
    Tool,
    ToolChoice,
    plain,
)
from multiroute_core.wire.messages.abilities import SAMPLING, abilities_of, is_sampling

_NO_PARAM: Final = "target has no such parameter"
_OWN_FIELDS: Final = frozenset(
    {
        "guardrailConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        ADDITIONAL,
        "additionalModelResponseFieldPaths",
    }
)
"""Fields of this format that clients of other formats send along on purpose."""
_COUNTED: Final = frozenset({"messages", "system", "toolConfig", ADDITIONAL})
_FOR_THE_MODEL: Final = frozenset({"thinking", "anthropic_beta"})
"""Fields of Claude's own format that clients of other formats send along on purpose."""
_TIERS: Final = frozenset({"priority", "default", "flex", "reserved"})
_METADATA: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_NEUTRAL: Final[Mapping[str, Json]] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
    "service_tier": "auto",
}
"""Values that say what the target does anyway: leaving them out loses nothing."""


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for Converse, and what it could not hold. The model goes into the path.

    Raises:
        CannotEncode: not a chat call, one that needs state, or tool arguments in the history that
            are not JSON.
    """
    body = call.body
    if not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent through Converse")
    if call.needs_state:
        raise CannotEncode("the call goes on with state that Converse does not keep")
    native = call.wire == WIRE
    losses: list[Loss] = []
    writer = BlockWriter(model, losses, native=native)
    system, messages = _conversation(body.messages, writer, losses, native=native)
    doc: dict[str, Json] = {"messages": messages}
    if system:
        doc["system"] = system
    config: dict[str, Json] = {}
    if body.max_output is not None:
        config["maxTokens"] = body.max_output
    if body.stop:
        config["stopSequences"] = list(body.stop)
    if config:
        doc["inferenceConfig"] = config
    tools = _tool_config(body, writer, losses, native=native)
    if tools:
        doc["toolConfig"] = tools
    if body.choices != 1:
        losses.append(Loss("n", "several choices", "target gives one answer"))
    if body.schema is not None:
        _structure(body.schema, model, doc, losses, native=native)
    thinking = write_reasoning(body, model, doc, losses)
    doc = overlaid(doc, thinking)
    _params(call, body, model, doc, losses)
    for name, value in body.extra.items():
        if native or name in _OWN_FIELDS:
            doc = overlaid(doc, {name: value})
        elif name in _FOR_THE_MODEL and maker(model) == "anthropic":
            doc = overlaid(doc, {ADDITIONAL: {name: value}})
        else:
            losses.append(Loss(name, "field", _NO_PARAM))
    return doc, tuple(losses)


def encode_count(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for CountTokens: what of a Converse request counts as input.

    Raises:
        CannotEncode: as `encode_call`.
    """
    doc, losses = encode_call(call, model)
    counted: dict[str, Json] = {name: doc[name] for name in doc if name in _COUNTED}
    return {"input": {"converse": counted}}, losses


def _conversation(
    messages: Sequence[Message], writer: BlockWriter, losses: list[Loss], *, native: bool
) -> tuple[list[Json], list[Json]]:
    """System blocks and turns. Turns of one role are joined: the format wants them to alternate."""
    system: list[Json] = []
    turns: list[tuple[str, list[Json], JsonObject]] = []
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        blocks: list[Json] = []
        for at, part in enumerate(message.parts):
            blocks.extend(writer.blocks(part, f"{path}.content[{at}]"))
        own = message.origin == WIRE
        extra: JsonObject = message.extra if own else {}
        if not own:
            for name, value in message.extra.items():
                if value not in (None, [], (), ""):
                    losses.append(Loss(f"{path}.{name}", "message field", FOREIGN))
        if message.role in ("system", "developer") and not (native and turns):
            if turns:
                why = "target has system text at the top only"
                losses.append(Loss(path, f"position of a {message.role} message", why))
            system.extend(_system(blocks, path, losses, native=native))
        elif native:
            turns.append((message.role, blocks, extra))
        elif blocks:
            role = "assistant" if message.role == "assistant" else "user"
            if turns and turns[-1][0] == role:
                turns[-1][1].extend(blocks)
            else:
                turns.append((role, blocks, extra))
    return system, [{"role": role, "content": blocks, **extra} for role, blocks, extra in turns]


def _system(blocks: list[Json], path: str, losses: list[Loss], *, native: bool) -> list[Json]:
    kept: list[Json] = []
    for block in blocks:
        name = next(iter(block)) if isinstance(block, Mapping) else ""
        if native or name in ("text", "cachePoint", "guardContent"):
            kept.append(block)
        else:
            losses.append(Loss(f"{path}.content", f"{name} in system text", "no such content"))
    return kept


def _tool_config(
    body: ChatBody, writer: BlockWriter, losses: list[Loss], *, native: bool
) -> dict[str, Json]:
    tools: list[Json] = []
    for number, tool in enumerate(body.tools):
        path = f"tools[{number}]"
        written = _tool(tool, path, losses)
        if written is not None:
            tools.append(written)
            tools.extend(writer.mark(tool.cache, path))
    used = _tools_of_history(body.messages)
    choice = body.tool_choice
    if choice is not None and choice.mode == "none":
        choice = None
        if used:
            why = "target has no such choice, and wants the tools of the history declared"
            losses.append(Loss("tool_choice", "tool choice none", why))
        else:
            tools = []
    if not tools and used and not native:
        tools = [
            {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}}
            for name in used
        ]
        why = "target wants the tools of the history declared: sent with open schemas"
        losses.append(Loss("tools", "absence of tools", why))
    if body.parallel_tools is False and tools:
        losses.append(Loss("parallel_tool_calls", "one tool at a time", _NO_PARAM))
    config: dict[str, Json] = {}
    if tools:
        config["tools"] = tools
    written_choice = _choice(choice, losses)
    if written_choice is not None:
        if tools or native:
            config["toolChoice"] = written_choice
        else:
            losses.append(Loss("tool_choice", "tool choice", "there are no tools to choose from"))
    return config


def _tools_of_history(messages: Sequence[Message]) -> list[str]:
    names: dict[str, None] = {}
    for message in messages:
        for part in message.parts:
            if part.kind == "tool_call" and part.name:
                names[part.name] = None
    return list(names)


def _tool(tool: Tool, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    own = tool.origin == WIRE
    if tool.kind != "function":
        if own:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", FOREIGN))
        return None
    spec: dict[str, Json] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    if tool.schema is not None or not own:
        spec["inputSchema"] = {"json": tool.schema or {"type": "object", "properties": {}}}
    if tool.strict is not None:
        spec["strict"] = tool.strict
    if own:
        spec = overlaid(spec, tool.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", FOREIGN) for name in tool.extra)
    return {"toolSpec": spec}


def _choice(choice: ToolChoice | None, losses: list[Loss]) -> JsonObject | None:
    if choice is None:
        return None
    if choice.mode == "native":
        if choice.origin == WIRE:
            return choice.extra
        losses.append(Loss("tool_choice", "tool choice", FOREIGN))
        return None
    if choice.mode == "tool":
        return {"tool": {"name": choice.name}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}


def _structure(
    schema: OutputSchema, model: str, doc: dict[str, Json], losses: list[Loss], *, native: bool
) -> None:
    if schema.kind == "text":
        return
    if schema.kind == "json_object" or schema.schema is None:
        losses.append(Loss("response_format", "JSON mode", "target has schemas only"))
        return
    if not native and not takes_schema(model):
        losses.append(Loss("response_format", "schema", "the model takes no schema"))
        return
    definition: dict[str, Json] = {}
    if schema.name is not None:
        definition["name"] = schema.name
    if schema.description is not None:
        definition["description"] = schema.description
    definition["schema"] = orjson.dumps(schema.schema, default=plain).decode()
    structure: dict[str, Json] = {"jsonSchema": definition}
    doc["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}
    path = "response_format.json_schema"
    if schema.strict is False:
        losses.append(Loss(f"{path}.strict", "loose schema", "target holds to every schema"))
    losses.extend(Loss(f"{path}.{name}", "schema field", _NO_PARAM) for name in schema.extra)


def _params(
    call: Call, body: ChatBody, model: str, doc: dict[str, Json], losses: list[Loss]
) -> None:
    native = call.wire == WIRE
    extra = doc.get(ADDITIONAL)
    thinking = extra.get("thinking") if isinstance(extra, Mapping) else None
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    thinks = kind in ("enabled", "adaptive")
    samples = native or maker(model) != "anthropic" or abilities_of(bare(model)).sampling
    config: dict[str, Json] = {}
    for name, value in body.params.items():
        if not samples and name in SAMPLING:
            if is_sampling(name, value):
                losses.append(Loss(name, "parameter", "the model samples as it sees fit"))
        elif name in ("temperature", "top_p"):
            field = "temperature" if name == "temperature" else "topP"
            high = isinstance(value, (int, float)) and value > 1 and name == "temperature"
            if not native and thinks and name == "temperature" and value != 1:
                losses.append(Loss(name, "parameter", "the model fixes it while it thinks"))
            elif not native and high:
                config[field] = 1
                losses.append(Loss(name, "value above 1", "target takes 0 to 1: sent 1"))
            else:
                config[field] = value
        elif name == "top_k":
            _top_k(value, model, doc, losses, native=native)
        elif name == "service_tier" and isinstance(value, str) and (native or value in _TIERS):
            doc["serviceTier"] = {"type": value}
        elif name == "metadata" and isinstance(value, Mapping):
            _metadata(value, doc, losses, native=native)
        elif name in _NEUTRAL and value == _NEUTRAL[name]:
            continue
        else:
            losses.append(Loss(param_path(name, call), "parameter", _NO_PARAM))
    if config:
        doc.update(overlaid(doc, {"inferenceConfig": config}))


def param_path(name: str, call: Call) -> str:
    """Where the client wrote a parameter: the messages format has the end user inside another."""
    return "metadata.user_id" if name == "user" and call.wire == "messages" else name


def _top_k(
    value: Json, model: str, doc: dict[str, Json], losses: list[Loss], *, native: bool
) -> None:
    """A parameter that each maker spells in its own way."""
    own = maker(model)
    told: JsonObject
    if native or own in ("anthropic", "mistral", "qwen", "deepseek"):
        told = {"top_k": value}
    elif own == "amazon" and "nova" in bare(model):
        told = {"inferenceConfig": {"topK": value}}
    elif own == "cohere":
        told = {"k": value}
    else:
        losses.append(Loss("top_k", "parameter", "the model has no such parameter"))
        return
    doc.update(overlaid(doc, {ADDITIONAL: told}))


def _metadata(value: JsonObject, doc: dict[str, Json], losses: list[Loss], *, native: bool) -> None:
    """Labels for the request's log: text of few characters, sixteen of them."""
    if native:
        doc["requestMetadata"] = value
        return
    kept: dict[str, Json] = {}
    for name, item in value.items():
        fits = isinstance(item, str) and _METADATA.fullmatch(item) and _METADATA.fullmatch(name)
        if fits and name and len(kept) < 16:
            kept[name] = item
        else:
            losses.append(Loss(f"metadata.{name}", "metadata", "target takes 16 short labels"))
    if kept:
        doc["requestMetadata"] = kept
