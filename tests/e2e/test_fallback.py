"""What a client sees when its first target fails: the second one's answer, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import openai
import pytest

from multiroute_core.testing import (
    Answer,
    Hang,
    Recordings,
    Reset,
    ScriptedUpstream,
    ScriptedUsage,
    Step,
    chat_error,
    chat_reply,
    chat_stream,
    messages_error,
    messages_reply,
    messages_stream,
    refused_url,
)
from tests.e2e.gateway import Running, gateway, run, two_providers

HELLO = [{"role": "user", "content": "hello"}]


def second() -> ScriptedUpstream:
    """A healthy upstream that speaks messages, whole and streamed."""

    def answer(seen: object) -> Step:
        asked = seen.json()  # type: ignore[attr-defined]  # a SeenRequest
        if asked.get("stream"):
            return Answer(
                body=messages_stream(["from ", "the second"]),
                headers=(("content-type", "text/event-stream"),),
            )
        return Answer(body=messages_reply("from the second"))

    return ScriptedUpstream(answer)


async def ask(served: Running, stream: bool) -> tuple[str, httpx.Headers]:
    if not stream:
        raw = await served.client.chat.completions.with_raw_response.create(
            model="balanced", messages=HELLO
        )
        return raw.parse().choices[0].message.content or "", raw.headers
    raw_stream = await served.client.chat.completions.with_raw_response.create(
        model="balanced", messages=HELLO, stream=True
    )
    text = ""
    async for chunk in raw_stream.parse():
        for choice in chunk.choices:
            text += choice.delta.content or ""
    return text, raw_stream.headers


def azure_429(shared: Path) -> Answer:
    recorded = next(
        record
        for record in Recordings.load(shared / "data/wire", provider="azure-openai")
        if record.response.status == 429
    )
    kept = tuple((k, v) for k, v in recorded.response.headers if k != "transfer-encoding")
    return Answer(status=429, headers=kept, body=recorded.response.body)


FIRSTS: dict[str, tuple[Callable[[Path], Step], str]] = {
    "recorded rate limit": (azure_429, "rate_limited"),
    "overloaded": (lambda _: messages_error("overloaded_error"), "overloaded"),
    "server error": (lambda _: chat_error(500, "boom"), "upstream_5xx"),
    "hang": (lambda _: Hang(), "first_content_timeout"),
    "reset before the first byte": (lambda _: Reset(), "reset"),
    "web page": (
        lambda _: Answer(body=b"<html>", headers=(("content-type", "text/html"),)),
        "protocol",
    ),
    "no choices": (lambda _: Answer(body={"id": "x", "choices": []}), "empty"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", FIRSTS)
def test_a_failing_first_target_is_masked_by_the_second(
    name: str, stream: bool, tmp_path: Path, shared: Path
) -> None:
    make, kind = FIRSTS[name]

    async def scenario() -> None:
        async with (
            ScriptedUpstream([make(shared)]) as first,
            second() as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            text, headers = await ask(served, stream)
            assert text == "from the second"
            assert headers["x-multiroute-attempts"] == "2"
            assert headers["x-multiroute-target"] == "anthropic:claude-sonnet-4-5"
            stored = await served.router.stored(headers["x-multiroute-decision"])
            assert [attempt.fault for attempt in stored.attempts] == [kind, ""]
            assert stored.call is not None
            assert (stored.call.outcome, stored.call.attempts) == ("ok", 2)
            record = json.loads(served.router.render(stored.record, stored.view))
            assert record["plan"] == ["openai:gpt-4o-mini", "anthropic:claude-sonnet-4-5"]
            assert len(first.requests) == 1

    run(scenario)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_connection_is_masked(stream: bool, tmp_path: Path) -> None:
    async def scenario() -> None:
        with refused_url() as nowhere:
            async with (
                second() as other,
                gateway(tmp_path, two_providers(nowhere, other.base_url)) as served,
            ):
                text, headers = await ask(served, stream)
                assert text == "from the second"
                stored = await served.router.stored(headers["x-multiroute-decision"])
                assert [attempt.fault for attempt in stored.attempts] == ["connect_error", ""]

    run(scenario)


def test_a_bad_request_is_the_clients_and_is_not_tried_elsewhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        wrong = chat_error(400, "the tool schema is wrong", "invalid_request_error", "bad_schema")
        async with (
            ScriptedUpstream([wrong]) as first,
            second() as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                await ask(served, False)
            assert "the tool schema is wrong" in caught.value.message
            assert caught.value.response.headers["x-should-retry"] == "false"
            assert len(other.requests) == 0

    run(scenario)


def test_when_all_targets_limit_the_client_gets_their_shortest_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        limited = [
            Answer(
                status=429, headers=(("retry-after", wait),), body={"error": {"message": "slow"}}
            )
            for wait in ("20", "7")
        ]
        async with (
            ScriptedUpstream([limited[0]]) as first,
            ScriptedUpstream([limited[1]]) as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            with pytest.raises(openai.RateLimitError) as caught:
                await ask(served, False)
            assert caught.value.response.headers["retry-after"] == "7"
            assert caught.value.response.headers["x-should-retry"] == "true"

    run(scenario)


def test_our_credential_refused_upstream_is_never_a_401_nor_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        refused = chat_error(401, "Incorrect API key provided: sk-upstream-openai")
        also = messages_error("authentication_error")
        async with (
            ScriptedUpstream([refused]) as first,
            ScriptedUpstream([also]) as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            with pytest.raises(openai.InternalServerError) as caught:
                await ask(served, False)
            assert caught.value.status_code == 502
            assert "sk-upstream" not in caught.value.response.text

    run(scenario)


def test_a_stream_cut_after_content_ends_in_an_error_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        whole = bytes(chat_stream(["one ", "two ", "three"]))
        cut = whole.index(b"three") - 20
        half = Answer(
            body=whole, headers=(("content-type", "text/event-stream"),), cut_at=cut,
            framing="chunked",
        )  # fmt: skip
        async with (
            ScriptedUpstream([half]) as first,
            second() as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            pieces: list[str] = []

            async def read() -> None:
                async for chunk in await served.client.chat.completions.create(
                    model="balanced", messages=HELLO, stream=True
                ):
                    pieces.extend(choice.delta.content or "" for choice in chunk.choices)

            with pytest.raises(openai.APIError):
                await read()
            text = "".join(pieces)
            assert text.startswith("one")
            assert "from the second" not in text
            assert len(other.requests) == 0

    run(scenario)


def test_a_stream_that_finished_without_its_end_mark_is_completed(tmp_path: Path) -> None:
    async def scenario() -> None:
        whole = bytes(chat_stream(["all of it"]))
        half = Answer(
            body=whole.removesuffix(b"data: [DONE]\n\n"),
            headers=(("content-type", "text/event-stream"),),
        )
        async with (
            ScriptedUpstream([half]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url)) as served,
            httpx.AsyncClient() as plain,
        ):
            reply = await plain.post(
                f"{served.url}/v1/chat/completions",
                json={"model": "balanced", "messages": HELLO, "stream": True},
            )
            assert reply.text.endswith("data: [DONE]\n\n")
            assert reply.text.count("[DONE]") == 1

    run(scenario)


def test_a_usage_chunk_that_we_asked_for_is_not_shown_to_a_client_that_did_not(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        def answer(seen: object) -> Step:
            asked = seen.json()  # type: ignore[attr-defined]  # a SeenRequest
            assert asked["stream_options"] == {"include_usage": True}
            return Answer(
                body=chat_stream(["hi"], usage=ScriptedUsage(3, 1)),
                headers=(("content-type", "text/event-stream"),),
            )

        async with (
            ScriptedUpstream(answer) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url)) as served,
        ):
            usages = []
            for options in ({}, {"stream_options": {"include_usage": True}}):
                stream = await served.client.chat.completions.create(
                    model="balanced", messages=HELLO, stream=True, **options
                )
                usages.append([c.usage async for c in stream if c.usage is not None])
            assert usages[0] == []
            assert len(usages[1]) == 1
            calls = await served.router.recent(2)
            assert all(call.usage and not call.usage.estimated for call in calls)

    run(scenario)


def test_a_client_that_leaves_closes_the_upstream(tmp_path: Path) -> None:
    async def scenario() -> None:
        slow = Answer(
            body=chat_stream(["a", "b", "c"]),
            headers=(("content-type", "text/event-stream"),),
            stall_at=len(bytes(chat_stream(["a", "b", "c"]))) // 2,
        )
        async with (
            ScriptedUpstream([slow]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url)) as served,
        ):
            stream = await served.client.chat.completions.create(
                model="balanced", messages=HELLO, stream=True
            )
            async for _ in stream:
                break
            await stream.close()
            await first.wait_abandoned(1)

    run(scenario)


def test_a_reply_of_tool_calls_falls_back_like_any_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            ScriptedUpstream([chat_error(503, "overloaded")]) as first,
            second() as other,
            gateway(tmp_path, two_providers(first.base_url, other.base_url)) as served,
        ):
            tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
            reply = await served.client.chat.completions.create(
                model="balanced", messages=HELLO, tools=tools
            )
            assert reply.choices[0].message.content == "from the second"
            assert other.requests[0].json()["tools"][0]["name"] == "f"

    run(scenario)


def test_chat_replies_pass_through_with_unknown_fields(tmp_path: Path) -> None:
    async def scenario() -> None:
        body = dict(chat_reply("hi"))
        body["vendor_extra"] = {"kept": True}
        async with (
            ScriptedUpstream([Answer(body=body)]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url)) as served,
        ):
            reply = await served.client.chat.completions.create(
                model="balanced", messages=HELLO, extra_body={"vendor_knob": 7}
            )
            assert reply.model_extra is not None
            assert reply.model_extra["vendor_extra"] == {"kept": True}
            sent = first.requests[0].json()
            assert sent["vendor_knob"] == 7
            assert sent["model"] == "gpt-4o-mini"
            headers = dict(first.requests[0].headers)
            assert headers["authorization"] == "Bearer sk-upstream-openai"

    run(scenario)


def test_more_output_than_a_model_gives_is_asked_for_as_much_as_it_gives(tmp_path: Path) -> None:
    limit = '[models."lab/first".capabilities]\nmax_output = 100'

    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer(body=chat_reply("hi"))]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url, limit)) as served,
        ):
            raw = await served.client.chat.completions.with_raw_response.create(
                model="lab/first", messages=HELLO, max_tokens=64_000
            )
            assert first.requests[0].json()["max_tokens"] == 100
            assert "64000" in raw.headers["x-multiroute-losses"]

    run(scenario)


def test_what_no_candidate_can_do_is_the_requests_fault_and_no_503(tmp_path: Path) -> None:
    limit = '[models."lab/first".capabilities]\ntools = false'

    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer(body=chat_reply("hi"))]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url, limit)) as served,
        ):
            tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
            with pytest.raises(openai.BadRequestError, match="cannot do tools"):
                await served.client.chat.completions.create(
                    model="lab/first", messages=HELLO, tools=tools
                )
            assert first.requests == []

    run(scenario)
