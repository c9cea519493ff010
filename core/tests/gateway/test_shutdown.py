"""Draining and stopping."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from core.tests.gateway.raw_client import connection, exchange, statuses
from core.tests.gateway.stand_in import KEY, Held, StandIn
from core.tests.gateway.test_leaving import post
from multiroute_core.gateway import GatewayServer, Limits, running

ROOT = Path(__file__).resolve().parents[3]
BEARER = {"authorization": f"Bearer {KEY}"}


def run(limits: Limits, scenario: object) -> None:
    async def inner() -> None:
        async with asyncio.timeout(20), StandIn() as router:
            server = GatewayServer(router, limits)
            base_url = await server.start("127.0.0.1", 0)
            await scenario(server, router, base_url)  # type: ignore[operator]

    asyncio.run(inner())


async def refused(base_url: str) -> bool:
    """Whether nobody listens there any more."""
    try:
        async with connection(base_url):
            return False
    except ConnectionError:
        return True


def test_while_it_drains_it_is_not_ready_but_serves() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        hurry = asyncio.Event()
        stopping = asyncio.ensure_future(server.stop(hurry))
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            while (await http.get("/health/ready")).status_code != 503:
                pass
            assert (await http.get("/health/live")).status_code == 200
            assert (await http.get("/v1/models")).status_code == 200
        hurry.set()
        await stopping
        assert await refused(base_url)

    run(Limits(drain_s=15.0), scenario)


def test_running_streams_end_by_themselves_within_the_grace() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        held = router.behaviours["held"] = Held()
        async with connection(base_url) as (reader, writer):
            writer.write(post(stream=True))
            await held.waiting.wait()
            stopping = asyncio.ensure_future(server.stop())
            while not await refused(base_url):
                pass
            held.release.set()
            data = await reader.read()
            await stopping
        assert b"[DONE]" in data
        assert b" there" in data
        assert data.endswith(b"0\r\n\r\n")
        assert not held.cancelled.is_set()

    run(Limits(drain_s=0.0, grace_s=15.0), scenario)


def test_after_the_grace_a_stream_ends_in_an_error() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        held = router.behaviours["held"] = Held()
        async with connection(base_url) as (reader, writer):
            writer.write(post(stream=True))
            await held.waiting.wait()
            await server.stop()
            data = await reader.read()
        assert held.cancelled.is_set()
        assert b"shutting down" in data
        assert b"[DONE]" not in data

    run(Limits(drain_s=0.0, grace_s=0.0), scenario)


def test_after_the_grace_what_has_not_begun_gets_a_503() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        held = router.behaviours["held"] = Held(speaks=False)
        async with connection(base_url) as (reader, writer):
            writer.write(post(stream=True))
            await held.waiting.wait()
            await server.stop()
            data = await reader.read()
        assert statuses(data) == [503]
        assert b"x-should-retry: true" in data
        assert b'"code":"shed"' in data

    run(Limits(drain_s=0.0, grace_s=0.0), scenario)


def test_idle_connections_do_not_hold_the_stop_up() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        async with connection(base_url) as (fresh, _), connection(base_url) as (reader, writer):
            writer.write(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b'"live"}')
            await server.stop()
            assert await reader.read() == b""
            assert await fresh.read() == b""

    run(Limits(drain_s=0.0, grace_s=60.0), scenario)


def test_a_client_that_reads_nothing_does_not_hold_the_stop_up() -> None:
    async def scenario(server: GatewayServer, router: StandIn, base_url: str) -> None:
        held = router.behaviours["held"] = Held()
        async with connection(base_url) as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(post(stream=True))
            await held.waiting.wait()
            await server.stop()
        assert held.cancelled.is_set()

    run(Limits(drain_s=0.0, grace_s=0.0, last_words_s=0.1), scenario)


def test_running_closes_the_router_after_the_gateway() -> None:
    router = StandIn()

    async def scenario() -> None:
        async with asyncio.timeout(20), running(router) as base_url:
            assert router.ready
            data = await exchange(base_url, b"GET /health/live HTTP/1.0\r\n\r\n")
            assert statuses(data) == [200]
        assert router.closed == 1
        assert await refused(base_url)

    asyncio.run(scenario())


@asynccontextmanager
async def process(**settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The gateway as a program of its own, and its address."""
    env = {**os.environ, **settings, "PYTHONPATH": f"{ROOT}/core/src:{ROOT}"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "core.tests.gateway.stand_in",
        env=env,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        line = (await child.stdout.readline()).decode().strip()
        assert line, (await child.communicate())[1].decode()
        yield child, line
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_a_second_one_hurries_and_the_exit_code_is_0(
    number: signal.Signals,
) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(30), process(DRAIN_S="25", GRACE_S="25") as (child, base_url):
            async with connection(base_url) as (reader, writer):
                writer.write(post(stream=True))
                await reader.readuntil(b"Hello")
                child.send_signal(number)
                async with httpx.AsyncClient(base_url=base_url) as http:
                    while (await http.get("/health/ready")).status_code != 503:
                        pass
                child.send_signal(number)
                data = await reader.read()
            assert b"shutting down" in data
            assert b"[DONE]" not in data
            assert await child.wait() == 0
            assert child.stdout is not None
            assert child.stderr is not None
            assert await child.stdout.read() == b"stopped\n"
            assert await child.stderr.read() == b""

    asyncio.run(scenario())


def test_without_anything_to_wait_for_a_signal_ends_it_at_once() -> None:
    async def scenario() -> None:
        async with (
            asyncio.timeout(30),
            process() as (child, base_url),
            httpx.AsyncClient(base_url=base_url, headers=BEARER) as http,
        ):
            assert (await http.get("/v1/models")).status_code == 200
            child.send_signal(signal.SIGTERM)
            assert await child.wait() == 0

    asyncio.run(scenario())
