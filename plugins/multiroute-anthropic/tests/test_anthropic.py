"""The Anthropic adapter: where calls go, with which headers, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from multiroute_anthropic import AnthropicProvider, AnthropicSettings
from multiroute_core.api import (
    Call,
    CannotEncode,
    EmbedBody,
    Head,
    Provider,
    Result,
    Target,
    UpstreamRequest,
    fold,
)
from multiroute_core.testing import (
    messages_error_body,
    messages_event,
    messages_events,
    messages_reply,
)
from multiroute_core.wire import chat, messages

_TARGET = Target(
    "anthropic:claude-sonnet-4-5",
    "anthropic",
    "claude-sonnet-4-5",
    "",
    "https://api.example",
    credential="first",
)
_DOC = {"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


class _Runtime:
    instance = "anthropic"
    base_url = "https://api.example"
    credentials = ("first",)

    def secret(self, credential: str) -> str:
        return f"key of {credential}"

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        raise AssertionError("nothing is fetched")

    @property
    def now_s(self) -> Callable[[], float]:
        return lambda: 1_750_000_000.0


def _provider(**settings: Any) -> AnthropicProvider:
    made = AnthropicProvider(AnthropicSettings(**settings), _Runtime())
    as_contract: Provider = made
    assert as_contract.origin() is None
    return made


def _own(operation: Any = "chat", headers: Any = (), **fields: Any) -> Call:
    return messages.MessagesDialect().call(operation, {**_DOC, **fields}, headers)


@pytest.mark.parametrize(
    ("operation", "path"),
    [("chat", "/v1/messages"), ("count_tokens", "/v1/messages/count_tokens")],
)
def test_a_call_of_its_own_format_is_passed_on(operation: str, path: str) -> None:
    relay = _provider().relay(_own(operation), _TARGET)
    assert relay is not None
    assert relay.url == f"https://api.example{path}"
    assert relay.put == {"model": "claude-sonnet-4-5"}
    assert dict(relay.headers) == {
        b"content-type": b"application/json",
        b"anthropic-version": b"2023-06-01",
    }


def test_the_client_s_features_query_and_version_go_along() -> None:
    headers = (
        (messages.QUERY_HEADER, b"beta=true"),
        (b"anthropic-beta", b"b, c"),
        (b"anthropic-beta", b"a"),
        (b"anthropic-version", b"2099-01-01"),
    )
    provider = _provider(beta=("a", "z"))
    call = _own(headers=headers)
    relay = provider.relay(call, _TARGET)
    assert relay is not None
    for url, told in (
        (relay.url, dict(relay.headers)),
        (
            provider.encode(call, _TARGET).request.url,
            dict(provider.encode(call, _TARGET).request.headers),
        ),
    ):
        assert url == "https://api.example/v1/messages?beta=true"
        assert told[b"anthropic-beta"] == b"a,z,b,c"
        assert told[b"anthropic-version"] == b"2099-01-01"


def test_a_call_of_another_format_is_translated() -> None:
    provider = _provider(max_output=77)
    call = chat.decode_call({"model": "alias", "messages": [{"role": "user", "content": "x"}]})
    assert provider.relay(call, _TARGET) is None
    encoded = provider.encode(call, _TARGET)
    assert orjson.loads(encoded.request.body) == {
        **_DOC,
        "model": "claude-sonnet-4-5",
        "max_tokens": 77,
    }
    assert encoded.request.url == "https://api.example/v1/messages"


def test_a_count_that_cannot_be_passed_on_is_translated() -> None:
    blocks = [{"type": "thinking", "thinking": "hm", "signature": ""}]
    history = [{"role": "assistant", "content": [*blocks, {"type": "text", "text": "x"}]}]
    call = _own("count_tokens", messages=history, stream=True)
    provider = _provider()
    assert provider.relay(call, _TARGET) is None
    encoded = provider.encode(call, _TARGET)
    assert encoded.request.url.endswith("/count_tokens")
    body = orjson.loads(encoded.request.body)
    assert body.keys() == {"model", "messages"}
    assert [loss.what for loss in encoded.losses] == ["thinking block"]
    events = provider.decode(Head(200, ()), b'{"input_tokens": 5}', encoded.memo)
    (result,) = [event for event in events if isinstance(event, Result)]
    assert result.value.input_tokens == 5  # type: ignore[union-attr]  # a count


def test_another_operation_cannot_be_encoded() -> None:
    call = Call("embeddings", "m", "embeddings", False, EmbedBody(("x",)), {})
    provider = _provider()
    assert provider.relay(call, _TARGET) is None
    with pytest.raises(CannotEncode):
        provider.encode(call, _TARGET)


def test_replies_are_read_whole_and_streamed() -> None:
    provider = _provider()
    head = Head(200, ())
    whole = fold(provider.decode(head, orjson.dumps(messages_reply("hello")), "chat"))
    decoder = provider.decoder(head, "chat")
    events = [
        event for told in messages_events("hello") for event in decoder.feed(messages_event(told))
    ]
    streamed = fold([*events, *decoder.close()])
    assert whole.text == streamed.text == "hello"
    assert whole.fault is streamed.fault is None


async def _authorized(provider: AnthropicProvider, target: Target) -> UpstreamRequest:
    return await provider.authorize(UpstreamRequest("POST", "u", (), b""), target)


def test_the_key_goes_into_the_vendor_s_header_only() -> None:
    request = asyncio.run(_authorized(_provider(), _TARGET))
    assert request.headers == ((b"x-api-key", b"key of first"),)
    assert request.url == "u"


def test_a_refused_key_is_not_repeated() -> None:
    body = orjson.dumps(messages_error_body("authentication_error", "invalid x-api-key sk-ant-1"))
    fault = _provider().classify(Head(401, ()), body)
    assert fault.kind == "upstream_auth"
    assert "sk-ant" not in repr(fault)


def test_the_reset_of_the_limit_that_was_hit_is_the_pushback() -> None:
    head = Head(
        429,
        (
            (b"anthropic-ratelimit-tokens-remaining", b"0"),
            (b"anthropic-ratelimit-tokens-reset", b"2025-06-15T15:06:50Z"),
        ),
    )
    body = orjson.dumps(messages_error_body("rate_limit_error", "slow down"))
    fault = _provider().classify(head, body)
    assert fault.kind == "rate_limited"
    assert fault.retry_after_s == pytest.approx(10.0)


def test_free_server_tools_are_not_billed() -> None:
    native = {
        "input_tokens": 1,
        "output_tokens": 1,
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 3},
    }
    assert _provider().usage(native).tool_units == (("web_search_requests", 2),)
