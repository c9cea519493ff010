"""Replies written for the official client load in it with equal content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from multiroute_core.api import fold
from multiroute_core.api.content import Part
from multiroute_core.api.events import Delta, Event, Finish, PartEnd, PartStart, Start
from multiroute_core.api.reply import Choice, Reply
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat
from multiroute_core.wire.strict import loads

Read = Callable[[Recording, str], list[Event]]

_ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
_CALL = chat.decode_call({**_ASKED, "stream": True, "stream_options": {"include_usage": True}})


def _streamed(events: list[Event]) -> bytes:
    writer = chat.ChatDialect().writer(_CALL)
    return writer.feed(events) + writer.close()


def _content(choice: Choice) -> dict[str, Any]:
    def text(kind: str) -> str:
        return "".join(part.text for part in choice.parts if part.kind == kind)

    return {
        "text": text("text"),
        "refusal": text("refusal"),
        "thinking": text("thinking"),
        "signatures": [part.signature for part in choice.parts if part.signature],
        "calls": [(p.id, p.name, p.arguments) for p in choice.tool_calls],
        "cited": [c["url_citation"]["url"] for part in choice.parts for c in part.citations],
    }


def _alike(one: Reply, other: Reply) -> None:
    assert [_content(c) for c in one.choices] == [_content(c) for c in other.choices]
    assert (one.id, one.model) == (other.id, other.model)
    if one.usage is not None:
        assert other.usage is not None
        assert other.usage.input_tokens == one.usage.input_tokens
        assert other.usage.output_tokens == one.usage.output_tokens


def _loaded(message: Any) -> dict[str, Any]:
    return {
        "text": message.content or "",
        "refusal": message.refusal or "",
        "calls": [
            (call.id, call.function.name, call.function.arguments)
            for call in message.tool_calls or ()
        ],
    }


def _wanted(choice: Choice) -> dict[str, Any]:
    said = _content(choice)
    return {name: said[name] for name in ("text", "refusal", "calls")}


def _has_legacy_call(reply: Reply) -> bool:
    return any("type" in call.extra for c in reply.choices for call in c.tool_calls)


def test_every_recorded_reply_loads_whole(answered: Recordings, read: Read) -> None:
    for one in answered:
        reply = fold(read(one, "whole"))
        body, _ = chat.ChatDialect().reply(reply, _CALL)
        told = ChatCompletion.model_validate_json(body, strict=True)
        if not _has_legacy_call(reply):
            loaded = [_loaded(choice.message) for choice in told.choices]
            assert loaded == [_wanted(c) for c in reply.choices], one.id
        _alike(reply, fold(chat.decode_reply(body)))


def test_every_recorded_reply_loads_chunk_by_chunk(answered: Recordings, read: Read) -> None:
    for one in answered:
        events = read(one, "whole")
        reply = fold(events)
        body = _streamed(events)
        state: Any = ChatCompletionStreamState()
        for event in body.split(b"\n\n"):
            data = event.removeprefix(b"data: ")
            if data and data != b"[DONE]":
                state.handle_chunk(ChatCompletionChunk.model_validate_json(data, strict=True))
        told = state.current_completion_snapshot
        if not _has_legacy_call(reply):
            loaded = [_loaded(choice.message) for choice in told.choices]
            assert loaded == [_wanted(c) for c in reply.choices], one.id
        decoder = chat.ChatDecoder()
        _alike(reply, fold([*decoder.feed(body), *decoder.close()]))


def _thinking(origin: str, text: list[str], signature: str | None) -> list[Event]:
    part = Part("thinking", origin=origin, id="i")
    signed = [Delta(0, "signature", signature)] if signature else []
    return [
        Start("r", "m"),
        PartStart(0, part),
        *(Delta(0, "thinking", piece) for piece in text),
        *signed,
        PartEnd(0),
        Finish("stop", "stop"),
    ]


@pytest.mark.parametrize("text", [["a", "b", "c"], []])
@pytest.mark.parametrize("is_streamed", [True, False])
def test_signed_thinking_survives_a_turn_through_a_client(
    text: list[str], is_streamed: bool
) -> None:
    """Whether the client collects the pieces or puts them together."""
    events = _thinking("messages", text, "sig")
    if is_streamed:
        state: Any = ChatCompletionStreamState()
        pieces: list[Any] = []
        for event in _streamed(events).split(b"\n\n"):
            data = event.removeprefix(b"data: ")
            if data and data != b"[DONE]":
                chunk = loads(data)
                state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
                for choice in chunk["choices"]:
                    pieces += choice["delta"].get("reasoning_details", ())
        joined = state.current_completion_snapshot.choices[0].message.model_extra
        turns = [pieces, joined["reasoning_details"]]
    else:
        body, _ = chat.ChatDialect().reply(fold(events), _CALL)
        turns = [loads(body)["choices"][0]["message"]["reasoning_details"]]
    for details in turns:
        message = {"role": "assistant", "content": "x", "reasoning_details": details}
        doc = {**_ASKED, "messages": [message]}
        call = chat.decode_call(json.loads(json.dumps(doc)))
        part = call.body.messages[0].parts[0]  # type: ignore[union-attr]  # a chat body
        assert (part.origin, part.text, part.signature) == ("messages", "".join(text), "sig")
        assert chat.encode_call(call, "m")[0]["messages"] == doc["messages"]


def test_no_null_is_added() -> None:
    events: list[Event] = [
        Start("r", "m"),
        PartStart(0, Part("text")),
        Delta(0, "text", "a"),
        PartEnd(0),
        Finish("stop", "stop"),
    ]
    chunks = [e.removeprefix(b"data: ") for e in _streamed(events).split(b"\n\n")]
    for chunk in chunks:
        if chunk and chunk != b"[DONE]":
            for choice in loads(chunk)["choices"]:
                assert None not in choice["delta"].values()
