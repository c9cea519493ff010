"""A scripted upstream answers as its script says, and says what it saw."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import httpx
import pytest
import uvloop

from multiroute_core.testing import (
    Answer,
    Hang,
    Raw,
    Reset,
    ScriptedUpstream,
    ScriptError,
    SeenRequest,
    refused_url,
)

RawExchange = Callable[[str, bytes], Awaitable[bytes]]
GET_AND_CLOSE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def test_a_json_answer_arrives_with_status_headers_and_length() -> None:
    async def scenario() -> None:
        answer = Answer(201, {"x-test": "yes"}, {"hello": "world"})
        async with ScriptedUpstream(answer) as upstream, httpx.AsyncClient() as client:
            reply = await client.post(upstream.base_url + "/v1/x?a=1", json={"n": 1})
            assert (reply.status_code, reply.reason_phrase) == (201, "Created")
            assert reply.json() == {"hello": "world"}
            assert reply.headers["x-test"] == "yes"
            assert reply.headers["content-type"] == "application/json"
            assert reply.headers["content-length"] == "17"
            [seen] = upstream.requests
            assert (seen.method, seen.path, seen.query) == ("POST", "/v1/x", "a=1")
            assert seen.json() == {"n": 1}
            assert seen.header("Content-Type") == "application/json"
            assert all(name == name.lower() for name, _ in seen.headers)

    asyncio.run(scenario())


def test_steps_are_used_in_order_and_the_last_repeats() -> None:
    async def scenario() -> list[int]:
        script = [Answer(500), Answer(429, {"retry-after": "1"}), Answer(200)]
        async with ScriptedUpstream(script) as upstream, httpx.AsyncClient() as client:
            return [(await client.get(upstream.base_url)).status_code for _ in range(5)]

    assert asyncio.run(scenario()) == [500, 429, 200, 200, 200]


def test_a_used_up_script_is_an_error_where_asked_for() -> None:
    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer()], exhausted="error") as upstream,
            httpx.AsyncClient() as client,
        ):
            assert (await client.get(upstream.base_url)).status_code == 200
            late = await client.get(upstream.base_url)
            assert late.status_code == 500
            assert late.json()["error"]["type"] == "script_error"

    with pytest.raises(ScriptError, match="all 1 steps are used up"):
        asyncio.run(scenario())


def test_each_path_has_its_own_steps() -> None:
    async def scenario() -> list[int]:
        script = {"/a": [Answer(201), Answer(202)], "/b": Answer(203)}
        async with ScriptedUpstream(script) as upstream, httpx.AsyncClient() as client:
            paths = ["/a", "/b", "/a", "/c"]
            return [(await client.get(upstream.base_url + path)).status_code for path in paths]

    assert asyncio.run(scenario()) == [201, 203, 202, 404]


def test_a_star_answers_the_paths_that_have_no_steps() -> None:
    async def scenario() -> list[int]:
        script = {"/a": Answer(201), "*": Answer(202)}
        async with ScriptedUpstream(script) as upstream, httpx.AsyncClient() as client:
            paths = ["/a", "/elsewhere"]
            return [(await client.get(upstream.base_url + path)).status_code for path in paths]

    assert asyncio.run(scenario()) == [201, 202]


def test_a_function_makes_the_step_from_the_request() -> None:
    def echo(request: SeenRequest) -> Answer:
        return Answer(body={"you_sent": request.json()})

    async def scenario() -> object:
        async with ScriptedUpstream(echo) as upstream, httpx.AsyncClient() as client:
            return (await client.post(upstream.base_url, json=[1, 2])).json()

    assert asyncio.run(scenario()) == {"you_sent": [1, 2]}


def test_a_function_that_raises_is_a_500_and_fails_the_block() -> None:
    def broken(request: SeenRequest) -> Answer:
        raise KeyError("model")

    async def scenario() -> None:
        async with ScriptedUpstream(broken) as upstream, httpx.AsyncClient() as client:
            assert (await client.get(upstream.base_url)).status_code == 500

    with pytest.raises(ScriptError, match="KeyError: 'model'"):
        asyncio.run(scenario())


def test_the_failure_of_the_block_itself_goes_before_the_scripts() -> None:
    async def scenario() -> None:
        async with (
            ScriptedUpstream(lambda request: "no step") as upstream,  # type: ignore[arg-type,return-value]  # the mistake under test
            httpx.AsyncClient() as client,
        ):
            await client.get(upstream.base_url)
            raise LookupError("the test's own")

    with pytest.raises(LookupError, match="the test's own"):
        asyncio.run(scenario())


@pytest.mark.parametrize("script", [[], {}, ["text"], [Answer(), None]])
def test_a_script_that_cannot_answer_is_refused(script: object) -> None:
    with pytest.raises(ValueError):
        ScriptedUpstream(script)  # type: ignore[arg-type]  # the mistake under test


def test_start_and_aclose_serve_without_a_block() -> None:
    async def scenario() -> None:
        upstream = await ScriptedUpstream(Answer(body="up")).start()
        async with httpx.AsyncClient() as client:
            assert (await client.get(upstream.base_url)).text == "up"
            with pytest.raises(RuntimeError, match="started already"):
                await upstream.start()
            await upstream.aclose()
            await upstream.aclose()
            with pytest.raises(httpx.ConnectError):
                await client.get(upstream.base_url)
        assert upstream.connections_open == 0

    asyncio.run(scenario())


def test_base_url_is_unknown_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = ScriptedUpstream(Answer()).base_url


def test_aclose_ends_a_hanging_exchange() -> None:
    async def scenario() -> None:
        upstream = await ScriptedUpstream(Hang()).start()
        async with httpx.AsyncClient() as client:
            asking = asyncio.ensure_future(client.get(upstream.base_url))
            await upstream.wait_requests()
            await upstream.aclose()
            with pytest.raises(httpx.TransportError):
                await asking
        assert upstream.abandoned == []

    asyncio.run(scenario())


def test_a_connection_is_used_again() -> None:
    async def scenario() -> tuple[list[int], int]:
        async with ScriptedUpstream(Answer(body={})) as upstream, httpx.AsyncClient() as client:
            for _ in range(3):
                await client.post(upstream.base_url, json={})
            assert upstream.connections_open == 1
            return [seen.connection for seen in upstream.requests], upstream.connections_accepted

    assert asyncio.run(scenario()) == ([1, 1, 1], 1)


def test_a_connection_ends_where_the_client_or_the_answer_says_so(
    raw_exchange: RawExchange,
) -> None:
    async def scenario() -> list[bytes]:
        async with ScriptedUpstream(Answer(204)) as upstream:
            by_client = await raw_exchange(upstream.base_url, GET_AND_CLOSE)
            old = await raw_exchange(upstream.base_url, b"GET / HTTP/1.0\r\n\r\n")
        async with ScriptedUpstream(Answer(204, {"Connection": "close"})) as upstream:
            by_us = await raw_exchange(upstream.base_url, b"GET / HTTP/1.1\r\n\r\n")
        return [by_client.lower(), old.lower(), by_us.lower()]

    for answer in asyncio.run(scenario()):
        assert answer.startswith(b"http/1.1 204 no content\r\n")
        assert answer.count(b"connection: close") == 1
        assert b"content-length" not in answer


def test_a_head_request_gets_headers_only(raw_exchange: RawExchange) -> None:
    async def scenario() -> bytes:
        async with ScriptedUpstream(Answer(body="four")) as upstream:
            request = b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n"
            return await raw_exchange(upstream.base_url, request)

    answer = asyncio.run(scenario())
    assert b"content-length: 4\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_latency_and_gaps_pass_on_the_clock_given() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def scenario() -> bytes:
        answer = Answer(body=b"abc", chunks="bytes", gap_s=60.0, latency_s=3600.0)
        async with ScriptedUpstream(answer, sleep=sleep) as upstream, httpx.AsyncClient() as client:
            return (await client.get(upstream.base_url)).content

    assert asyncio.run(scenario()) == b"abc"
    assert slept == [3600.0, 60.0, 60.0]


def test_a_compressed_answer_is_read_by_an_ordinary_client() -> None:
    async def scenario() -> httpx.Response:
        answer = Answer(body={"a": "é" * 100}, compress="gzip")
        async with ScriptedUpstream(answer) as upstream, httpx.AsyncClient() as client:
            return await client.get(upstream.base_url)

    reply = asyncio.run(scenario())
    assert reply.headers["content-encoding"] == "gzip"
    assert int(reply.headers["content-length"]) < 100
    assert reply.json() == {"a": "é" * 100}


def test_raw_bytes_go_out_as_they_are(raw_exchange: RawExchange) -> None:
    data = b"HTTP/1.1 200\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"

    async def scenario() -> bytes:
        async with ScriptedUpstream(Raw(data)) as upstream:
            return await raw_exchange(upstream.base_url, GET_AND_CLOSE)

    assert asyncio.run(scenario()) == data


def test_a_raw_answer_may_keep_the_connection() -> None:
    async def scenario() -> list[int]:
        script = [Raw(b"HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n", then="keep"), Answer(200)]
        async with ScriptedUpstream(script) as upstream, httpx.AsyncClient() as client:
            statuses = [(await client.get(upstream.base_url)).status_code for _ in range(2)]
            assert upstream.connections_accepted == 1
            return statuses

    assert asyncio.run(scenario()) == [299, 200]


def test_new_connections_can_be_refused_and_accepted_again() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Answer(body="up")) as upstream:
            url = upstream.base_url
            async with httpx.AsyncClient() as first, httpx.AsyncClient() as second:
                await first.get(url)
                await upstream.refuse_connections()
                assert upstream.base_url == url
                with pytest.raises(httpx.ConnectError):
                    await second.get(url)
                assert (await first.get(url)).text == "up", "an open connection goes on"
                await upstream.accept_connections()
                assert (await second.get(url)).text == "up"

    asyncio.run(scenario())


def test_nothing_listens_behind_a_refused_url() -> None:
    async def scenario() -> None:
        with refused_url() as url:
            async with httpx.AsyncClient() as client:
                for _ in range(2):
                    with pytest.raises(httpx.ConnectError):
                        await client.get(url)

    asyncio.run(scenario())


def test_a_wait_that_is_not_met_says_what_was_seen() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Answer()) as upstream, httpx.AsyncClient() as client:
            await client.get(upstream.base_url)
            await upstream.wait_requests(2, timeout_s=0.01)

    with pytest.raises(TimeoutError, match=r"waited 0.01 s for 2 request\(s\); seen: 1 requests"):
        asyncio.run(scenario())


def test_it_works_the_same_on_uvloop() -> None:
    async def scenario() -> None:
        script = [
            Answer(body=gzip.compress(b"x"), headers={"content-encoding": "gzip"}),
            Reset(),
            Answer(body=b"0123456789", reset_at=4),
            Answer(body="last"),
        ]
        async with ScriptedUpstream(script) as upstream, httpx.AsyncClient() as client:
            assert (await client.get(upstream.base_url)).text == "x"
            for _ in range(2):
                with pytest.raises(httpx.ReadError):
                    await client.get(upstream.base_url)
            await upstream.refuse_connections()
            with pytest.raises(httpx.ConnectError):
                await client.get(upstream.base_url)
            await upstream.accept_connections()
            assert (await client.get(upstream.base_url)).text == "last"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
