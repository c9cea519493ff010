"""Signatures survive tool loops byte for byte, through the own dialect and through chat."""

from __future__ import annotations

import json
from typing import Any

import orjson

from multiroute_core.api import Message, fold, plain
from multiroute_core.wire import chat
from multiroute_google import gemini
from multiroute_google.gemini.parts import encode_parts


def signatures(content: Any) -> list[str]:
    parts = content.get("parts", ())
    parts = [parts] if isinstance(parts, dict) else parts
    return [
        part.get("thoughtSignature") or part["thought_signature"]
        for part in parts
        if "thoughtSignature" in part or "thought_signature" in part
    ]


def test_signatures_of_recorded_requests_come_back_on_their_parts(recorded):
    checked = 0
    for record in recorded("generateContent", "streamGenerateContent"):
        doc = json.loads(record.request.body) if record.request.body else {}
        for content in doc.get("contents", ()):
            if signatures(content):
                call = gemini.decode_call({"contents": [content]})
                out, _ = gemini.encode_call(call)
                again = json.loads(orjson.dumps(out, default=plain))["contents"][0]
                assert [set(part) for part in again["parts"]] == [
                    set(part) for part in content["parts"]
                ]
                assert signatures(again) == signatures(content)
                checked += 1
    assert checked > 50


def test_a_recorded_answer_goes_back_with_the_signatures_it_came_with(recorded):
    checked = 0
    for record in recorded("generateContent", ok=True):
        doc = json.loads(record.response.body)
        for candidate in doc.get("candidates", ()):
            content = candidate.get("content", {})
            if not signatures(content):
                continue
            parts = fold(gemini.decode_reply(record.response.body)).choices[0].parts
            sent = encode_parts(parts, "messages[0]", {}, [])
            kept = [
                (part.get("thoughtSignature"), part.get("functionCall", {}).get("name"))
                for part in json.loads(orjson.dumps(sent, default=plain))
                if "thoughtSignature" in part
            ]
            assert kept == [
                (part["thoughtSignature"], part.get("functionCall", {}).get("name"))
                for part in content["parts"]
                if "thoughtSignature" in part
            ]
            checked += 1
    assert checked > 30


def _parts() -> list[dict[str, Any]]:
    return [
        {"text": "Let me see.", "thought": True},
        {"text": "I look.", "thoughtSignature": "c2lnLXRleHQ="},
        {"functionCall": {"name": "f", "args": {"n": 1}}, "thoughtSignature": "c2lnLWY="},
        {"functionCall": {"name": "g", "args": {}, "id": "own"}, "thoughtSignature": "c2lnLWc="},
    ]


def _answered(streamed: bool) -> dict[str, Any]:
    """What a chat client that keeps reasoning details holds after this answer."""
    body = {
        "candidates": [{"content": {"parts": _parts()}, "finishReason": "STOP"}],
        "responseId": "r1",
    }
    events = gemini.decode_reply(json.dumps(body).encode())
    asking = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": streamed}
    call = chat.decode_call(asking)
    dialect = chat.ChatDialect()
    if not streamed:
        told, _ = dialect.reply(fold(events), call)
        message = json.loads(told)["choices"][0]["message"]
        return dict(message)
    writer = dialect.writer(call)
    data = writer.feed(events) + writer.close()
    message = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_details": []}
    for line in data.decode().splitlines():
        if not line.startswith("data: {"):
            continue
        delta = json.loads(line[6:])["choices"][0]["delta"]
        message["content"] += delta.get("content") or ""
        message["reasoning_details"] += delta.get("reasoning_details", [])
        for one in delta.get("tool_calls", []):
            if "id" in one:
                message["tool_calls"].append({**one, "function": {**one["function"]}})
            else:
                held = message["tool_calls"][one["index"]]["function"]
                held["arguments"] += one["function"]["arguments"]
    return message


def test_a_chat_client_that_sends_reasoning_details_back_keeps_every_signature():
    for streamed in (False, True):
        message = _answered(streamed)
        call = chat.decode_call({"model": "m", "messages": [message]})
        out, _ = gemini.encode_call(call, "gemini-3-flash")
        sent = json.loads(orjson.dumps(out, default=plain))["contents"][0]["parts"]
        kept = [part for part in sent if not part.get("thought")]
        assert kept == [part for part in _parts() if not part.get("thought")], streamed


def test_a_signature_at_the_end_of_a_text_stays_at_its_end():
    body = {
        "candidates": [
            {
                "content": {"parts": [{"text": "Hi"}, {"text": "", "thoughtSignature": "ZW5k"}]},
                "finishReason": "STOP",
            }
        ]
    }
    parts = fold(gemini.decode_reply(json.dumps(body).encode())).choices[0].parts
    sent = encode_parts(parts, "m", {}, [])
    assert sent == [{"text": "Hi"}, {"text": "", "thoughtSignature": "ZW5k"}]


def test_thinking_of_another_family_is_not_sent_but_reported():
    detail = {"type": "reasoning.text", "text": "t", "signature": "s", "format": "messages"}
    message = {"role": "assistant", "content": "a", "reasoning_details": [detail]}
    call = chat.decode_call({"model": "m", "messages": [message]})
    out, losses = gemini.encode_call(call, "gemini-3-flash")
    assert out["contents"] == [{"role": "model", "parts": [{"text": "a"}]}]
    assert [loss.what for loss in losses] == ["thinking block"]


def test_messages_built_of_an_answer_need_no_document():
    parts = (
        fold(
            gemini.decode_reply(
                json.dumps(
                    {"candidates": [{"content": {"parts": _parts()}, "finishReason": "STOP"}]}
                ).encode()
            )
        )
        .choices[0]
        .parts
    )
    call = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert call.body.messages
    message = Message("assistant", parts, "gemini")
    sent = encode_parts(message.parts, "m", {}, [])
    assert json.loads(orjson.dumps(sent, default=plain)) == _parts()
