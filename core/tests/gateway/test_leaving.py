"""A client that leaves, or does not read, ends what runs for it."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from openai import AsyncOpenAI

from core.tests.gateway.conftest import Serving
from core.tests.gateway.raw_client import connection
from core.tests.gateway.stand_in import KEY, Held, StandIn, answer_of, told
from multiroute_core.api import Call, Delta
from multiroute_core.engine.sink import Sink
from multiroute_core.gateway.client_link import ClientLink

BODY = b'{"model":"held","messages":[{"role":"user","content":"hi"}],"stream":%s}'


def post(*, stream: bool, model: bytes = b"held") -> bytes:
    body = (BODY % (b"true" if stream else b"false")).replace(b"held", model)
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: %s\r\n"
        b"content-length: %d\r\n\r\n%s" % (KEY.encode(), len(body), body)
    )


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("speaks", [True, False])
def test_a_client_that_leaves_cancels_the_answer(
    serving: Serving, stream: bool, speaks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(base_url: str) -> None:
        held = router.behaviours["held"] = Held(speaks=speaks)
        async with connection(base_url) as (_, writer):
            writer.write(post(stream=stream))
            await held.waiting.wait()
        await held.cancelled.wait()

    router = StandIn()
    with caplog.at_level(logging.INFO):
        serving(router, scenario)
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "multiroute.gateway"]
    assert [(line["status"], line["left"]) for line in lines] == [(499, "client_closed")]
    assert [r.name for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_client_of_the_sdk_that_stops_reading_cancels_the_answer(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        held = router.behaviours["held"] = Held()
        async with AsyncOpenAI(api_key=KEY, base_url=base_url + "/v1", max_retries=0) as sdk:
            stream = await sdk.chat.completions.create(
                model="held", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            await stream.close()
            await held.cancelled.wait()

    router = StandIn()
    serving(router, scenario)


def test_a_client_that_leaves_does_not_disturb_another(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        leaving, staying = Held(), Held()
        router.behaviours.update(held=leaving, other=staying)
        async with connection(base_url) as (reader, other):
            other.write(post(stream=True, model=b"other"))
            await staying.waiting.wait()
            async with connection(base_url) as (_, writer):
                writer.write(post(stream=True))
                await leaving.waiting.wait()
            await leaving.cancelled.wait()
            staying.release.set()
            assert b"[DONE]" in await reader.readuntil(b"[DONE]")
        assert not staying.cancelled.is_set()

    router = StandIn()
    serving(router, scenario)


def test_leaving_ends_the_running_answer_though_more_requests_wait_behind_it(
    serving: Serving,
) -> None:
    async def scenario(base_url: str) -> None:
        held = router.behaviours["held"] = Held(speaks=False)
        async with connection(base_url) as (_, writer):
            writer.write(post(stream=False))
            await held.waiting.wait()
            writer.write(post(stream=False, model=b"next"))
        await held.cancelled.wait()

    router = StandIn()
    serving(router, scenario)
    assert [call.model for call, _ in router.calls] == ["held"]


def test_a_client_that_leaves_in_the_middle_of_its_body_is_not_answered(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (_, writer):
            writer.write(post(stream=False)[:-5])
            await writer.drain()

    router = StandIn()
    with caplog.at_level(logging.WARNING):
        serving(router, scenario)
    assert router.calls == []
    assert caplog.records == []


def test_a_client_that_does_not_read_holds_the_answer_back_and_is_cut_off(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(base_url: str) -> None:
        sent_bytes = 0
        cancelled = asyncio.Event()

        async def flood(call: Call, sink: Sink, call_id: str) -> None:
            nonlocal sent_bytes
            await sink.begin(answer_of(call_id))
            await sink.send(told()[0], None)
            try:
                while True:
                    await sink.send([Delta(0, "text", "x" * 65_536)], None)
                    sent_bytes += 65_536
            except asyncio.CancelledError:
                cancelled.set()
                raise

        router.behaviours["flood"] = flood
        async with connection(base_url) as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(post(stream=True, model=b"flood"))
            await cancelled.wait()
            assert sent_bytes < 64 * 1024 * 1024
            writer.transport.abort()

    router = StandIn()
    with caplog.at_level(logging.INFO):
        serving(router, scenario, write_s=0.1)
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "multiroute.gateway"]
    assert [line["left"] for line in lines] == ["slow_client"]


def test_a_cancellation_from_elsewhere_passes_through() -> None:
    async def scenario() -> None:
        link = ClientLink()
        waiting = asyncio.Event()

        async def work() -> None:
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(link.run(work()))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_both_at_once_is_a_cancellation() -> None:
    async def scenario() -> None:
        link = ClientLink()
        waiting = asyncio.Event()

        async def work() -> None:
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(link.run(work()))
        await waiting.wait()
        link.end("client_closed")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_a_link_that_ended_before_does_not_begin() -> None:
    async def scenario() -> None:
        link = ClientLink()
        link.end("client_closed")
        link.end("shutdown")

        async def work() -> None:
            raise AssertionError("it began")

        assert await link.run(work()) == "client_closed"

    asyncio.run(scenario())


def test_after_an_end_the_task_is_not_left_cancelled() -> None:
    async def scenario() -> None:
        link = ClientLink()
        task = asyncio.current_task()
        assert task is not None

        async def work() -> None:
            asyncio.get_running_loop().call_soon(link.end, "client_closed")
            await asyncio.Event().wait()

        assert await link.run(work()) == "client_closed"
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    asyncio.run(scenario())
