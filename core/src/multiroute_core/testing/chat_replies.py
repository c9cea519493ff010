"""Replies, streams and errors in the chat-completions format, from its public description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .event_stream import EventStream, sse_event
from .reply_parts import (
    FIXED_CREATED,
    USUAL_USAGE,
    ScriptedToolCall,
    ScriptedUsage,
    halves_of,
    pieces_of,
)
from .steps import Answer, Headers, checked_headers

_DONE = "[DONE]"


def chat_usage(usage: ScriptedUsage) -> dict[str, Any]:
    """The `usage` object: totals that include the cached and the reasoning tokens, with details."""
    return {
        "prompt_tokens": usage.all_input_tokens,
        "completion_tokens": usage.all_output_tokens,
        "total_tokens": usage.all_input_tokens + usage.all_output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def chat_reply(
    text: str | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage | None = USUAL_USAGE,
    finish_reason: str | None = None,
    model: str = "scripted-model",
    reasoning: str | None = None,
    refusal: str | None = None,
    seed: int = 1,
    created: int = FIXED_CREATED,
) -> dict[str, Any]:
    """A whole reply: the body of a 200.

    usage: None leaves it out. finish_reason: default `tool_calls` with calls, else `stop`.
    reasoning: goes out as `reasoning_content`. seed: makes the ids; the same seed, the same bytes.
    """
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": refusal}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if tool_calls:
        message["tool_calls"] = [
            {
                "id": _call_id(call, seed, place),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_text},
            }
            for place, call in enumerate(tool_calls)
        ]
    reply: dict[str, Any] = {
        "id": _reply_id(seed),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": finish_reason or _finish(tool_calls),
            }
        ],
    }
    if usage is not None:
        reply["usage"] = chat_usage(usage)
    return reply


def chat_chunks(
    pieces: str | Iterable[str] | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage | None = None,
    finish_reason: str | None = None,
    model: str = "scripted-model",
    reasoning: str | Iterable[str] | None = None,
    seed: int = 1,
    created: int = FIXED_CREATED,
) -> list[dict[str, Any]]:
    """The chunks of a stream, in order: role, reasoning, text, tool calls, finish, and usage if
    there is one.

    Usage comes as asked for with `stream_options.include_usage`: a last chunk with no choices, and
    `usage: null` in all before it. One text is cut after each space; tool arguments come in two
    halves after the call's head.
    """
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in pieces_of(reasoning)]
    deltas += [{"content": piece} for piece in pieces_of(pieces)]
    for place, call in enumerate(tool_calls):
        head: dict[str, Any] = {
            "index": place,
            "id": _call_id(call, seed, place),
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        deltas.append({"tool_calls": [head]})
        deltas += [
            {"tool_calls": [{"index": place, "function": {"arguments": half}}]}
            for half in halves_of(call.arguments_text)
        ]
    frame: dict[str, Any] = {
        "id": _reply_id(seed),
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
    }
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason or _finish(tool_calls)})
    if usage is None:
        return [{**frame, "choices": [choice]} for choice in choices]
    chunks = [{**frame, "choices": [choice], "usage": None} for choice in choices]
    return [*chunks, {**frame, "choices": [], "usage": chat_usage(usage)}]


def chat_stream(
    pieces: str | Iterable[str] | None = "Scripted answer.",
    *,
    tool_calls: Sequence[ScriptedToolCall] = (),
    usage: ScriptedUsage | None = None,
    finish_reason: str | None = None,
    model: str = "scripted-model",
    reasoning: str | Iterable[str] | None = None,
    seed: int = 1,
    created: int = FIXED_CREATED,
    done: bool = True,
) -> EventStream:
    """`chat_chunks` as a server-sent event stream, with `[DONE]` at the end unless told otherwise.

    For other orders and for faults join events by hand:
    `EventStream.of(map(sse_event, chat_chunks()[:2]), chat_error_event("overloaded"))`.
    """
    chunks = chat_chunks(
        pieces,
        tool_calls=tool_calls,
        usage=usage,
        finish_reason=finish_reason,
        model=model,
        reasoning=reasoning,
        seed=seed,
        created=created,
    )
    return EventStream.of(map(sse_event, chunks), sse_event(_DONE) if done else b"")


def chat_error_body(
    message: str, type: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The documented error object."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def chat_error(
    status: int,
    message: str = "scripted error",
    type: str = "server_error",
    code: str | None = None,
    *,
    param: str | None = None,
    headers: Headers = (),
) -> Answer:
    """An error answer, for example `chat_error(429, type="requests", code="rate_limit_exceeded")`.

    headers: pushback and the like, such as `{"retry-after-ms": "1500"}`.
    """
    return Answer(status, checked_headers(headers), chat_error_body(message, type, code, param))


def chat_error_event(
    message: str = "scripted error",
    type: str = "server_error",
    code: str | None = None,
    *,
    event: str | None = None,
) -> bytes:
    """An error in the middle of a 200 stream; some upstreams also name the event `error`."""
    return sse_event(chat_error_body(message, type, code), event)


def _reply_id(seed: int) -> str:
    return f"chatcmpl-scripted-{seed}"


def _call_id(call: ScriptedToolCall, seed: int, place: int) -> str:
    return call.id if call.id is not None else f"call_scripted_{seed}_{place}"


def _finish(tool_calls: Sequence[ScriptedToolCall]) -> str:
    return "tool_calls" if tool_calls else "stop"
