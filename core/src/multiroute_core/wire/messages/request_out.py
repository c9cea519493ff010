"""A call written as a messages request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.content import Media, Message, Part, Tool, ToolChoice
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json
from multiroute_core.wire.strict import raw_json

WIRE: Final = "messages"
_FOREIGN: Final = "belongs to another API format"
_NO_PARAM: Final = "target has no such parameter"
_OWN_FIELDS: Final = frozenset(
    {"thinking", "cache_control", "container", "mcp_servers", "context_management", "top_k"}
)
"""Fields of this format that clients of other formats send along on purpose."""

EFFORT_TOKENS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
}
"""Thinking budgets for efforts in words. Ours, not the vendor's: reported as a loss each time."""


def encode_call(
    call: Call, model: str, max_output: int
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks messages, and what it could not hold.

    `max_output`: tokens to allow where the client names no limit (the format requires one).

    Raises:
        CannotEncode: not a chat call, or tool arguments in the history that are not JSON.
    """
    body = call.body
    if not isinstance(body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent as messages")
    losses: list[Loss] = []
    system, messages = _conversation(body.messages, losses)
    doc: dict[str, Json] = {
        "model": model,
        "max_tokens": body.max_output or max_output,
        "messages": messages,
    }
    if system:
        plain = len(system) == 1 and system[0].keys() == {"type", "text"}
        doc["system"] = system[0]["text"] if plain else list(system)
    if call.stream:
        doc["stream"] = True
    if body.tools:
        tools = [_tool(t, f"tools[{i}]", losses) for i, t in enumerate(body.tools)]
        doc["tools"] = [tool for tool in tools if tool is not None]
    choice = _tool_choice(body.tool_choice, body.parallel_tools, bool(body.tools), losses)
    if choice is not None:
        doc["tool_choice"] = choice
    if body.choices != 1:
        losses.append(Loss("n", "several choices", "target gives one answer"))
    if body.stop:
        doc["stop_sequences"] = list(body.stop)
    _structure(body, doc, losses)
    _thinking(body, doc, losses)
    _params(body, doc, losses)
    for name, value in body.extra.items():
        if call.wire == WIRE or name in _OWN_FIELDS:
            doc[name] = value
        elif name == "output_config" and isinstance(value, Mapping):
            own = doc.get("output_config")
            doc["output_config"] = {**value, **(own if isinstance(own, Mapping) else {})}
        else:
            losses.append(Loss(name, "field", _NO_PARAM))
    return doc, tuple(losses)


def _structure(body: ChatBody, doc: dict[str, Json], losses: list[Loss]) -> None:
    schema = body.schema
    if schema is None or schema.kind == "text":
        return
    if schema.kind == "json_object" or schema.schema is None:
        losses.append(Loss("response_format", "JSON mode", "target has schemas only"))
        return
    doc["output_config"] = {"format": {"type": "json_schema", "schema": schema.schema}}
    if schema.description is not None:
        path = "response_format.json_schema.description"
        losses.append(Loss(path, "description of the schema", _NO_PARAM))


def _thinking(body: ChatBody, doc: dict[str, Json], losses: list[Loss]) -> None:
    wish = body.reasoning
    if wish is None:
        return
    if wish.origin == WIRE and wish.extra:
        doc["thinking"] = wish.extra
        return
    if wish.enabled is False or wish.effort == "none":
        doc["thinking"] = {"type": "disabled"}
        return
    budget = wish.budget_tokens
    if budget is None and wish.effort is not None:
        budget = EFFORT_TOKENS.get(wish.effort)
        if budget is None:
            losses.append(Loss("reasoning_effort", "effort", "target takes a token budget"))
            return
        why = f"target takes a token budget: {budget}"
        losses.append(Loss("reasoning_effort", "effort in words", why))
    if budget is None:
        return
    limit = doc["max_tokens"]
    if isinstance(limit, int) and limit <= budget:
        if body.max_output is None:
            doc["max_tokens"] = budget + limit
        elif limit > 1024:
            budget = max(1024, limit // 2)
        else:
            losses.append(Loss("reasoning_effort", "thinking", "the output limit leaves no room"))
            return
    doc["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _params(body: ChatBody, doc: dict[str, Json], losses: list[Loss]) -> None:
    thinking = doc.get("thinking")
    thinks = isinstance(thinking, Mapping) and thinking.get("type") in ("enabled", "adaptive")
    for name, value in body.params.items():
        if name == "temperature" and isinstance(value, (int, float)):
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
            doc["metadata"] = {"user_id": value}
        elif name == "metadata" and isinstance(value, Mapping):
            _metadata(value, doc, losses)
        elif name == "service_tier" and value in ("auto", "standard_only"):
            doc[name] = value
        elif name in _NEUTRAL and value == _NEUTRAL[name]:
            continue
        else:
            losses.append(Loss(name, "parameter", _NO_PARAM))


_NEUTRAL: Final[Mapping[str, Json]] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
    "service_tier": "default",
}
"""Values that say what the target does anyway: leaving them out loses nothing."""


def _metadata(value: Mapping[str, Json], doc: dict[str, Json], losses: list[Loss]) -> None:
    for name, item in value.items():
        if name == "user_id":
            doc["metadata"] = {"user_id": item}
        else:
            losses.append(Loss(f"metadata.{name}", "metadata", "target knows user_id only"))


def _tool(tool: Tool, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    if tool.kind != "function":
        if tool.origin == WIRE:
            return dict(tool.extra)
        losses.append(Loss(path, f"built-in tool {tool.kind}", _FOREIGN))
        return None
    written: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["input_schema"] = tool.schema or {"type": "object", "properties": {}}
    if tool.strict is not None:
        written["strict"] = tool.strict
    if tool.cache is not None:
        written["cache_control"] = tool.cache
    if tool.origin == WIRE:
        written.update(tool.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", _FOREIGN) for name in tool.extra)
    return written


def _tool_choice(
    choice: ToolChoice | None, parallel: bool | None, has_tools: bool, losses: list[Loss]
) -> dict[str, Json] | None:
    written: dict[str, Json] | None = None
    if choice is not None:
        if choice.mode == "native":
            if choice.origin == WIRE:
                written = dict(choice.extra)
            else:
                losses.append(Loss("tool_choice", "tool choice", _FOREIGN))
        elif choice.mode == "tool":
            written = {"type": "tool", "name": choice.name}
        else:
            written = {"type": "any" if choice.mode == "required" else choice.mode}
    if parallel is not None and has_tools:
        if written is None:
            written = {"type": "auto"}
        if written.get("type") != "none":
            written["disable_parallel_tool_use"] = not parallel
    return written


def _conversation(
    messages: Sequence[Message], losses: list[Loss]
) -> tuple[list[dict[str, Json]], list[Json]]:
    """System blocks and turns. Results of tools that follow one another go into one turn."""
    system: list[dict[str, Json]] = []
    turns: list[tuple[str, list[Json], bool]] = []
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        if message.role in ("system", "developer"):
            if turns:
                why = "target has system text at the top only"
                losses.append(Loss(path, f"position of a {message.role} message", why))
            for at, part in enumerate(message.parts):
                block = _block(part, f"{path}.content[{at}]", losses)
                if block is not None and block.get("type") == "text":
                    system.append(block)
                elif block is not None:
                    losses.append(Loss(f"{path}.content[{at}]", f"{part.kind} part", _FOREIGN))
            _fields(message, path, losses)
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks: list[Json] = []
        for at, part in enumerate(message.parts):
            block = _block(part, f"{path}.content[{at}]", losses)
            if block is not None:
                blocks.append(block)
        _fields(message, path, losses)
        is_result = any(part.kind == "tool_result" for part in message.parts)
        if turns and is_result and turns[-1][2]:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks, is_result))
    return system, [{"role": role, "content": _short(blocks)} for role, blocks, _ in turns]


def _fields(message: Message, path: str, losses: list[Loss]) -> None:
    if message.origin != WIRE:
        losses.extend(
            Loss(f"{path}.{name}", "message field", _FOREIGN)
            for name, value in message.extra.items()
            if value not in (None, [], (), "")
        )


def _short(blocks: list[Json]) -> Json:
    """A single plain text block is sent as a string."""
    if len(blocks) == 1:
        only = blocks[0]
        if isinstance(only, Mapping) and only.keys() == {"type", "text"}:
            return only["text"]
    return blocks


def _block(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    block: dict[str, Json] | None
    if part.kind in ("text", "refusal"):
        if not part.text:
            return None
        block = {"type": "text", "text": part.text}
        if part.citations and part.origin == WIRE:
            block["citations"] = list(part.citations)
    elif part.kind in ("image", "document"):
        block = _media(part, path, losses)
    elif part.kind == "tool_call":
        arguments = raw_json(part.arguments or "{}")
        if arguments is None:
            raise CannotEncode(f"{path}: the arguments of {part.name} are not a JSON object")
        block = {
            "type": "tool_use",
            "id": part.id,
            "name": part.name,
            "input": arguments,
        }
    elif part.kind == "tool_result":
        block = _result(part, path, losses)
    elif part.kind == "thinking":
        return _think(part, path, losses)
    elif part.kind in ("opaque", "server_tool_call", "server_tool_result"):
        if part.origin == WIRE and isinstance(part.content, Mapping):
            return dict(part.content)
        losses.append(Loss(path, f"{part.kind} {part.name or ''}".strip(), _FOREIGN))
        return None
    else:
        losses.append(Loss(path, f"{part.kind} part", "target has no such content"))
        return None
    if block is not None:
        if part.cache is not None:
            block["cache_control"] = part.cache
        if part.origin == WIRE:
            block.update(part.extra)
        else:
            losses.extend(Loss(f"{path}.{name}", "content field", _FOREIGN) for name in part.extra)
    return block


def _think(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    """Thinking goes back only with the signature that this family gave it."""
    if part.origin != WIRE or part.signature is None:
        if part.text or part.signature:
            losses.append(Loss(path, "thinking block", "it has no signature of this family"))
        return None
    if not part.text:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _result(part: Part, path: str, losses: list[Loss]) -> dict[str, Json]:
    block: dict[str, Json] = {"type": "tool_result", "tool_use_id": part.id}
    if isinstance(part.content, tuple):
        inner: list[Json] = []
        for number, piece in enumerate(part.content):
            if isinstance(piece, Part):
                written = _block(piece, f"{path}.content[{number}]", losses)
                if written is not None:
                    inner.append(written)
        block["content"] = inner
    else:
        block["content"] = part.text
    if part.is_error is not None:
        block["is_error"] = part.is_error
    return block


def _media(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    media = part.media or Media()
    source: dict[str, Json]
    if media.data_b64 is not None:
        mime = media.mime or ("image/png" if part.kind == "image" else "application/pdf")
        source = {"type": "base64", "media_type": mime, "data": media.data_b64}
    elif media.url is not None:
        source = {"type": "url", "url": media.url}
    elif part.origin == WIRE:
        source = {"type": "file", "file_id": media.file_id}
    else:
        losses.append(Loss(path, f"{part.kind} by file id", "the file is at another provider"))
        return None
    block: dict[str, Json] = {"type": part.kind, "source": source}
    if part.kind == "document" and media.name is not None:
        block["title"] = media.name
    if media.detail is not None and media.detail != "auto":
        losses.append(Loss(f"{path}.image_url.detail", "image detail", _NO_PARAM))
    return block


