"""InvokeModel: requests there and back, replies against an extraction of their own."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest

from multiroute_aws_bedrock import BedrockProvider, invoke
from multiroute_core.api import (
    Broken,
    Call,
    CannotEncode,
    ChatBody,
    EmbedBody,
    Embeddings,
    Event,
    Head,
    Message,
    Part,
    Ranking,
    RerankBody,
    fold,
    plain,
)
from multiroute_core.testing import Recording, normalise_json, split_body


def _json(document: object) -> Any:
    return json.loads(orjson.dumps(document, default=plain))


def _head(item: Recording) -> Head:
    pairs = tuple((k.encode(), v.encode()) for k, v in item.response.headers)
    return Head(item.response.status, pairs)


def _payloads(body: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    at = 0
    while at < len(body):
        total, headers = struct.unpack_from(">II", body, at)
        outer = json.loads(body[at + 12 + headers : at + total - 4])
        at += total
        yield json.loads(base64.b64decode(outer["bytes"])), at


def _read(provider: BedrockProvider, head: Head, pieces: Sequence[bytes]) -> list[Event]:
    decoder = provider.decoder(head, None)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def test_recorded_requests_come_back_as_they_were(
    recorded: Callable[..., list[Recording]],
) -> None:
    for item in recorded("invoke", "invoke-stream"):
        if item.request.is_redacted:
            continue
        document = json.loads(item.request.body)
        model = item.model or ""
        call = invoke.decode_call(document, model=model, stream=item.api.endswith("stream"))
        written, losses = invoke.encode_call(call, model, 4096)
        assert normalise_json(_json(written)) == normalise_json(document), item.id
        assert losses == (), item.id


def _text_of(doc: dict[str, Any]) -> str:
    """The text of a whole body, or of one chunk, of any of the makers."""
    for name in ("generation", "completion", "outputText"):
        if isinstance(doc.get(name), str):
            return str(doc[name])
    if "output" in doc:
        return "".join(b.get("text", "") for b in doc["output"]["message"]["content"])
    if isinstance(doc.get("content"), list):
        return "".join(b.get("text", "") for b in doc["content"])
    if "contentBlockDelta" in doc:
        return str(doc["contentBlockDelta"]["delta"].get("text", ""))
    if doc.get("type") == "content_block_delta":
        return str(doc["delta"].get("text", ""))
    if "generations" in doc:
        return "".join(g["text"] for g in doc["generations"])
    if "results" in doc:
        return "".join(r["outputText"] for r in doc["results"])
    if "choices" in doc:
        return "".join(c.get("text") or c.get("message", {}).get("content") for c in doc["choices"])
    return str(doc.get("text", ""))


def _calls_of(doc: dict[str, Any]) -> list[tuple[str, str, Any]]:
    blocks = doc.get("content") if isinstance(doc.get("content"), list) else []
    return [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"]


def test_recorded_replies_say_what_their_bodies_say(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("invoke", ok=True):
        doc = json.loads(item.response.body)
        head = _head(item)
        reply = fold(provider.decode(head, item.response.body, None))
        assert reply.fault is None, item.id
        if "embed" in (item.model or ""):
            assert isinstance(reply.result, Embeddings), item.id
            told = doc.get("embedding") or doc["embeddings"][0]
            first = told["embedding"] if isinstance(told, dict) else told
            assert list(reply.result.vectors[0]) == first
        elif "rerank" in (item.model or ""):
            assert isinstance(reply.result, Ranking), item.id
            told = [(r["index"], r["relevance_score"]) for r in doc["results"]]
            assert [(r.index, r.score) for r in reply.result.results] == told
            continue
        else:
            assert "".join(choice.text for choice in reply.choices) == _text_of(doc), item.id
            calls = [
                (c.id, c.name, json.loads(c.arguments or "")) for c in reply.choices[0].tool_calls
            ]
            assert calls == _calls_of(doc), item.id
            assert all(choice.finish for choice in reply.choices)
        assert reply.usage is not None, item.id
        for name, ours in (
            ("input", reply.usage.input_fresh),
            ("output", reply.usage.output_text or 0),
            ("cache-read-input", reply.usage.cache_read),
        ):
            text = head.header(f"x-amzn-bedrock-{name}-token-count")
            assert text is None or int(text) == ours, (item.id, name)


def test_recorded_streams_say_what_their_chunks_say(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("invoke-stream", ok=True):
        chunks = [chunk for chunk, _ in _payloads(item.response.body)]
        reply = fold(_read(provider, _head(item), [item.response.body]))
        assert reply.fault is None, item.id
        expected = "".join(_text_of(chunk) for chunk in chunks)
        assert "".join(choice.text for choice in reply.choices) == expected, item.id
        names = [
            block.get("name")
            for chunk in chunks
            for block in (
                chunk.get("content_block", {}),
                chunk.get("contentBlockStart", {}).get("start", {}).get("toolUse", {}),
            )
            if block.get("name")
        ]
        assert [call.name for call in reply.choices[0].tool_calls] == names, item.id
        for call in reply.choices[0].tool_calls:
            json.loads(call.arguments or "")
        # Words of one text come as one part, though Nova gives each a block of its own.
        texts = [part for part in reply.choices[0].parts if part.kind == "text"]
        assert len(texts) <= 2, item.id
        metrics = chunks[-1].get("amazon-bedrock-invocationMetrics")
        assert reply.usage is not None
        if metrics is not None:
            assert reply.usage.input_tokens == metrics["inputTokenCount"], item.id
            assert reply.usage.output_tokens >= metrics["outputTokenCount"], item.id


def test_recorded_streams_are_the_same_however_they_are_cut(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("invoke-stream", ok=True):
        whole = _read(provider, _head(item), [item.response.body])
        for mode in ("bytes", "awkward", "random:1", "random:2", "random:3"):
            pieces = split_body(item.response.body, mode)
            assert _read(provider, _head(item), pieces) == whole, (item.id, mode)


def _finishes(chunk: dict[str, Any]) -> bool:
    if chunk.get("type") == "message_delta" or "messageStop" in chunk:
        return True
    reasons = ("stop_reason", "completionReason", "finish_reason")
    return any(chunk.get(name) for name in reasons) or "totalOutputTextTokenCount" in chunk


def test_a_stream_cut_before_its_finish_is_broken_and_complete_after_it(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("invoke-stream", ok=True):
        body = item.response.body
        end = next(at for chunk, at in _payloads(body) if _finishes(chunk))
        for cut in {*range(0, end, max(1, end // 150)), end - 1}:
            last = _read(provider, _head(item), [body[:cut]])[-1]
            assert isinstance(last, Broken), (item.id, cut)
        events = _read(provider, _head(item), [body[:end]])
        assert not any(isinstance(event, Broken) for event in events), item.id


def test_a_count_of_a_messages_body_is_read_and_written(
    recorded: Callable[..., list[Recording]],
) -> None:
    seen = 0
    for item in recorded("count-tokens"):
        document = json.loads(item.request.body)
        call = invoke.decode_count(document, model=item.model or "")
        if call is None:
            continue
        written, losses = invoke.encode_count(call, item.model or "", 4096)
        packed = [base64.b64decode(d["input"]["invokeModel"]["body"]) for d in (document, written)]
        first, second = (normalise_json(json.loads(body)) for body in packed)
        assert first == second
        assert losses == ()
        seen += 1
    assert seen


def _call(body: Any, wire: str = "chat", operation: Any = "chat") -> Call:
    return Call(operation, "m", wire, False, body, {})


def test_a_prompt_model_takes_one_text_and_no_conversation() -> None:
    one = ChatBody(
        (Message("user", (Part("text", "Hi"),)),), max_output=9, stop=("|",), params={"seed": 1}
    )
    system = ChatBody((Message("system", (Part("text", "S"),)), *one.messages))

    document, losses = invoke.encode_call(_call(one), "meta.llama3-8b-instruct-v1:0", 4096)

    assert document == {"prompt": "Hi", "max_gen_len": 9}
    assert [loss.path for loss in losses] == ["stop", "seed"]
    with pytest.raises(CannotEncode):
        invoke.encode_call(_call(system), "meta.llama3-8b-instruct-v1:0", 4096)


def test_embeddings_go_out_in_each_makers_body() -> None:
    body = EmbedBody(("a", "b"), dimensions=256, task="query")
    one = EmbedBody(("a",), dimensions=256)

    cohere, _ = invoke.encode_call(_call(body, "embeddings"), "cohere.embed-v4:0", 1)
    titan, _ = invoke.encode_call(_call(one, "embeddings"), "amazon.titan-embed-text-v2:0", 1)
    nova, _ = invoke.encode_call(
        _call(one, "embeddings"), "amazon.nova-2-multimodal-embeddings-v1:0", 1
    )

    assert cohere == {
        "texts": ["a", "b"],
        "input_type": "search_query",
        "output_dimension": 256,
    }
    assert titan == {"inputText": "a", "dimensions": 256}
    assert nova["singleEmbeddingParams"] == {
        "embeddingPurpose": "GENERIC_INDEX",
        "embeddingDimension": 256,
        "text": {"value": "a", "truncationMode": "END"},
    }
    with pytest.raises(CannotEncode):
        invoke.encode_call(_call(body, "embeddings"), "amazon.titan-embed-text-v2:0", 1)


def test_a_rerank_goes_out_with_the_makers_version() -> None:
    body = RerankBody("q", ("a", "b"), top_n=1, return_documents=True)

    document, losses = invoke.encode_call(_call(body, "rerank"), "cohere.rerank-v3-5:0", 1)

    assert document == {"query": "q", "documents": ["a", "b"], "top_n": 1, "api_version": 2}
    assert [loss.path for loss in losses] == ["return_documents"]


@pytest.mark.parametrize(
    ("doc", "text", "reason"),
    [
        ({"generation": "a", "stop_reason": "stop"}, "a", "stop"),
        ({"outputs": [{"text": "a", "stop_reason": "length"}]}, "a", "length"),
        ({"choices": [{"text": "a", "stop_reason": "stop"}]}, "a", "stop"),
        ({"completion": "a", "stop_reason": "max_tokens"}, "a", "length"),
        (
            {"completions": [{"data": {"text": "a"}, "finishReason": {"reason": "endoftext"}}]},
            "a",
            "stop",
        ),
        (
            {"results": [{"outputText": "", "completionReason": "CONTENT_FILTERED"}]},
            "",
            "content_filter",
        ),
        ({"text": "a", "finish_reason": "ERROR_TOXIC"}, "a", "content_filter"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}, "a", "stop"),
    ],
)
def test_whole_bodies_of_other_makers_are_read(
    provider: BedrockProvider, doc: dict[str, Any], text: str, reason: str
) -> None:
    reply = fold(provider.decode(Head(200, ()), json.dumps(doc).encode(), None))

    assert reply.text == text
    assert reply.choices[0].finish is not None
    assert reply.choices[0].finish.reason == reason


def test_tool_calls_of_coheres_chat_get_ids(provider: BedrockProvider) -> None:
    doc = {
        "text": "",
        "generation_id": "g",
        "finish_reason": "COMPLETE",
        "tool_calls": [{"name": "f", "parameters": {"a": 1}}, {"name": "f", "parameters": {}}],
    }

    reply = fold(provider.decode(Head(200, ()), json.dumps(doc).encode(), None))

    calls = reply.choices[0].tool_calls
    assert [(c.name, c.arguments) for c in calls] == [("f", '{"a":1}'), ("f", "{}")]
    assert len({c.id for c in calls}) == 2
