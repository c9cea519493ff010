"""The adapter picks the format that a model takes, and reads the reply in it."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import pytest
from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    CannotEncode,
    Embeddings,
    Head,
    Target,
    UpstreamRequest,
    fold,
)
from multiroute_core.wire import chat, embeddings, rerank, responses
from multiroute_openai import OpenAIProvider, OpenAISettings

_CHAT = chat.decode_call({"model": "x", "messages": [{"role": "user", "content": "hi"}]})
_RESPONSES = responses.decode_call({"model": "x", "input": "hi"})
_CHAT_REPLY = {"id": "c", "choices": [{"message": {"content": "yo"}, "finish_reason": "stop"}]}
_RESPONSES_REPLY = {
    "id": "r",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "yo"}]}],
}
_REPLIES: dict[str, dict[str, Any]] = {"chat": _CHAT_REPLY, "responses": _RESPONSES_REPLY}
_PATHS = {"chat": "/chat/completions", "responses": "/responses"}


class _Runtime:
    instance = "openai"
    base_url = "https://api.openai.com/v1"
    credentials = ("default",)

    def secret(self, credential: str) -> str:
        return f"key-{credential}"

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        raise AssertionError("nothing to fetch")

    @property
    def now_s(self) -> Callable[[], float]:
        return lambda: 0.0


@pytest.fixture
def provider() -> OpenAIProvider:
    return OpenAIProvider(OpenAISettings(), _Runtime())


def _target(*wires: str) -> Target:
    url = "https://api.openai.com/v1"
    return Target("openai:up", "openai", "up", "m", url, "default", wires)


@pytest.mark.parametrize(
    ("call", "wires", "sent"),
    [
        (_CHAT, ("chat", "responses"), "chat"),
        (_CHAT, ("responses",), "responses"),
        (_CHAT, ("chat",), "chat"),
        (_CHAT, (), "chat"),
        (_RESPONSES, ("chat", "responses"), "responses"),
        (_RESPONSES, ("responses",), "responses"),
        (_RESPONSES, ("chat",), "chat"),
        (_RESPONSES, (), "responses"),
    ],
)
def test_a_call_is_sent_in_a_format_that_the_model_takes_and_read_in_it(
    provider: OpenAIProvider, call: Call, wires: tuple[str, ...], sent: str
) -> None:
    encoded = provider.encode(call, _target(*wires))
    assert encoded.request.url == f"https://api.openai.com/v1{_PATHS[sent]}"
    document = json.loads(encoded.request.body)
    assert document["model"] == "up"
    assert ("input" in document) == (sent == "responses")
    assert encoded.losses == ()
    body = json.dumps(_REPLIES[sent]).encode()
    assert fold(provider.decode(Head(200, ()), body, encoded.memo)).text == "yo"


@pytest.mark.parametrize("call", [_CHAT, _RESPONSES], ids=["chat", "responses"])
def test_a_document_is_passed_on_to_its_own_endpoint(provider: OpenAIProvider, call: Call) -> None:
    relay = provider.relay(call, _target("chat", "responses"))
    assert relay is not None
    assert relay.url == f"https://api.openai.com/v1{_PATHS[call.wire]}"
    assert relay.put == {"model": "up"}
    body = json.dumps(_REPLIES[call.wire]).encode()
    assert fold(provider.decode(Head(200, ()), body, relay.memo)).text == "yo"


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_a_stream_is_read_in_the_format_of_the_request(provider: OpenAIProvider, wire: str) -> None:
    memo = provider.encode(_CHAT, _target(wire)).memo
    chunk: dict[str, Any] = {"id": "c", "choices": [{"index": 0, "delta": {"content": "yo"}}]}
    ends: dict[str, Any] = {"id": "c", "choices": [{"index": 0, "finish_reason": "stop"}]}
    docs = [chunk, ends]
    if wire == "responses":
        docs = [{"type": "response.completed", "response": _RESPONSES_REPLY}]
    decoder = provider.decoder(Head(200, ()), memo)
    body = b"".join(b"data: " + json.dumps(doc).encode() + b"\n\n" for doc in docs)
    reply = fold([*decoder.feed(body), *decoder.close()])
    assert reply.text == "yo"
    assert reply.fault is None


def test_usage_of_both_formats_is_read(provider: OpenAIProvider) -> None:
    assert provider.usage({"prompt_tokens": 3, "completion_tokens": 4}).input_tokens == 3
    assert provider.usage({"input_tokens": 3, "output_tokens": 4}).output_tokens == 4


def test_a_model_that_is_not_there_is_not_the_callers_fault(provider: OpenAIProvider) -> None:
    error = {"message": "no such model", "code": "model_not_found", "type": "invalid"}
    fault = provider.classify(Head(400, ()), json.dumps({"error": error}).encode())
    assert (fault.kind, fault.message) == ("not_found", "no such model")


def test_a_refused_key_is_not_repeated(provider: OpenAIProvider) -> None:
    error = {"message": "Incorrect API key provided: sk-12**34", "code": "invalid_api_key"}
    fault = provider.classify(Head(401, ()), json.dumps({"error": error}).encode())
    assert fault.kind == "upstream_auth"
    assert "sk-12" not in f"{fault}"


def test_the_key_goes_along_as_a_bearer_token(provider: OpenAIProvider) -> None:
    request = provider.encode(_CHAT, _target()).request
    sent = asyncio.run(provider.authorize(request, _target()))
    assert dict(sent.headers)[b"authorization"] == b"Bearer key-default"


def test_the_declared_formats_are_those_that_are_spoken() -> None:
    facts = tomllib.loads((files("multiroute_openai") / "plugin.toml").read_text())
    wires = facts["provider"]["openai"]["wires"]
    beside = ["embeddings", "images", "moderations", "speech", "transcriptions"]
    assert wires == ["chat", "responses", *beside]


def test_embeddings_are_passed_on_and_read(provider: OpenAIProvider) -> None:
    call = embeddings.decode_call({"model": "x", "input": "hi"})
    target = _target("chat", "embeddings")
    relay = provider.relay(call, target)
    encoded = provider.encode(call, target)
    assert relay is not None
    assert relay.url == encoded.request.url == "https://api.openai.com/v1/embeddings"
    assert json.loads(encoded.request.body) == {"model": "up", "input": "hi"}
    body = b'{"data": [{"index": 0, "embedding": [0.5]}], "model": "up"}'
    for memo in (relay.memo, encoded.memo):
        result = fold(provider.decode(Head(200, ()), body, memo)).result
        assert result == Embeddings(((0.5,),))


def test_an_operation_that_the_api_lacks_is_refused(provider: OpenAIProvider) -> None:
    call = rerank.decode_call({"model": "x", "query": "q", "documents": ["a"]})
    with pytest.raises(CannotEncode):
        provider.encode(call, _target())
    for one in (_CHAT, _RESPONSES):
        with pytest.raises(CannotEncode):
            provider.encode(replace(one, operation="count_tokens"), _target(one.wire))
