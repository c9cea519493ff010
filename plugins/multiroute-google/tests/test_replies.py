"""Gemini replies as events, whole and streamed, against an extraction of the test's own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from multiroute_core.api import Broken, Finish, Used, fold
from multiroute_core.testing import split_body
from multiroute_google import gemini
from multiroute_google.gemini.framing import ArrayCutter

CHATS = ("generateContent", "streamGenerateContent")
NUMBERS = {1: "STOP", 2: "MAX_TOKENS"}
CHUNKINGS = ("whole", "awkward", "random:1", "random:2")


def chunks_of(record: Any) -> list[dict[str, Any]]:
    """The JSON objects of a recorded reply, without our readers."""
    text = record.response.body.decode()
    if record.response.stream_format == "sse":
        return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    doc = json.loads(text)
    return doc if isinstance(doc, list) else [doc]


def streamed(body: bytes, chunking: str) -> list[Any]:
    decoder = gemini.GeminiDecoder()
    events = [event for piece in split_body(body, chunking) for event in decoder.feed(piece)]
    return events + decoder.close()


def events_of(record: Any) -> list[Any]:
    if record.response.is_streamed:
        return streamed(record.response.body, "whole")
    return gemini.decode_reply(record.response.body)


def expected(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"text": "", "thinking": "", "calls": [], "signatures": []}
    for chunk in chunks_of(record):
        for candidate in chunk.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                if "functionCall" in part:
                    call = part["functionCall"]
                    found["calls"].append((call["name"], call.get("args", {}), call.get("id")))
                elif "text" in part:
                    found["thinking" if part.get("thought") else "text"] += part["text"]
                if "thoughtSignature" in part:
                    found["signatures"].append(part["thoughtSignature"])
            if candidate.get("finishReason"):
                reason = candidate["finishReason"]
                found["finish"] = NUMBERS.get(reason, reason)
        if chunk.get("promptFeedback", {}).get("blockReason"):
            found["finish"] = chunk["promptFeedback"]["blockReason"]
        if "totalTokenCount" in chunk.get("usageMetadata", {}):
            found["total"] = chunk["usageMetadata"]["totalTokenCount"]
        found["id"] = chunk.get("responseId", "")
    return found


def test_every_recorded_reply_is_read_whole(recorded):
    for record in recorded(*CHATS, ok=True):
        reply, want = fold(events_of(record)), expected(record)
        assert reply.fault is None, record.id
        choice = reply.choices[0]
        parts = choice.parts
        assert choice.text == want["text"], record.id
        assert "".join(p.text for p in parts if p.kind == "thinking") == want["thinking"]
        calls = [(p.name, json.loads(p.arguments or ""), p.id) for p in choice.tool_calls]
        assert [call[:2] for call in calls] == [call[:2] for call in want["calls"]], record.id
        for (_, _, ours), (_, _, theirs) in zip(calls, want["calls"], strict=True):
            assert ours == theirs if theirs else ours
        kept = [p.signature for p in parts if p.signature]
        kept += [
            p.content["thoughtSignature"]
            for p in parts
            if p.content is not None and "thoughtSignature" in p.content
        ]
        assert sorted(kept) == sorted(want["signatures"]), record.id
        assert choice.finish is not None
        assert choice.finish.native == want["finish"], record.id
        assert reply.id == want["id"]


def test_usage_buckets_sum_to_the_total(recorded):
    checked = 0
    for record in recorded(*CHATS, ok=True):
        want = expected(record).get("total")
        used = fold(events_of(record)).usage
        if want is not None:
            assert used is not None
            assert used.input_tokens + used.output_tokens == want, record.id
            checked += 1
    assert checked > 300


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_streams_give_the_same_events_however_they_are_cut(chunking, recorded):
    records = [r for r in recorded("streamGenerateContent", ok=True) if r.response.is_streamed]
    assert {r.response.stream_format for r in records} == {"sse", "json-array"}
    for record in records:
        assert streamed(record.response.body, chunking) == events_of(record), record.id


def test_streams_give_the_same_events_byte_by_byte(recorded):
    for record in recorded("streamGenerateContent", ok=True):
        body = record.response.body
        assert streamed(body, "bytes") == events_of(record), record.id


def test_a_stream_cut_before_its_last_reason_is_never_a_success(recorded):
    for record in recorded("streamGenerateContent", ok=True):
        body = record.response.body
        found = [match.start() for match in re.finditer(rb'"finishReason"', body)]
        for cut in (0, 1, found[-1] // 2, found[-1], found[-1] + 20):
            events = streamed(body[:cut], "random:5")
            assert isinstance(events[-1], Broken), (record.id, cut)
            assert not any(isinstance(event, Finish) for event in events)


def test_line_ends_of_any_kind_are_read():
    chunk = {
        "candidates": [{"content": {"parts": [{"text": "é"}]}, "finishReason": "STOP"}],
        "responseId": "r",
    }
    data = json.dumps(chunk, ensure_ascii=False).encode()
    replies = [
        fold(streamed(body, "bytes"))
        for body in (
            b"data: " + data + b"\r\n\r\n",
            b"data: " + data + b"\n\n",
            b"\n[" + data + b"\n,\r\n" + data + b"]",
            data,
        )
    ]
    assert [reply.text for reply in replies] == ["é", "é", "éé", "é"]


def test_an_array_cutter_is_not_misled_by_braces_in_text():
    text = b'[{"a": "}]\\"[{", "b": [{"c": 1}]}, {"d": "\\\\"}]'
    for size in (1, 2, 3, 100):
        cutter = ArrayCutter()
        found = [
            json.loads(one)
            for at in range(0, len(text), size)
            for one in cutter.feed(text[at : at + size])
        ]
        assert found == [{"a": '}]"[{', "b": [{"c": 1}]}, {"d": "\\"}]
        assert cutter.close() == []


def _reply(**candidate: Any) -> Any:
    return fold(gemini.decode_reply(json.dumps({"candidates": [candidate]}).encode()))


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("LATER_INVENTION", "other"),
    ],
)
def test_finish_reasons(native, reason):
    reply = _reply(finishReason=native, finishMessage="why")
    assert reply.choices[0].finish.reason == reason
    assert reply.choices[0].finish.extra["finishMessage"] == "why"


def test_a_stop_with_calls_waits_for_their_results():
    part = {"functionCall": {"name": "f"}}
    reply = _reply(content={"parts": [part]}, finishReason="STOP")
    assert reply.choices[0].finish.reason == "tool_calls"
    assert reply.choices[0].tool_calls[0].arguments == "{}"


def test_a_refused_prompt_is_an_answer_that_was_filtered():
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "responseId": "r"}
    for reply in (
        fold(gemini.decode_reply(json.dumps(body).encode())),
        fold(streamed(b"data: " + json.dumps(body).encode() + b"\n\n", "bytes")),
    ):
        finish = reply.choices[0].finish
        assert finish is not None
        assert (finish.reason, finish.native) == ("content_filter", "PROHIBITED_CONTENT")
        assert reply.fault is None


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"candidates": []}', b"<html>", b'{"candidates"'])
def test_a_body_without_an_answer_breaks(body):
    assert fold(gemini.decode_reply(body)).fault is not None


def test_an_error_inside_a_stream_breaks_it():
    error = {"error": {"code": 503, "message": "overloaded, try later", "status": "UNAVAILABLE"}}
    for body in (b"data: %s\r\n\r\n", b"[%s]", b"[{}\n,%s]"):
        fault = fold(streamed(body % json.dumps(error).encode(), "bytes")).fault
        assert fault is not None
        assert (fault.kind, fault.cause, fault.message) == (
            "error_event",
            "overloaded",
            "overloaded, try later",
        )


def test_images_in_a_reply_are_image_parts():
    part = {"inlineData": {"mimeType": "image/png", "data": "_-8="}, "thoughtSignature": "c2ln"}
    reply = _reply(content={"parts": [part]}, finishReason="STOP")
    carrier, image = reply.choices[0].parts
    assert (image.kind, image.media.mime, image.media.data_b64) == ("image", "image/png", "/+8=")
    assert carrier.signature == "c2ln"


def test_sources_are_citations_of_the_text():
    reply = _reply(
        content={"parts": [{"text": "Paris."}]},
        finishReason="STOP",
        groundingMetadata={
            "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
            "groundingSupports": [{"segment": {"endIndex": 6}, "groundingChunkIndices": [0]}],
        },
        citationMetadata={"citations": [{"uri": "https://b", "startIndex": 1, "endIndex": 3}]},
    )
    found = reply.choices[0].parts[0].citations
    assert [(one["url"], one.get("title")) for one in found] == [
        ("https://a", "A"),
        ("https://b", None),
    ]


def test_a_later_snapshot_with_a_total_replaces_the_earlier_one():
    texts = [
        {
            "usageMetadata": {
                "promptTokenCount": 9,
                "candidatesTokenCount": 5,
                "totalTokenCount": 14,
            }
        },
        {
            "candidates": [{"finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 20,
                "thoughtsTokenCount": 4,
                "totalTokenCount": 24,
            },
        },
    ]
    body = b"".join(b"data: %s\n\n" % json.dumps(text).encode() for text in texts)
    events = streamed(body, "whole")
    assert sum(isinstance(event, Used) for event in events) == 2
    used = fold(events).usage
    assert used is not None
    assert (used.input_tokens, used.output_tokens, used.output_reasoning) == (20, 4, 4)


def test_modalities_have_buckets_of_their_own():
    used = gemini.usage(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 50},
                {"modality": "AUDIO", "tokenCount": 50},
            ],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}],
            "toolUsePromptTokenCount": 7,
            "candidatesTokenCount": 30,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 25}],
            "thoughtsTokenCount": 3,
            "totalTokenCount": 140,
        }
    )
    assert (used.input_fresh, used.cache_read, used.output_text, used.output_reasoning) == (
        57,
        40,
        5,
        3,
    )
    assert dict(used.media) == {"audio_in": 10, "image_out": 25}
    assert used.input_tokens + used.output_tokens == 140


def test_arguments_that_come_in_pieces_are_put_together():
    calls: list[dict[str, Any]] = [
        {"name": "f", "id": "own", "willContinue": True},
        {
            "partialArgs": [{"jsonPath": "$.a.b", "stringValue": "New", "willContinue": True}],
            "willContinue": True,
        },
        {
            "partialArgs": [
                {"jsonPath": "$.a.b", "stringValue": " Delhi"},
                {"jsonPath": "$.list[0]", "numberValue": 4},
                {"jsonPath": "$.list[1].c", "boolValue": True},
                {"jsonPath": "$.none", "nullValue": "NULL_VALUE"},
            ],
            "willContinue": True,
        },
        {},
        {"name": "g"},
    ]
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [{"functionCall": call}]}}]} for call in calls
    ]
    chunks[0]["candidates"][0]["content"]["parts"][0]["thoughtSignature"] = "c2ln"
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    body = b"".join(b"data: %s\r\n\r\n" % json.dumps(chunk).encode() for chunk in chunks)
    reply = fold(streamed(body, "random:1"))
    first, second = reply.choices[0].tool_calls
    assert (first.name, first.id, second.name) == ("f", "own", "g")
    assert json.loads(first.arguments or "") == {
        "a": {"b": "New Delhi"},
        "list": [4, {"c": True}],
        "none": None,
    }
    assert reply.choices[0].parts[0].signature == "c2ln"
