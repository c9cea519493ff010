"""Replies, streams and errors in the messages format, from its public description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .event_stream import EventStream, sse_event
from .reply_parts import USUAL_USAGE, ScriptedToolCall, ScriptedUsage, halves_of, pieces_of
from .steps import Answer, Headers, checked_headers


def _statuses() -> dict[str, int]:
    """The documented error types with their statuses."""
    return {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }


def messages_usage(usage: ScriptedUsage) -> dict[str, Any]:
    """The `usage` object: input without the cached tokens, output with the thinking ones."""
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.all_output_tokens,
    }


def messages_reply(
    text: str | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage = USUAL_USAGE,
    stop_reason: str | None = None,
    stop_sequence: str | None = None,
    model: str = "scripted-model",
    thinking: str | None = None,
    signature: str = "scripted-signature",
    seed: int = 1,
) -> dict[str, Any]:
    """A whole reply: the body of a 200. Blocks in order: thinking, text, tool use.

    stop_reason: default `tool_use` with calls, else `end_turn`. seed: makes the ids.
    """
    content: list[dict[str, Any]] = []
    if thinking is not None:
        content.append({"type": "thinking", "thinking": thinking, "signature": signature})
    if text is not None:
        content.append({"type": "text", "text": text})
    content += [
        {
            "type": "tool_use",
            "id": _call_id(call, seed, place),
            "name": call.name,
            "input": call.arguments_object,
        }
        for place, call in enumerate(tool_calls)
    ]
    return {
        "id": _reply_id(seed),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason or _stop(tool_calls),
        "stop_sequence": stop_sequence,
        "usage": messages_usage(usage),
    }


def messages_events(
    pieces: str | Iterable[str] | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage = USUAL_USAGE,
    stop_reason: str | None = None,
    stop_sequence: str | None = None,
    model: str = "scripted-model",
    thinking: str | Iterable[str] | None = None,
    signature: str = "scripted-signature",
    seed: int = 1,
    ping: bool = True,
) -> list[dict[str, Any]]:
    """The events of a stream, in order, from `message_start` to `message_stop`; the name is each
    one's `type`.

    The start carries the input tokens and one output token, `message_delta` all of the output, as
    documented (cumulative). `ping` comes after the first block's start.
    """
    start = messages_reply(None, usage=usage, model=model, seed=seed)
    start |= {"stop_reason": None, "usage": {**start["usage"], "output_tokens": 1}}
    blocks: list[list[dict[str, Any]]] = []
    opening: dict[str, Any]
    thoughts, texts = pieces_of(thinking), pieces_of(pieces)
    if thinking is not None:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in thoughts]
        deltas.append({"type": "signature_delta", "signature": signature})
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        blocks.append(_block(len(blocks), opening, deltas))
    if pieces is not None:
        deltas = [{"type": "text_delta", "text": piece} for piece in texts]
        blocks.append(_block(len(blocks), {"type": "text", "text": ""}, deltas))
    for place, call in enumerate(tool_calls):
        opening = {
            "type": "tool_use",
            "id": _call_id(call, seed, place),
            "name": call.name,
            "input": {},
        }
        parts = ["", *halves_of(call.arguments_text)]
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        blocks.append(_block(len(blocks), opening, deltas))
    body = [event for block in blocks for event in block]
    if ping:
        body.insert(1, {"type": "ping"})
    end = {"stop_reason": stop_reason or _stop(tool_calls), "stop_sequence": stop_sequence}
    return [
        {"type": "message_start", "message": start},
        *body,
        {"type": "message_delta", "delta": end, "usage": messages_usage(usage)},
        {"type": "message_stop"},
    ]


def messages_stream(
    pieces: str | Iterable[str] | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage = USUAL_USAGE,
    stop_reason: str | None = None,
    stop_sequence: str | None = None,
    model: str = "scripted-model",
    thinking: str | Iterable[str] | None = None,
    signature: str = "scripted-signature",
    seed: int = 1,
    ping: bool = True,
) -> EventStream:
    """`messages_events` as a server-sent event stream with event names.

    For other orders and for faults join events by hand:
    `EventStream.of(map(messages_event, messages_events()[:4]),
    messages_error_event("overloaded_error"))`.
    """
    events = messages_events(
        pieces,
        tool_calls=tool_calls,
        usage=usage,
        stop_reason=stop_reason,
        stop_sequence=stop_sequence,
        model=model,
        thinking=thinking,
        signature=signature,
        seed=seed,
        ping=ping,
    )
    return EventStream.of(map(messages_event, events))


def messages_event(event: dict[str, Any]) -> bytes:
    """One event on the wire, named by its `type`."""
    return sse_event(event, event=event["type"])


def messages_error_body(
    type: str, message: str = "Scripted error", request_id: str | None = "req_scripted"
) -> dict[str, Any]:
    """The documented error object; `request_id=None` leaves that out, as in a stream."""
    body: dict[str, Any] = {"type": "error", "error": {"type": type, "message": message}}
    if request_id is not None:
        body["request_id"] = request_id
    return body


def messages_error(
    type: str,
    message: str = "Scripted error",
    *,
    status: int | None = None,
    headers: Headers = (),
    request_id: str | None = "req_scripted",
) -> Answer:
    """An error answer, for example `messages_error("overloaded_error")`: 529.

    status: default the documented one of that type. Raises ValueError for an unknown type without a
        status.
    """
    documented = _statuses()
    if status is None and type not in documented:
        raise ValueError(
            f"error type {type!r} has no documented status: give one, or use "
            f"{', '.join(documented)}"
        )
    pairs = checked_headers(headers)
    if request_id is not None:
        pairs = (("request-id", request_id), *pairs)
    return Answer(status or documented[type], pairs, messages_error_body(type, message, request_id))


def messages_error_event(type: str, message: str = "Scripted error") -> bytes:
    """The `error` event in the middle of a 200 stream."""
    return messages_event(messages_error_body(type, message, None))


def _block(
    index: int, opening: dict[str, Any], deltas: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _reply_id(seed: int) -> str:
    return f"msg_scripted_{seed}"


def _call_id(call: ScriptedToolCall, seed: int, place: int) -> str:
    return call.id if call.id is not None else f"toolu_scripted_{seed}_{place}"


def _stop(tool_calls: Sequence[ScriptedToolCall]) -> str:
    return "tool_use" if tool_calls else "end_turn"
