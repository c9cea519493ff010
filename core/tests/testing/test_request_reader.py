"""A scripted upstream reads what clients send, and refuses what is no request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from multiroute_core.testing import Answer, ScriptedUpstream

RawExchange = Callable[[str, bytes], Awaitable[bytes]]


def test_a_chunked_request_body_is_joined() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one ", b"two ", b"three"):
            yield part

    async def scenario() -> bytes:
        async with ScriptedUpstream(Answer()) as upstream, httpx.AsyncClient() as client:
            await client.post(upstream.base_url, content=parts())
            [seen] = upstream.requests
            assert seen.header("transfer-encoding") == "chunked"
            return seen.body

    assert asyncio.run(scenario()) == b"one two three"


def test_extensions_and_trailers_of_chunks_are_dropped(raw_exchange: RawExchange) -> None:
    sent = (
        b"POST /p HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\ntrailer: t\r\n\r\n"
    )

    async def scenario() -> bytes:
        async with ScriptedUpstream(Answer()) as upstream:
            await raw_exchange(upstream.base_url, sent)
            return upstream.requests[0].body

    assert asyncio.run(scenario()) == b"abc0123456789"


def test_a_request_that_comes_byte_by_byte_is_the_same_request() -> None:
    sent = b"POST /a%20b?q=%C3%A9 HTTP/1.1\r\nContent-Length: 4\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody"

    async def scenario() -> None:
        async with ScriptedUpstream(Answer()) as upstream:
            port = int(upstream.base_url.rpartition(":")[2])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for at in range(len(sent)):
                writer.write(sent[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0)
            seen = await upstream.wait_requests()
            writer.close()
            assert (seen.path, seen.query, seen.body) == ("/a%20b", "q=%C3%A9", b"body")
            assert seen.headers == (("content-length", "4"), ("x-a", "1"), ("x-a", "2"))
            assert seen.header("X-A") == "1"
            assert seen.header("x-b", "none") == "none"

    asyncio.run(scenario())


def test_two_requests_in_one_write_are_answered_in_order(raw_exchange: RawExchange) -> None:
    sent = b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nconnection: close\r\n\r\n"

    async def scenario() -> bytes:
        async with ScriptedUpstream([Answer(body="first"), Answer(body="second")]) as upstream:
            answers = await raw_exchange(upstream.base_url, sent)
            assert [seen.path for seen in upstream.requests] == ["/1", "/2"]
            return answers

    answers = asyncio.run(scenario())
    assert answers.index(b"first") < answers.index(b"second")


def test_the_absolute_form_of_a_target_is_read_as_its_path(raw_exchange: RawExchange) -> None:
    sent = b"GET http://host/v1/x?y HTTP/1.1\r\nconnection: close\r\n\r\n"

    async def scenario() -> tuple[str, str]:
        async with ScriptedUpstream(Answer()) as upstream:
            await raw_exchange(upstream.base_url, sent)
            return upstream.requests[0].path, upstream.requests[0].query

    assert asyncio.run(scenario()) == ("/v1/x", "y")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
)
def test_what_is_no_request_gets_400_and_is_not_recorded(
    raw_exchange: RawExchange, sent: bytes
) -> None:
    async def scenario() -> bytes:
        async with ScriptedUpstream(Answer()) as upstream:
            answer = await raw_exchange(upstream.base_url, sent)
            assert upstream.requests == []
            return answer

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"malformed_request" in answer


def test_a_client_that_leaves_in_the_middle_of_a_request_is_no_request() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Answer()) as upstream:
            port = int(upstream.base_url.rpartition(":")[2])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf")
            writer.close()
            await upstream.wait_closed_by_client()
            await upstream.wait_no_connections()
            assert upstream.requests == []
            assert upstream.abandoned == []

    asyncio.run(scenario())
