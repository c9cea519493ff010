"""Replies of the messages format as events: whole, streamed, cut and broken."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from multiroute_core.api import Broken, Event, Finish, Reply, Result, fold
from multiroute_core.testing import Recording, messages_error_event, split_body
from multiroute_core.wire import messages
from multiroute_core.wire.sse import SseParser


def _read(pieces: Any) -> list[Event]:
    decoder = messages.MessagesDecoder()
    events: list[Event] = []
    for piece in pieces:
        events.extend(decoder.feed(piece))
    events.extend(decoder.close())
    return events


def _stream(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: " + e["type"].encode() + b"\ndata: " + orjson.dumps(e) + b"\n\n" for e in events
    )


def _message(*events: dict[str, Any], stop: str = "end_turn", **usage: Any) -> bytes:
    start = {"id": "msg", "model": "m", "content": [], "usage": {"input_tokens": 3}}
    return _stream(
        {"type": "message_start", "message": start},
        *events,
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage},
        {"type": "message_stop"},
    )


def _native(item: Recording) -> dict[str, Any]:
    """What a recorded reply says, put together by hand."""
    if not item.response.is_streamed:
        whole: dict[str, Any] = orjson.loads(item.response.body)
        return whole
    told = [orjson.loads(e.data) for e in SseParser().feed(item.response.body)]
    message = dict(told[0]["message"])
    blocks: list[dict[str, Any]] = []
    usage = dict(message["usage"])
    for event in told:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            if delta["type"] == "input_json_delta":
                block["json"] += delta["partial_json"]
            elif delta["type"] == "citations_delta":
                block["citations"].append(delta["citation"])
            else:
                (key,) = delta.keys() - {"type"}
                block[key] += delta[key]
        elif event["type"] == "message_delta":
            message.update(event["delta"])
            usage.update(event["usage"])
    for block in blocks:
        text = block.pop("json")
        if text:
            block["input"] = orjson.loads(text)
    return {**message, "content": blocks, "usage": usage}


def _seen(reply: Reply) -> list[tuple[Any, ...]]:
    seen: list[tuple[Any, ...]] = []
    for part in reply.choices[0].parts if reply.choices else ():
        if part.kind == "text":
            seen.append(("text", part.text, [dict(c) for c in part.citations]))
        elif part.kind == "thinking":
            seen.append((part.name, part.text, part.signature))
        elif part.kind in ("tool_call", "server_tool_call"):
            kind = part.extra.get("type", "tool_use")
            seen.append((kind, part.id, part.name, orjson.loads(part.arguments or "")))
        else:
            seen.append((part.name, part.content))
    return seen


def _wanted(native: dict[str, Any]) -> list[tuple[Any, ...]]:
    wanted: list[tuple[Any, ...]] = []
    for block in native["content"]:
        kind = block["type"]
        if kind == "text":
            wanted.append((kind, block["text"], block.get("citations") or []))
        elif kind == "thinking":
            wanted.append((kind, block["thinking"], block["signature"]))
        elif kind == "redacted_thinking":
            wanted.append((kind, "", block["data"]))
        elif kind.endswith("_use"):
            wanted.append((kind, block["id"], block["name"], block["input"]))
        else:
            wanted.append((kind, block))
    return wanted


def test_recorded_replies_say_what_their_bytes_say(replies: tuple[Recording, ...]) -> None:
    for item in replies:
        body = item.response.body
        events = _read([body]) if item.response.is_streamed else messages.decode_reply(body)
        reply, native = fold(events), _native(item)
        assert reply.fault is None, item.id
        assert _seen(reply) == _wanted(native), item.id
        assert (reply.id, reply.model) == (native["id"], native["model"])
        finish = reply.choices[0].finish
        assert finish is not None
        assert finish.native == native["stop_reason"]
        assert finish.extra.get("stop_sequence") == native["stop_sequence"]
        used, told = reply.usage, native["usage"]
        assert used is not None
        caches = (told.get("cache_creation_input_tokens") or 0) + (
            told.get("cache_read_input_tokens") or 0
        )
        assert used.input_tokens == told["input_tokens"] + caches, item.id
        assert used.output_tokens == told["output_tokens"], item.id
    assert len(replies) > 380


def test_recorded_streams_read_the_same_however_they_are_cut(
    streams: tuple[Recording, ...],
) -> None:
    for number, item in enumerate(streams):
        body = item.response.body
        whole = _read([body])
        assert _read(split_body(body, f"random:{number}")) == whole, item.id
        if len(body) < 20_000:
            assert _read(split_body(body, "bytes")) == whole, item.id
    assert len(streams) > 120


def test_a_stream_that_ends_before_its_finish_is_broken(streams: tuple[Recording, ...]) -> None:
    chance = random.Random(7)
    for item in streams:
        body = item.response.body
        # The blank line that closes message_delta is the last byte that a complete reply needs;
        # its first line end is enough for a lenient reader.
        finish = body.index(b"event: message_delta")
        needed = body.index(b"\n", body.index(b"data:", finish))
        cuts = [at for at in _event_ends(body) if at <= finish]
        cuts += [chance.randrange(needed) for _ in range(4)]
        for cut in cuts:
            events = _read([body[:cut]])
            assert isinstance(events[-1], Broken), (item.id, cut)
            assert not any(isinstance(event, Finish) for event in events)
        assert not any(isinstance(event, Broken) for event in _read([body[: needed + 2]]))


def _event_ends(body: bytes) -> list[int]:
    ends, at = [0], body.find(b"\n\n")
    while at >= 0:
        ends.append(at + 2)
        at = body.find(b"\n\n", at + 2)
    return ends


def test_an_error_in_the_stream_breaks_the_reply() -> None:
    body = _message()
    cut = body.index(b"event: message_delta")
    events = _read([body[:cut] + messages_error_event("overloaded_error", "Overloaded")])
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == "error_event"
    assert events[-1].fault.cause == "overloaded"
    assert events[-1].fault.message == "Overloaded"


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_stop", "index": 4},
    ],
)
def test_a_delta_without_a_block_breaks_the_reply(bad: dict[str, Any]) -> None:
    reply = fold(_read([_message(bad)]))
    assert reply.fault is not None
    assert reply.fault.kind == "protocol"


def test_a_call_without_arguments_has_empty_ones() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": ""}
    body = _message(
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        stop="tool_use",
    )
    assert fold(_read([body])).choices[0].tool_calls[0].arguments == "{}"


def test_a_streamed_summary_of_the_conversation_is_put_together() -> None:
    body = _message(
        {"type": "content_block_start", "index": 0,
         "content_block": {"type": "compaction", "content": None}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "compaction_delta", "content": "so far", "encrypted_content": "e"}},
        {"type": "content_block_stop", "index": 0},
    )  # fmt: skip
    part = fold(_read([body])).choices[0].parts[0]
    assert part.content == {"type": "compaction", "content": "so far", "encrypted_content": "e"}


def test_tokens_beside_the_counts_at_the_top_are_counted_by_model() -> None:
    body = _message(
        input_tokens=10,
        output_tokens=5,
        iterations=[
            {"type": "message", "input_tokens": 10, "output_tokens": 5},
            {"type": "fallback_message", "model": "f", "input_tokens": 10, "output_tokens": 5},
            {"type": "compaction", "input_tokens": 100, "output_tokens": 20},
            {"type": "advisor_message", "model": "big", "input_tokens": 7, "output_tokens": 2},
            {"type": "advisor_message", "model": "big", "input_tokens": 1, "output_tokens": 1},
        ],
    )
    used = fold(_read([body])).usage
    assert used is not None
    assert (used.input_tokens, used.output_tokens) == (10, 5)
    beside = {name: (other.input_tokens, other.output_tokens) for name, other in used.others}
    assert beside == {"big": (8, 3), "m": (100, 20)}


def test_a_later_split_of_cache_writes_is_not_added_to_the_earlier_sum() -> None:
    start = {"id": "i", "model": "m", "usage": {"cache_creation_input_tokens": 100}}
    usage = {"cache_creation": {"ephemeral_5m_input_tokens": 100}, "output_tokens": 1}
    body = _stream(
        {"type": "message_start", "message": start},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
    )
    used = fold(_read([body])).usage
    assert used is not None
    assert used.input_tokens == 100


def test_a_count_of_tokens_is_a_result(recorded_counts: tuple[Recording, ...]) -> None:
    for item in recorded_counts:
        if item.response.status != 200:
            continue
        events = messages.decode_count(item.response.body)
        result = next(event for event in events if isinstance(event, Result))
        assert result.value.input_tokens == orjson.loads(item.response.body)["input_tokens"]
        assert isinstance(events[-1], Finish)
    assert isinstance(messages.decode_count(b'{"tokens": 3}')[-1], Broken)


def test_recorded_errors_keep_the_provider_s_words(recorded: tuple[Recording, ...]) -> None:
    wanted = {400: "bad_request", 401: "upstream_auth", 404: "not_found"}
    seen = set()
    for item in recorded:
        if item.response.status < 300:
            continue
        from multiroute_core.api import Head

        fault = messages.classify(Head(item.response.status, ()), item.response.body, 0.0)
        assert fault.kind == wanted[item.response.status]
        assert fault.message == orjson.loads(item.response.body)["error"]["message"]
        seen.add(item.response.status)
    assert seen == set(wanted)
