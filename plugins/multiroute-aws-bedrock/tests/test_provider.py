"""The adapters as core drives them: which API, which URL, what clients get in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import openai
import pytest
from msgspec.structs import replace

from multiroute_aws_bedrock import (
    BedrockProvider,
    BedrockSettings,
    MantleProvider,
    MantleSettings,
    converse,
    invoke,
    multiroute_make_provider,
    multiroute_settings,
)
from multiroute_core.api import (
    Broken,
    Call,
    ChatBody,
    EmbedBody,
    Event,
    Head,
    Message,
    Part,
    Reasoning,
    Target,
    Tool,
    fold,
)
from multiroute_core.testing import Answer, EventStream, Recording, ScriptedUpstream
from multiroute_core.wire import chat, messages
from multiroute_core.wire.chat import ChatDialect

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OK = Head(200, ((b"x-amzn-requestid", b"r-1"),))


def _target(model: str, wires: tuple[str, ...] = ()) -> Target:
    return Target("t", "bedrock", model, "", "https://bedrock.example", "1", wires)


def _call(wire: str = "chat", stream: bool = False, **fields: Any) -> Call:
    body = ChatBody((Message("user", (Part("text", "Hi"),)),), **fields)
    return Call("chat", "m", wire, stream, body, {})


def _path(provider: BedrockProvider, call: Call, target: Target) -> str:
    return unquote(urlsplit(provider.encode(call, target).request.url).path)


def test_recorded_requests_go_to_the_recorded_place(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    for item in recorded("converse", "converse-stream", "invoke", "invoke-stream"):
        if item.request.is_redacted:
            continue
        model, stream = item.model or "", item.api.endswith("stream")
        document = json.loads(item.request.body)
        codec = converse if item.api.startswith("converse") else invoke
        call = codec.decode_call(document, model=model, stream=stream)
        api = "converse" if codec is converse else "invoke"
        request = provider.encode(call, _target(model, (api,))).request
        ours, theirs = urlsplit(request.url).path, urlsplit(item.request.url).path
        assert unquote(ours) == unquote(theirs), item.id
        assert ":" not in ours


def test_the_api_follows_call_offering_and_setting(
    provider: BedrockProvider, make_runtime: Any
) -> None:
    fixed = BedrockProvider(BedrockSettings(api="converse"), make_runtime(token="t"), {})
    from_chat, from_messages = _call(), _call("messages")
    embed = Call("embeddings", "m", "embeddings", False, EmbedBody(("a",)), {})

    assert _path(provider, from_chat, _target(CLAUDE)) == f"/model/{CLAUDE}/converse"
    assert _path(provider, from_messages, _target(CLAUDE)) == f"/model/{CLAUDE}/invoke"
    assert _path(fixed, from_messages, _target(CLAUDE)) == f"/model/{CLAUDE}/converse"
    assert _path(provider, from_messages, _target("qwen.x")) == "/model/qwen.x/converse"
    assert _path(provider, from_chat, _target(CLAUDE, ("invoke",))).endswith("/invoke")
    assert _path(provider, _call(stream=True), _target(CLAUDE)).endswith("/converse-stream")
    assert _path(provider, _call("messages", stream=True), _target(CLAUDE)).endswith(
        "/invoke-with-response-stream"
    )
    assert _path(fixed, embed, _target("amazon.titan-embed-text-v2:0")).endswith("/invoke")


def test_an_arn_stays_one_segment_of_the_path(provider: BedrockProvider) -> None:
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-haiku-v1:0"

    url = provider.encode(_call(), _target(arn)).request.url

    assert url.split("/model/")[1].count("/") == 1


def test_claudes_body_names_its_version_and_betas(provider: BedrockProvider) -> None:
    call = Call(
        "chat",
        "m",
        "messages",
        True,
        _call().body,
        {},
        ((b"anthropic-beta", b"one,two"),),
    )

    request = provider.encode(call, _target(CLAUDE)).request

    body = json.loads(request.body)
    assert body["anthropic_version"] == "bedrock-2023-05-31"
    assert body["anthropic_beta"] == ["one", "two"]
    assert "model" not in body
    assert "stream" not in body
    assert (b"accept", b"application/vnd.amazon.eventstream") in request.headers


def test_a_configured_guardrail_goes_along(make_runtime: Any) -> None:
    settings = BedrockSettings(guardrail="g", guardrail_version="1", guardrail_trace="enabled")
    provider = BedrockProvider(settings, make_runtime(token="t"), {})

    body = json.loads(provider.encode(_call(), _target(CLAUDE)).request.body)
    headers = provider.encode(_call("messages"), _target(CLAUDE)).request.headers

    assert body["guardrailConfig"] == {
        "guardrailIdentifier": "g",
        "guardrailVersion": "1",
        "trace": "enabled",
    }
    assert (b"x-amzn-bedrock-guardrailidentifier", b"g") in headers
    assert (b"x-amzn-bedrock-trace", b"ENABLED") in headers


def test_half_a_guardrail_is_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        BedrockSettings(guardrail="g")


@pytest.mark.parametrize("wire", ["chat", "messages"])
def test_counting_asks_for_the_foundation_model(provider: BedrockProvider, wire: str) -> None:
    call = Call("count_tokens", "m", wire, False, _call(max_output=5).body, {})

    request = provider.encode(call, _target(CLAUDE)).request

    assert unquote(request.url).endswith(f"/model/{CLAUDE.removeprefix('us.')}/count-tokens")
    kind = "converse" if wire == "chat" else "invokeModel"
    assert list(json.loads(request.body)["input"]) == [kind]
    assert "inferenceConfig" not in request.body.decode()


def test_usage_of_every_format_is_read(provider: BedrockProvider) -> None:
    for native in (
        {"inputTokens": 3, "outputTokens": 2},
        {"input_tokens": 3, "output_tokens": 2},
        {"prompt_tokens": 3, "completion_tokens": 2},
        {"inputTokenCount": 3, "outputTokenCount": 2},
    ):
        used = provider.usage(native)
        assert (used.input_tokens, used.output_tokens) == (3, 2)


def _read(provider: BedrockProvider, item: Recording) -> list[Event]:
    head = Head(200, tuple((k.encode(), v.encode()) for k, v in item.response.headers))
    if not item.response.is_streamed:
        return list(provider.decode(head, item.response.body, None))
    decoder = provider.decoder(head, None)
    return [*decoder.feed(item.response.body), *decoder.close()]


def _written(events: list[Event]) -> tuple[bytes, bytes]:
    """The reply for a chat client: whole, and as a stream."""
    dialect = ChatDialect()
    whole, _ = dialect.reply(fold(events), _call())
    writer = dialect.writer(_call(stream=True))
    return whole, writer.feed(events) + writer.close()


def test_recorded_replies_reach_the_official_client_whole_and_streamed(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    items = [
        item
        for item in recorded("converse", "converse-stream", "invoke", "invoke-stream", ok=True)
        if "embed" not in (item.model or "") and "rerank" not in (item.model or "")
    ]

    async def _run() -> None:
        answers: list[Any] = []
        expected = []
        for item in items:
            events = _read(provider, item)
            whole, stream = _written(events)
            answers.append(Answer(body=whole, headers={"content-type": "application/json"}))
            answers.append(Answer(body=EventStream(stream), chunks="whole"))
            expected.append((item.id, fold(events)))
        async with (
            ScriptedUpstream(answers) as upstream,
            openai.AsyncOpenAI(api_key="k", base_url=upstream.base_url, max_retries=0) as client,
        ):
            ask: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            for item_id, reply in expected:
                completion = await client.chat.completions.create(**ask)
                message = completion.choices[0].message
                calls = reply.choices[0].tool_calls
                assert (message.content or "") == reply.choices[0].text, item_id
                told = [
                    (c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []
                ]
                assert told == [(c.id, c.name, c.arguments) for c in calls], item_id
                texts: dict[int, str] = {}
                streamed: dict[int, list[str]] = {}
                async for chunk in await client.chat.completions.create(**ask, stream=True):
                    for choice in chunk.choices:
                        number = choice.index
                        texts[number] = texts.get(number, "") + (choice.delta.content or "")
                        for call in choice.delta.tool_calls or []:
                            parts = streamed.setdefault(call.index, ["", "", ""])
                            parts[0] += call.id or ""
                            assert call.function is not None
                            parts[1] += call.function.name or ""
                            parts[2] += call.function.arguments or ""
                assert texts.get(0, "") == reply.choices[0].text, item_id
                assert [tuple(parts) for parts in streamed.values()] == told, item_id

    asyncio.run(_run())


THOUGHT = [
    {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln+/="}}},
    {"reasoningContent": {"redactedContent": "cmVk"}},
    {"reasoningContent": {"reasoningText": {"text": "", "signature": "b21pdA=="}}},
    {"text": "Let me look."},
    {"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}},
]


@pytest.mark.parametrize("stream", [False, True])
def test_signed_thinking_survives_a_tool_loop_of_a_chat_client(
    provider: BedrockProvider, stream: bool
) -> None:
    reply = {"output": {"message": {"content": THOUGHT}}, "stopReason": "tool_use", "usage": {}}
    events = list(provider.decode(OK, json.dumps(reply).encode(), None))
    whole, streamed = _written(events)
    message = json.loads(whole)["choices"][0]["message"]
    if stream:
        chunks = [json.loads(line[6:]) for line in streamed.split(b"\n\n")[:-2]]
        details = [
            detail
            for chunk in chunks
            for detail in chunk["choices"][0]["delta"].get("reasoning_details", [])
        ]
        message["reasoning_details"] = details
    again = chat.decode_call(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "Q"},
                message,
                {"role": "tool", "tool_call_id": "1", "content": "R"},
            ],
        }
    )

    document, losses = converse.encode_call(again, CLAUDE)

    told = document["messages"]
    assert isinstance(told, list)
    blocks = [block for block in told[1]["content"] if "reasoningContent" in block]
    assert blocks == THOUGHT[:3]
    assert not any("thinking" in loss.what for loss in losses)


def test_cache_marks_of_a_messages_client_become_cache_points() -> None:
    call = messages.decode_call(
        {
            "model": "m",
            "max_tokens": 5,
            "system": [
                {"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
            ],
            "messages": [{"role": "user", "content": "Q"}],
        }
    )

    document, losses = converse.encode_call(call, CLAUDE)

    assert document["system"] == [{"text": "S"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert losses == ()


def test_the_factory_makes_the_adapter_that_is_named(make_runtime: Any) -> None:
    assert multiroute_settings("provider", "aws-bedrock") is BedrockSettings
    assert multiroute_settings("provider", "aws-bedrock-mantle") is MantleSettings
    bedrock = multiroute_make_provider("aws-bedrock", "i", None, make_runtime(token="t"))
    mantle = multiroute_make_provider("aws-bedrock-mantle", "i", None, make_runtime(token="t"))
    assert isinstance(bedrock, BedrockProvider)
    assert isinstance(mantle, MantleProvider)


def _mantle(make_runtime: Any) -> MantleProvider:
    return MantleProvider(MantleSettings(), make_runtime(token="t"), {})


def test_mantle_reads_its_recorded_replies(
    recorded: Callable[..., list[Recording]], make_runtime: Any
) -> None:
    provider = _mantle(make_runtime)
    for item in recorded("chat.completions", "responses", provider="aws-bedrock-mantle"):
        memo = "chat" if item.api == "chat.completions" else "responses"
        head = Head(200, ())
        if item.response.is_streamed:
            decoder = provider.decoder(head, memo)
            events = [*decoder.feed(item.response.body), *decoder.close()]
        else:
            events = list(provider.decode(head, item.response.body, memo))
        assert not any(isinstance(event, Broken) for event in events), item.id
        reply = fold(events)
        assert reply.choices[0].finish is not None, item.id
        assert reply.usage is not None, item.id


def test_mantle_sends_each_model_where_it_lives(
    recorded: Callable[..., list[Recording]], make_runtime: Any
) -> None:
    provider = _mantle(make_runtime)
    for item in recorded("chat.completions", "responses", provider="aws-bedrock-mantle"):
        document = json.loads(item.request.body)
        wire = "chat" if item.api == "chat.completions" else "responses"
        body = ChatBody((Message("user", (Part("text", "Hi"),)),))
        call = Call("chat", document["model"], wire, False, body, document)
        relay = provider.relay(call, _target(document["model"]))
        assert relay is not None, item.id
        assert urlsplit(relay.url).path == urlsplit(item.request.url).path, item.id
        assert relay.put["model"] == document["model"]


def test_mantle_translates_chat_for_models_that_speak_responses_only(make_runtime: Any) -> None:
    provider = _mantle(make_runtime)
    target = _target("openai.gpt-5.4")
    call = _call(reasoning=Reasoning(effort="low"), tools=(Tool("function", "f"),))

    assert provider.relay(call, target) is None
    encoded = provider.encode(call, target)

    assert urlsplit(encoded.request.url).path == "/openai/v1/responses"
    assert "input" in json.loads(encoded.request.body)


def test_mantle_hides_what_a_refusal_says_of_the_credential(make_runtime: Any) -> None:
    provider = _mantle(make_runtime)
    body = b'{"error":{"message":"invalid api key ABC","type":"authentication_error"}}'

    fault = provider.classify(Head(401, ()), body)

    assert fault.kind == "upstream_auth"
    assert "ABC" not in fault.message
    front = Head(429, ((b"x-amzn-errortype", b"ThrottlingException"),))
    assert provider.classify(front, b"{}").kind == "rate_limited"


_ASKED = (
    (b"x-amzn-bedrock-guardrailidentifier", b"own"),
    (b"x-amzn-bedrock-guardrailversion", b"2"),
    (b"x-amzn-bedrock-trace", b"ENABLED"),
)


def test_a_guardrail_that_the_client_asks_for_goes_along(provider: BedrockProvider) -> None:
    encoded = provider.encode(replace(_call("messages"), headers=_ASKED), _target(CLAUDE))
    assert set(_ASKED) <= set(encoded.request.headers)
    assert not [loss for loss in encoded.losses if loss.what == "guardrail"]


def test_a_client_cannot_replace_the_guardrail_of_the_project(make_runtime: Any) -> None:
    settings = BedrockSettings(guardrail="g", guardrail_version="1")
    provider = BedrockProvider(settings, make_runtime(token="t"), {})
    encoded = provider.encode(replace(_call("messages"), headers=_ASKED), _target(CLAUDE))
    assert not set(_ASKED) & set(encoded.request.headers)
    lost = [loss.path for loss in encoded.losses if loss.what == "guardrail"]
    assert lost == [f"headers.{name.decode()}" for name, _ in _ASKED]
