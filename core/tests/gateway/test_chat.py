"""Chat completions through the official SDK."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from core.tests.gateway.conftest import Serving
from core.tests.gateway.stand_in import KEY, StandIn, answer_of, failing, lost, raising, told
from multiroute_core.api import Call, Fault, Head
from multiroute_core.engine.sink import Sink

HI: Any = [{"role": "user", "content": "hi"}]
BEARER = {"authorization": f"Bearer {KEY}"}


def client(base_url: str, key: str = KEY) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=base_url + "/v1", max_retries=0)


def test_a_whole_reply_reaches_the_sdk_with_its_headers(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            response = await sdk.chat.completions.with_raw_response.create(
                model="balanced", messages=HI
            )
        completion = response.parse()
        assert completion.choices[0].message.content == "Hello there!"
        assert completion.choices[0].finish_reason == "stop"
        assert completion.usage is not None
        assert completion.usage.total_tokens == 8
        headers = response.headers
        assert headers["content-type"] == "application/json"
        assert int(headers["content-length"]) == len(response.content)
        assert headers["x-multiroute-decision"] == "d-1"
        assert headers["x-multiroute-target"] == "a:m-1"
        assert headers["x-multiroute-attempts"] == "2"
        assert headers["x-multiroute-upstream-request-id"] == "up-7"
        assert "x-multiroute-losses" not in headers
        assert "server" not in headers
        assert len(headers["x-request-id"]) == 26

    router = StandIn()
    serving(router, scenario)
    [(call, call_id)] = router.calls
    assert call.model == "balanced"
    assert call.headers == ()
    assert len(call_id) == 26


def test_a_stream_reaches_the_sdk_piece_by_piece(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            response = await sdk.chat.completions.with_raw_response.create(
                model="balanced",
                messages=HI,
                stream=True,
                stream_options={"include_usage": True},
            )
            headers = response.headers
            chunks = [chunk async for chunk in response.parse()]
        texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert [text for text in texts if text] == ["Hello", " there", "!"]
        assert chunks[-1].usage is not None
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert headers["x-multiroute-attempts"] == "2"

    serving(StandIn(), scenario)


def test_the_synchronous_sdk_is_served_whole_and_streamed(serving: Serving) -> None:
    def talk(base_url: str) -> tuple[str | None, str]:
        with OpenAI(api_key=KEY, base_url=base_url + "/v1", max_retries=0) as sdk:
            whole = sdk.chat.completions.create(model="balanced", messages=HI)
            stream = sdk.chat.completions.create(model="balanced", messages=HI, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        return whole.choices[0].message.content, text

    async def scenario(base_url: str) -> None:
        assert await asyncio.to_thread(talk, base_url) == ("Hello there!", "Hello there!")

    serving(StandIn(), scenario)


def test_bytes_of_the_same_format_pass_unchanged(serving: Serving) -> None:
    body = b'{"id":"x","object":"chat.completion","choices":[],"odd":1.50}'
    event = b'data: {"odd":1.50}\n\n'

    async def passing(call: Call, sink: Sink, call_id: str) -> None:
        await sink.begin(answer_of(call_id))
        await sink.send(told()[0], event if call.stream else body)
        await sink.send(told()[-1], b"")
        await sink.end(b"data: [DONE]\n\n" if call.stream else None)

    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            path = "/v1/chat/completions"
            whole = await http.post(path, json={"model": "raw", "messages": HI})
            assert whole.content == body
            assert whole.headers["content-length"] == str(len(body))
            streamed = await http.post(path, json={"model": "raw", "messages": HI, "stream": True})
            assert streamed.content == event + b"data: [DONE]\n\n"

    serving(StandIn({"raw": passing}), scenario)


@pytest.mark.parametrize(
    ("model", "expected", "status", "code", "retry"),
    [
        ("unknown", openai.NotFoundError, 404, "model_not_found", "false"),
        ("forbidden", openai.PermissionDeniedError, 403, "forbidden", "false"),
        ("limited", openai.RateLimitError, 429, "rate_limited", "true"),
        ("filtered", openai.BadRequestError, 400, "content_filter", "false"),
        ("down", openai.InternalServerError, 502, "connect_error", "true"),
        ("deadline", openai.APIStatusError, 504, "deadline", "false"),
    ],
)
def test_errors_are_the_sdks_own_classes(
    serving: Serving,
    model: str,
    expected: type[openai.APIStatusError],
    status: int,
    code: str,
    retry: str,
) -> None:
    router = StandIn(
        {
            "filtered": failing(Fault("content_filter", "no")),
            "down": failing(Fault("connect_error", "refused")),
            "deadline": failing(Fault("deadline", "too late")),
        }
    )

    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            with pytest.raises(expected) as caught:
                await sdk.chat.completions.create(model=model, messages=HI)
        error = caught.value
        assert (error.status_code, error.code) == (status, code)
        headers = error.response.headers
        assert headers["x-should-retry"] == retry
        assert error.request_id == headers["x-request-id"]
        if model == "limited":
            assert headers["retry-after"] == "7"
            assert headers["x-multiroute-decision"] == "d-2"
        else:
            assert "retry-after" not in headers

    serving(router, scenario)


def test_a_wrong_document_names_the_field(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            with pytest.raises(openai.BadRequestError) as caught:
                await sdk.chat.completions.create(model="balanced", messages=[])
        assert caught.value.param == "messages"

    serving(StandIn(), scenario)


def test_a_broken_stream_ends_in_an_error_and_without_its_end_mark(serving: Serving) -> None:
    async def breaking(call: Call, sink: Sink, call_id: str) -> None:
        await sink.begin(answer_of(call_id))
        await sink.send(told()[0] + told()[1], None)
        await sink.fail(Fault("stall", "the provider went silent"))

    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            stream = await sdk.chat.completions.create(model="broken", messages=HI, stream=True)
            seen = []

            async def read() -> None:
                async for chunk in stream:
                    seen.append(chunk.choices[0].delta.content)

            with pytest.raises(openai.APIError, match="went silent"):
                await read()
            assert "Hello" in seen
        document = {"model": "broken", "messages": HI, "stream": True}
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            reply = await http.post("/v1/chat/completions", json=document)
        assert b"[DONE]" not in reply.content
        assert b'"code":"stall"' in reply.content

    serving(StandIn({"broken": breaking}), scenario)


def test_a_whole_reply_that_breaks_late_is_still_an_error_status(serving: Serving) -> None:
    async def breaking(call: Call, sink: Sink, call_id: str) -> None:
        await sink.begin(answer_of(call_id))
        await sink.send(told()[0] + told()[1], None)
        await sink.fail(Fault("truncated", "the provider left"))

    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            with pytest.raises(openai.InternalServerError) as caught:
                await sdk.chat.completions.create(model="broken", messages=HI)
        assert caught.value.status_code == 502
        assert caught.value.code == "truncated"
        assert caught.value.response.headers["x-multiroute-decision"] == "d-1"

    serving(StandIn({"broken": breaking}), scenario)


def test_losses_and_foreign_ids_cannot_break_a_header(serving: Serving) -> None:
    async def lossy(call: Call, sink: Sink, call_id: str) -> None:
        answer = answer_of(
            call_id,
            losses=lost(50),
            target="a:m\r\nx-evil: 1",
            head=Head(200, ((b"request-id", b"up\r\nset-cookie: a=b\x00\xff"),)),
        )
        await sink.begin(answer)
        for batch in told():
            await sink.send(batch, None)
        await sink.end(None)

    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            response = await sdk.chat.completions.with_raw_response.create(
                model="lossy", messages=HI
            )
        headers = response.headers
        assert "x-evil" not in headers
        assert "set-cookie" not in headers
        assert headers["x-multiroute-upstream-request-id"] == "up??set-cookie: a=b??"
        assert len(headers["x-multiroute-losses"]) <= 1000
        losses = json.loads(headers["x-multiroute-losses"])
        first = {"path": "messages[0]", "what": "cache märk", "why": "no\r\nsuch: thing"}
        assert losses[0] == first
        assert losses[-1] == {"more": 50 - (len(losses) - 1)}

    serving(StandIn({"lossy": lossy}), scenario)


def test_the_clients_request_id_is_kept_if_it_is_harmless(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            document = {"model": "balanced", "messages": HI}
            for sent in ("job-7.a_b", "a b", "x" * 65, ""):
                reply = await http.post(
                    "/v1/chat/completions", json=document, headers={"x-request-id": sent}
                )
                got = reply.headers["x-request-id"]
                call_id = router.calls[-1][1]
                if sent == "job-7.a_b":
                    assert got == sent
                    assert reply.headers["x-multiroute-call"] == call_id
                else:
                    assert got == call_id
                assert len(call_id) == 26

    router = StandIn()
    serving(router, scenario)
    assert len({call_id for _, call_id in router.calls}) == 4


def test_an_unexpected_exception_is_a_500_that_gives_nothing_away(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            with pytest.raises(openai.InternalServerError) as caught:
                await sdk.chat.completions.create(
                    model="crash", messages=[{"role": "user", "content": "SECRET-PROMPT"}]
                )
        assert caught.value.status_code == 500
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert caught.value.request_id is not None
        assert caught.value.request_id in caught.value.message
        assert "SECRET" not in caught.value.response.text
        assert "RuntimeError" not in caught.value.response.text

    with caplog.at_level(logging.DEBUG):
        serving(StandIn({"crash": raising(RuntimeError("SECRET-PROMPT"))}), scenario)
    crashes = [json.loads(r.getMessage()) for r in caplog.records if r.levelname == "ERROR"]
    assert [line["event"] for line in crashes] == ["crash"]
    assert crashes[0]["error"] == ["RuntimeError"]
    assert "stand_in.py" in crashes[0]["trace"]
    assert "SECRET-PROMPT" not in caplog.text
    assert KEY not in caplog.text


def test_a_crash_in_a_stream_cuts_the_connection(serving: Serving) -> None:
    async def crashing(call: Call, sink: Sink, call_id: str) -> None:
        await sink.begin(answer_of(call_id))
        await sink.send(told()[0] + told()[1], None)
        raise RuntimeError("boom")

    async def scenario(base_url: str) -> None:
        document = {"model": "crash", "messages": HI, "stream": True}
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post("/v1/chat/completions", json=document)

    serving(StandIn({"crash": crashing}), scenario)


def test_each_request_is_one_line_of_json_in_the_log(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(base_url: str) -> None:
        async with client(base_url) as sdk:
            await sdk.chat.completions.create(
                model="balanced", messages=[{"role": "user", "content": "SECRET-PROMPT"}]
            )
        async with client(base_url, "wrong-SECRET-KEY") as sdk:
            with pytest.raises(openai.AuthenticationError):
                await sdk.models.list()

    with caplog.at_level(logging.DEBUG):
        serving(StandIn(), scenario)
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "multiroute.gateway"]
    assert len(lines) == 2
    assert {**lines[0], "request_id": "", "ms": 0} == {
        "event": "request",
        "request_id": "",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "ms": 0,
        "model": "balanced",
        "decision": "d-1",
        "attempts": 2,
        "key": "web",
    }
    assert (lines[1]["status"], lines[1]["path"]) == (401, "/v1/models")
    assert "SECRET" not in caplog.text
    assert KEY not in caplog.text
