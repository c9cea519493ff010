"""Converse replies against an extraction of their own, in pieces, cut and damaged."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from multiroute_aws_bedrock import BedrockProvider
from multiroute_aws_bedrock.converse import usage
from multiroute_core.api import Broken, Event, Fault, Finish, Head, Opaque, Reply, Used, fold
from multiroute_core.testing import Recording, split_body

OK = Head(200, ((b"x-amzn-requestid", b"r-1"),))
REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "guardrail_intervened": "content_filter",
}


def frames(body: bytes) -> Iterator[tuple[str, bytes, int]]:
    """(event type, payload, end) of each message."""
    at = 0
    while at < len(body):
        total, headers = struct.unpack_from(">II", body, at)
        place, names = at + 12, {}
        while place < at + 12 + headers:
            size = body[place]
            name = body[place + 1 : place + 1 + size].decode()
            (length,) = struct.unpack_from(">H", body, place + 2 + size)
            names[name] = body[place + 4 + size : place + 4 + size + length].decode()
            place += 4 + size + length
        payload = body[at + 12 + headers : at + total - 4]
        at += total
        yield names.get(":event-type", ""), payload, at


def frame(payload: object, **headers: str) -> bytes:
    """One message; `message_type` is the header ":message-type"."""
    head = b""
    for name, value in headers.items():
        raw = b":" + name.replace("_", "-").encode()
        head += bytes([len(raw)]) + raw + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    data = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(head) + len(data) + 16, len(head))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + data
    return start + struct.pack(">I", zlib.crc32(start))


def event(kind: str, payload: object) -> bytes:
    return frame(payload, message_type="event", event_type=kind)


def _of_whole(body: bytes) -> dict[str, Any]:
    doc = json.loads(body)
    blocks = doc["output"]["message"]["content"]
    return _extract(blocks, doc["stopReason"], doc["usage"])


def _extract(blocks: Sequence[dict[str, Any]], reason: str, used: dict[str, Any]) -> dict[str, Any]:
    text, calls, thinking, citations = "", [], "", []
    for block in blocks:
        if "text" in block:
            text += block["text"]
        if "citationsContent" in block:
            text += "".join(piece["text"] for piece in block["citationsContent"]["content"])
            citations += block["citationsContent"]["citations"]
        use = block.get("toolUse")
        if use and use.get("type") != "server_tool_use":
            calls.append((use["toolUseId"], use["name"], use["input"]))
        told = block.get("reasoningContent", {})
        thinking += told.get("reasoningText", {}).get("text", "")
    return {
        "text": text,
        "calls": calls,
        "thinking": thinking,
        "citations": citations,
        "reason": REASONS[reason],
        "native": reason,
        "input": sum(
            used.get(name, 0)
            for name in ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        ),
        "output": used["outputTokens"],
        "total": used["totalTokens"],
    }


def _of_stream(body: bytes) -> dict[str, Any]:
    blocks: dict[int, dict[str, Any]] = {}
    citations: list[Any] = []
    reason, used = "", {}
    for kind, data, _ in frames(body):
        doc = json.loads(data)
        block = blocks.setdefault(doc.get("contentBlockIndex", -1), {})
        if kind == "contentBlockStart" and "toolUse" in doc["start"]:
            block["toolUse"] = {**doc["start"]["toolUse"], "input": ""}
        elif kind == "contentBlockDelta":
            delta = doc["delta"]
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            if "toolUse" in delta:
                block["toolUse"]["input"] += delta["toolUse"]["input"]
            if "citation" in delta:
                citations.append(delta["citation"])
            if "text" in delta.get("reasoningContent", {}):
                inner = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})
                inner["reasoningText"]["text"] += delta["reasoningContent"]["text"]
        elif kind == "messageStop":
            reason = doc["stopReason"]
        elif kind == "metadata":
            used = doc["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    found = _extract(list(blocks.values()), reason, used)
    return {**found, "citations": citations}


def _ours(events: Sequence[Event]) -> dict[str, Any]:
    reply: Reply = fold(events)
    assert reply.fault is None
    assert reply.usage is not None
    (choice,) = reply.choices
    assert choice.finish is not None
    return {
        "text": choice.text,
        "calls": [(c.id, c.name, json.loads(c.arguments or "{}")) for c in choice.tool_calls],
        "thinking": "".join(p.text for p in choice.parts if p.kind == "thinking"),
        "citations": [dict(c) for part in choice.parts for c in part.citations],
        "reason": choice.finish.reason,
        "native": choice.finish.native,
        "input": reply.usage.input_tokens,
        "output": reply.usage.output_tokens,
        "total": reply.usage.input_tokens + reply.usage.output_tokens,
    }


def _read(provider: BedrockProvider, pieces: Sequence[bytes]) -> list[Event]:
    decoder = provider.decoder(OK, None)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def test_recorded_replies_say_what_their_bodies_say(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("converse", ok=True):
        body = item.response.body
        assert _ours(provider.decode(OK, body, None)) == _of_whole(body), item.id


def test_recorded_streams_say_what_their_events_say(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("converse-stream", ok=True):
        body = item.response.body
        assert _ours(_read(provider, [body])) == _of_stream(body), item.id


def test_recorded_streams_are_the_same_however_they_are_cut(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("converse-stream", ok=True):
        body = item.response.body
        whole = _read(provider, [body])
        modes = ["bytes", "awkward", "events", *(f"random:{seed}" for seed in range(5))]
        for mode in modes:
            assert _read(provider, split_body(body, mode)) == whole, (item.id, mode)


def test_a_stream_cut_before_its_finish_is_broken_and_complete_after_it(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("converse-stream", ok=True):
        body = item.response.body
        end = next(at for kind, _, at in frames(body) if kind == "messageStop")
        step = max(1, end // 150)
        for cut in {*range(0, end, step), end - 1, end - 5}:
            last = _read(provider, [body[:cut]])[-1]
            assert isinstance(last, Broken), (item.id, cut)
            assert last.fault.kind == "truncated"
        assert not any(isinstance(e, Broken) for e in _read(provider, [body[:end]]))


def test_a_damaged_byte_anywhere_breaks_the_reply(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    body = min((i.response.body for i in recorded("converse-stream", ok=True)), key=len)
    for at in range(0, len(body), 7):
        damaged = bytearray(body)
        damaged[at] ^= 0x20
        events = _read(provider, [bytes(damaged)])
        by_piece = _read(provider, split_body(bytes(damaged), "random:1"))
        broken = [e for e in events if isinstance(e, Broken)]
        assert len(broken) == 1, at
        assert broken[0].fault.kind in ("protocol", "truncated", "too_large")
        assert events == by_piece


def test_usage_of_caches_is_told_apart() -> None:
    used = usage(
        {
            "inputTokens": 3,
            "outputTokens": 7,
            "totalTokens": 1735,
            "cacheReadInputTokens": 13,
            "cacheWriteInputTokens": 1712,
            "cacheDetails": [{"inputTokens": 1700, "ttl": "5m"}, {"inputTokens": 12, "ttl": "1h"}],
            "serverToolUsage": {"webSearchRequests": 2},
        }
    )

    assert (used.cache_write_5m, used.cache_write_1h, used.cache_write) == (1700, 12, None)
    assert used.input_tokens + used.output_tokens == 1735
    assert used.tool_units == (("webSearchRequests", 2),)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("throttlingException", "rate_limited"),
        ("serviceUnavailableException", "overloaded"),
        ("internalServerException", "upstream_5xx"),
        ("modelStreamErrorException", "upstream_5xx"),
        ("validationException", "bad_request"),
        ("somethingNewException", "upstream_5xx"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_an_exception_in_the_stream_is_a_fault(
    provider: BedrockProvider, name: str, cause: str, finished: bool
) -> None:
    stream = event("messageStart", {"role": "assistant"})
    if finished:
        stream += event("messageStop", {"stopReason": "end_turn"})
    stream += frame({"message": "Sorry."}, message_type="exception", exception_type=name)
    stream += event("metadata", {})

    last = _read(provider, [stream])[-1]

    assert isinstance(last, Broken)
    assert (last.fault.kind, last.fault.cause) == ("error_event", cause)
    assert (last.fault.message, last.fault.code) == ("Sorry.", name)


def test_an_error_message_of_the_transport_is_a_fault(provider: BedrockProvider) -> None:
    stream = frame({}, message_type="error", error_code="InternalError", error_message="Oh.")

    last = _read(provider, [stream])[-1]

    assert isinstance(last, Broken)
    assert (last.fault.message, last.fault.code) == ("Oh.", "InternalError")


def test_parts_keep_apart_what_one_block_mixes(provider: BedrockProvider) -> None:
    def _delta(index: int, **delta: object) -> bytes:
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "ab"})

    stream = b"".join(
        (
            event("messageStart", {"role": "assistant"}),
            _delta(0, reasoningContent={"text": "th"}),
            _delta(0, reasoningContent={"signature": "si"}),
            _delta(0, text="one"),
            event("contentBlockStop", {"contentBlockIndex": 0}),
            _delta(1, reasoningContent={"signature": "only"}),
            _delta(2, reasoningContent={"redactedContent": "AAAA"}),
            _delta(3, text=""),
            event("contentBlockStart", {"contentBlockIndex": 4, "start": {"image": {}}}),
            _delta(4, image={"source": {"bytes": "AA"}}),
            _delta(4, image={"source": {"bytes": "BB"}}),
            _delta(5, future=1),
            event("future", {"x": 1}),
            event(
                "messageStop",
                {"stopReason": "odd", "additionalModelResponseFields": {"stop_sequence": "|"}},
            ),
            event(
                "metadata",
                {
                    "usage": {"inputTokens": 1, "outputTokens": 2},
                    "serviceTier": {"type": "flex"},
                    "trace": {"promptRouter": {"invokedModelId": "m"}},
                },
            ),
        )
    )

    events = _read(provider, [stream])

    reply = fold(events)
    parts = reply.choices[0].parts
    told = [(part.kind, part.text, part.signature, part.id) for part in parts]
    assert told == [
        ("thinking", "th", "si", None),
        ("text", "one", None, None),
        ("thinking", "", "only", "omitted"),
        ("thinking", "", "AAAA", None),
        ("image", "", None, None),
    ]
    assert parts[4].media is not None
    assert parts[4].media.data_b64 == "AABB"
    finish = next(e for e in events if isinstance(e, Finish))
    assert (finish.reason, finish.native) == ("other", "odd")
    assert finish.extra["additionalModelResponseFields"] == {"stop_sequence": "|"}
    assert reply.usage is not None
    assert reply.usage.service_tier == "flex"
    names = [e.name for e in events if isinstance(e, Opaque)]
    assert names == ["contentBlockDelta", "future", "metadata"]
    assert isinstance(events[-2], Used)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"<html>", "protocol"),
        (b"[]", "protocol"),
        (b'{"output":{"message":{}}}', "protocol"),
        (b'{"output":{"message":{"content":[]}}}', "empty"),
        (b'{"message":"Too many tokens"}', "error_in_200"),
        (b'{"Output":{"__type":"com.x#UnknownOperationException"}}', "error_in_200"),
        (b'{"other":1}', "protocol"),
    ],
)
def test_a_body_that_is_no_reply_is_broken(
    provider: BedrockProvider, body: bytes, kind: str
) -> None:
    last = provider.decode(OK, body, None)[-1]

    assert isinstance(last, Broken)
    assert isinstance(last.fault, Fault)
    assert last.fault.kind == kind


def test_a_count_is_a_result(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("count-tokens", ok=True):
        reply = fold(provider.decode(OK, item.response.body, None))
        expected = json.loads(item.response.body)["inputTokens"]
        assert getattr(reply.result, "input_tokens", None) == expected
        assert reply.fault is None
