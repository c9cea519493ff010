"""The Gemini format towards clients: replies of this and other families, whole and streamed."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import openai
import pytest

from multiroute_core.api import (
    ClientError,
    Delta,
    Embeddings,
    Fault,
    Finish,
    Part,
    PartEnd,
    PartStart,
    Reply,
    Start,
    TokenCount,
    Usage,
    Used,
    fold,
)
from multiroute_core.wire import chat
from multiroute_google import gemini
from multiroute_google.extension import GoogleExtension

ASKED = {"contents": [{"parts": [{"text": "hi"}]}], "model": "models/m"}


def asking(**routed: Any) -> Any:
    return gemini.GeminiDialect().call("chat", {**ASKED, **routed}, ())


def read_stream(data: bytes) -> Any:
    decoder = gemini.GeminiDecoder()
    return fold([*decoder.feed(data), *decoder.close()])


def told(reply: Any) -> Any:
    """What must be equal: text parts joined, since a stream has no borders between them."""
    choice = reply.choices[0]
    rest = [
        (p.kind, p.text, p.id, p.name, p.arguments, p.signature, p.media, p.content, p.extra)
        for p in choice.parts
        if p.kind != "text"
    ]
    return choice.text, rest, choice.finish, reply.id, reply.model


def test_recorded_replies_come_through_the_own_dialect_unchanged(recorded):
    dialect = gemini.GeminiDialect()
    for record in recorded("generateContent", "streamGenerateContent", ok=True):
        body = record.response.body
        reply = (
            read_stream(body) if record.response.is_streamed else fold(gemini.decode_reply(body))
        )
        if not reply.choices[0].parts:
            continue
        again, losses = dialect.reply(reply, asking())
        assert told(fold(gemini.decode_reply(again))) == told(reply), record.id
        assert losses == ()


@pytest.mark.parametrize("alt", ["sse", None])
def test_recorded_replies_stream_through_the_own_dialect_unchanged(alt, recorded):
    dialect = gemini.GeminiDialect()
    for record in recorded("streamGenerateContent", ok=True):
        decoder = gemini.GeminiDecoder()
        events = [*decoder.feed(record.response.body), *decoder.close()]
        writer = dialect.writer(asking(stream=True, alt=alt))
        data = b"".join(writer.feed([event]) for event in events) + writer.close()
        if alt is None:
            assert isinstance(json.loads(data), list)
        assert told(read_stream(data)) == told(fold(events)), record.id
        assert read_stream(data).usage == fold(events).usage


def foreign_events() -> list[Any]:
    return [
        Start("r", "other"),
        PartStart(0, Part("thinking", origin="messages")),
        Delta(0, "thinking", "hm"),
        Delta(0, "signature", "foreign"),
        PartEnd(0),
        PartStart(1, Part("text", origin="messages")),
        Delta(1, "text", "Par"),
        Delta(1, "text", "is"),
        Delta(1, "citation", {"url": "https://a", "title": "A"}),
        PartEnd(1),
        PartStart(2, Part("tool_call", id="toolu_1", name="f", arguments="")),
        Delta(2, "arguments", '{"n":'),
        Delta(2, "arguments", "1}"),
        PartEnd(2),
        Used(Usage(input_fresh=5, cache_read=2, output_text=3, output_reasoning=4)),
        Finish("tool_calls", "tool_use"),
    ]


def test_an_answer_of_another_family_reads_as_a_gemini_answer():
    dialect = gemini.GeminiDialect()
    body, losses = dialect.reply(fold(foreign_events()), asking())
    writer = dialect.writer(asking(stream=True, alt="sse"))
    data = writer.feed(foreign_events()) + writer.close()
    for reply in (json.loads(body), _collected(data)):
        candidate = reply["candidates"][0]
        assert candidate["content"]["parts"] == [
            {"text": "hm", "thought": True},
            {"text": "Paris"},
            {"functionCall": {"name": "f", "args": {"n": 1}, "id": "toolu_1"}},
        ]
        assert candidate["finishReason"] == "STOP"
        assert candidate["citationMetadata"]["citations"][0]["uri"] == "https://a"
        assert reply["usageMetadata"]["totalTokenCount"] == 14
        assert reply["usageMetadata"]["cachedContentTokenCount"] == 2
    assert [loss.what for loss in losses] == ["thinking signature"]
    assert [loss.what for loss in writer.losses()] == ["thinking signature"]


def _collected(data: bytes) -> dict[str, Any]:
    parts: list[Any] = []
    last: dict[str, Any] = {}
    for line in data.decode().splitlines():
        if line.startswith("data: "):
            last = json.loads(line[6:])
            for part in last["candidates"][0]["content"].get("parts", []):
                if parts and part.keys() == parts[-1].keys() == {"text"}:
                    parts[-1] = {"text": parts[-1]["text"] + part["text"]}
                else:
                    parts.append(part)
    last["candidates"][0]["content"]["parts"] = parts
    return last


def test_a_break_is_told_in_the_framing_of_the_stream():
    fault = Fault("overloaded", "busy")
    writer = gemini.GeminiDialect().writer(asking(stream=True))
    data = writer.feed([Start("r", "m"), PartStart(0, Part("text")), Delta(0, "text", "a")])
    chunks = json.loads(data + writer.fail(fault))
    assert chunks[-1]["error"]["status"] == "UNAVAILABLE"
    assert read_stream(json.dumps(chunks).encode()).fault.cause == "overloaded"


def test_errors_have_the_vendors_shape():
    error = ClientError(404, "model_not_found", "no such model", "not_found")
    body = json.loads(gemini.GeminiDialect().error(error))
    assert body["error"]["code"] == 404
    assert body["error"]["status"] == "NOT_FOUND"
    assert body["error"]["message"] == "no such model"


def test_counts_and_vectors_are_told_in_the_form_of_the_request():
    dialect = gemini.GeminiDialect()
    counting = dialect.call("count_tokens", {**ASKED, "generateContentRequest": ASKED}, ())
    body, _ = dialect.reply(Reply("", "", (), result=TokenCount(7)), counting)
    assert json.loads(body) == {"totalTokens": 7}
    content = {"parts": [{"text": "a"}]}
    vectors = Embeddings(((0.5, 1.0),))
    for doc, want in (
        ({"content": content}, {"embedding": {"values": [0.5, 1.0]}}),
        ({"requests": [{"content": content}]}, {"embeddings": [{"values": [0.5, 1.0]}]}),
    ):
        call = dialect.call("embeddings", {**doc, "model": "m"}, ())
        assert call.body.inputs == ("a",)
        told_body, _ = dialect.reply(Reply("", "", (), result=vectors), call)
        assert json.loads(told_body) == want


def test_model_and_stream_come_from_the_path():
    call = asking(stream=True, alt="sse")
    assert (call.model, call.stream, call.wire) == ("m", True, "gemini")
    assert not gemini.is_array(call)
    assert gemini.is_array(asking(stream=True))


def test_the_paths_of_the_api_are_declared():
    extension = GoogleExtension()
    found = {
        (route.path.rpartition(":")[2], route.query, route.operation)
        for route in extension.endpoints()
    }
    assert ("streamGenerateContent", (("alt", "sse"),), "chat") in found
    assert ("countTokens", (), "count_tokens") in found
    assert [dialect.wire for dialect in extension.dialects()] == ["gemini"]


def _client(body: bytes, kind: str) -> openai.OpenAI:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, headers={"content-type": kind}, stream=httpx.ByteStream(body), request=request
        )

    return openai.OpenAI(
        api_key="k",
        base_url="http://127.0.0.1/v1",
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
        max_retries=0,
    )


def test_recorded_replies_load_in_the_official_chat_client(recorded):
    fields: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    dialect = chat.ChatDialect()
    for record in recorded("generateContent", "streamGenerateContent", ok=True):
        body = record.response.body
        if record.response.is_streamed:
            decoder = gemini.GeminiDecoder()
            events = [*decoder.feed(body), *decoder.close()]
        else:
            events = gemini.decode_reply(body)
        reply = fold(events)
        want = [(p.name, json.loads(p.arguments or "")) for p in reply.choices[0].tool_calls]
        whole, _ = dialect.reply(reply, chat.decode_call(fields))
        client = _client(whole, "application/json")
        message = client.chat.completions.create(**fields).choices[0].message
        assert (message.content or "") == reply.text, record.id
        calls = message.tool_calls or []
        assert [(c.function.name, json.loads(c.function.arguments)) for c in calls] == want
        writer = dialect.writer(chat.decode_call({**fields, "stream": True}))
        data = b"".join(writer.feed([event]) for event in events) + writer.close()
        client = _client(data, "text/event-stream")
        text = io.StringIO()
        for chunk in client.chat.completions.create(**fields, stream=True):
            text.write((chunk.choices[0].delta.content or "") if chunk.choices else "")
        assert text.getvalue() == reply.text, record.id
