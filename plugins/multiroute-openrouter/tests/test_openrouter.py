"""The OpenRouter adapter."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from multiroute_core.api import Head, Target, fold
from multiroute_core.testing import Recordings
from multiroute_core.testing.normalise import normalise_json
from multiroute_core.wire import chat, images, messages
from multiroute_openrouter import OpenRouterProvider, OpenRouterSettings

_TARGET = Target("openrouter:u", "openrouter", "u", "lab/m", "https://openrouter.ai/api/v1", "k")


class _Runtime:
    instance = "openrouter"
    base_url = "https://openrouter.ai/api/v1"
    credentials = ("k",)

    def secret(self, credential: str) -> str:
        return "key"

    def now_s(self) -> float:
        return 1741305590.0

    async def fetch(self, request: Any) -> Any:
        raise AssertionError("nothing is fetched")


def _provider(**settings: Any) -> OpenRouterProvider:
    return OpenRouterProvider(OpenRouterSettings(**settings), _Runtime())


@pytest.fixture(scope="module")
def recorded(shared: Any) -> Recordings:
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return Recordings.load(folder, provider="openrouter", api="chat.completions")


def test_recorded_requests_are_sent_as_they_were(recorded: Recordings) -> None:
    for one in recorded:
        doc = json.loads(one.request.body)
        call = chat.decode_call(doc)
        wanted = normalise_json({**doc, "model": "u"})
        encoded = _provider().encode(call, _TARGET)
        assert encoded.losses == ()
        assert normalise_json(json.loads(encoded.request.body)) == wanted, one.id
        relay = _provider().relay(call, _TARGET)
        assert relay is not None
        passed = {k: v for k, v in doc.items() if k not in relay.drop} | dict(relay.put)
        assert normalise_json(json.loads(json.dumps(passed))) == wanted


def test_the_reported_cost_is_the_recorded_one(recorded: Recordings) -> None:
    told = 0
    for one in recorded.where(lambda one: b'"cost"' in one.response.body):
        if one.response.is_streamed:
            decoder = _provider().decoder(Head(200, ()), None)
            reply = fold([*decoder.feed(one.response.body), *decoder.close()])
        else:
            reply = fold(_provider().decode(Head(200, ()), one.response.body, None))
        assert reply.usage is not None
        assert reply.usage.native is not None
        cost = Decimal(str(reply.usage.native["cost"]))
        assert reply.usage.reported_cost_pusd == int(cost * 10**12)
        told += 1
    assert told > 50


def test_the_provider_behind_it_is_kept(recorded: Recordings) -> None:
    one = next(iter(recorded.where(lambda one: one.response.status == 200)))
    doc = json.loads(one.response.body) if not one.response.is_streamed else None
    if doc is not None:
        reply = fold(_provider().decode(Head(200, ()), one.response.body, None))
        assert reply.extra["provider"] == doc["provider"]


def test_application_headers() -> None:
    call = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "a"}]})
    headers = _provider(referer="https://a", title="A").encode(call, _TARGET).request.headers
    assert (b"http-referer", b"https://a") in headers
    assert (b"x-title", b"A") in headers


def test_thinking_that_another_provider_signed_goes_back_in_openrouters_words() -> None:
    block = {"type": "thinking", "thinking": "t", "signature": "s"}
    doc = {
        "model": "m",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [{"role": "assistant", "content": [block, {"type": "text", "text": "b"}]}],
    }
    sent = json.loads(_provider().encode(messages.decode_call(doc), _TARGET).request.body)
    assert sent["reasoning"]["max_tokens"] == 2000
    [detail] = sent["messages"][0]["reasoning_details"]
    assert (detail["format"], detail["text"], detail["signature"]) == (
        "anthropic-claude-v1",
        "t",
        "s",
    )


def test_what_the_provider_behind_it_said_is_in_the_message() -> None:
    error = {"code": 429, "message": "Provider returned error"}
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1741305600000"}
    error["metadata"] = {"raw": "try later", "headers": headers}  # type: ignore[assignment]  # JSON
    fault = _provider().classify(Head(429, ()), json.dumps({"error": error}).encode())
    assert fault.message == "Provider returned error: try later"
    assert (fault.kind, fault.retry_after_s) == ("rate_limited", 10.0)


@pytest.mark.parametrize("operation", ["images", "image_edits"])
def test_images_are_made_and_edited_at_one_address(operation: Any) -> None:
    doc = {"model": "m", "prompt": "green", "image": {"url": "https://a/b.png"}}
    request = _provider().encode(images.decode_call(operation, doc), _TARGET).request
    assert request.url == "https://openrouter.ai/api/v1/images"
    assert json.loads(request.body)["input_references"] == [
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    ]
