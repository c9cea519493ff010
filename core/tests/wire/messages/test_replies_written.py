"""Replies told in the messages format load in the vendor's own client with equal content."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import anthropic
import orjson

from multiroute_core.api import Event, Reply, fold
from multiroute_core.testing import Answer, Recording, ScriptedUpstream
from multiroute_core.wire import chat, messages

_CALL = messages.decode_call(
    {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
)
_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream"}
_TOLD_APART = frozenset({"parsed_output", "type"})


def _whole(events: Sequence[Event]) -> Answer:
    body, _ = messages.MessagesDialect().reply(fold(events), _CALL)
    return Answer(body=body, headers=_JSON)


def _streamed(events: Sequence[Event], size: int = 1) -> Answer:
    writer = messages.MessagesDialect().writer(_CALL)
    pieces = [writer.feed(events[at : at + size]) for at in range(0, len(events), size)]
    return Answer(body=b"".join([*pieces, writer.close()]), headers=_SSE)


def _load(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """What the official client makes of each answer."""

    async def run() -> list[dict[str, Any]]:
        loaded: list[dict[str, Any]] = []
        async with (
            ScriptedUpstream(list(answers), exhausted="error") as upstream,
            anthropic.AsyncAnthropic(
                base_url=upstream.base_url, api_key="k", max_retries=0
            ) as client,
        ):
            ask: dict[str, Any] = {
                "model": "m",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "x"}],
            }
            for answer in answers:
                if answer.headers is _SSE:
                    async with client.beta.messages.stream(**ask) as stream:
                        message = await stream.get_final_message()
                else:
                    message = await client.beta.messages.create(**ask)
                loaded.append(_bare(message.to_dict(warnings=False)))
        return loaded

    return asyncio.run(run())


def _bare(value: Any) -> Any:
    """Without nulls and empty lists of citations, which say nothing."""
    if isinstance(value, dict):
        return {
            key: item if key == "input" else _bare(item)
            for key, item in value.items()
            if item is not None and not (key == "citations" and item == [])
        }
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _events(item: Recording) -> list[Event]:
    body = item.response.body
    if item.response.is_streamed:
        decoder = messages.MessagesDecoder()
        return [*decoder.feed(body), *decoder.close()]
    return messages.decode_reply(body)


def _native_answer(item: Recording) -> Answer:
    headers = _SSE if item.response.is_streamed else _JSON
    return Answer(body=item.response.body, headers=headers)


def test_recorded_replies_load_as_the_provider_s_own_bytes_do(
    replies: tuple[Recording, ...],
) -> None:
    answers: list[Answer] = []
    for item in replies:
        events = _events(item)
        answers += [_native_answer(item), _whole(events), _streamed(events, 3)]
    loaded = _load(answers)
    for number, item in enumerate(replies):
        native, whole, streamed = loaded[3 * number : 3 * number + 3]
        for told in (whole, streamed):
            assert told["content"] == native["content"], item.id
            for name in ("id", "model", "role", "type", "stop_reason"):
                assert told[name] == native[name], (item.id, name)
            for name in ("stop_sequence", "container", "context_management", "stop_details"):
                assert told.get(name) == native.get(name), (item.id, name)
        # The client takes most of a stream's usage from its start.
        counts = ("input_tokens", "output_tokens", "cache_read_input_tokens", "server_tool_use",
                  "cache_creation_input_tokens", "output_tokens_details")  # fmt: skip
        for name in counts:
            assert whole["usage"].get(name) == native["usage"].get(name), (item.id, name)
            assert streamed["usage"].get(name) == native["usage"].get(name), (item.id, name)
        if not item.response.is_streamed:
            assert whole == native, item.id
    assert len(replies) > 380


def _chat_events(item: Recording) -> list[Event]:
    body = item.response.body
    if item.response.is_streamed:
        decoder = chat.ChatDecoder()
        return [*decoder.feed(body), *decoder.close()]
    return chat.decode_reply(body)


def _told(message: dict[str, Any]) -> tuple[str, str, list[tuple[str, str, Any]]]:
    blocks = message["content"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    thinking = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    calls = [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"]
    return text, thinking, calls


def _said(reply: Reply) -> tuple[str, str, list[tuple[str, str, Any]]]:
    parts = reply.choices[0].parts if reply.choices else ()
    text = "".join(part.text for part in parts if part.kind in ("text", "refusal"))
    thinking = "".join(part.text for part in parts if part.kind == "thinking")
    calls = [
        (part.id or "", part.name or "", orjson.loads(part.arguments or "{}"))
        for part in parts
        if part.kind == "tool_call"
    ]
    return text, thinking, calls


def _has_broken_arguments(reply: Reply) -> bool:
    try:
        _said(reply)
    except orjson.JSONDecodeError:
        return True
    return False


def test_recorded_chat_replies_load_as_messages(chat_replies: tuple[Recording, ...]) -> None:
    kept: list[tuple[str, Reply]] = []
    answers: list[Answer] = []
    for item in chat_replies:
        events = _chat_events(item)
        reply = fold(events)
        if reply.fault is not None or _has_broken_arguments(reply):
            continue
        kept.append((item.id, reply))
        answers += [_whole(events), _streamed(events)]
    loaded = _load(answers)
    reasons = {"end_turn", "max_tokens", "tool_use", "refusal", "stop_sequence"}
    for number, (name, reply) in enumerate(kept):
        whole, streamed = loaded[2 * number : 2 * number + 2]
        assert _told(whole) == _said(reply), name
        assert _told(streamed) == _said(reply), name
        assert whole["stop_reason"] == streamed["stop_reason"]
        assert whole["stop_reason"] in reasons
        assert (whole["stop_reason"] == "tool_use") == bool(_said(reply)[2]) or (
            whole["stop_reason"] == "max_tokens"
        ), name
        if reply.usage is not None:
            for message in (whole, streamed):
                used = message["usage"]
                into = used["input_tokens"] + (used.get("cache_read_input_tokens") or 0)
                into += used.get("cache_creation_input_tokens") or 0
                assert into == reply.usage.input_tokens, name
                assert used["output_tokens"] == reply.usage.output_tokens, name
    assert len(kept) > 200
