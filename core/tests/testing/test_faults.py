"""Every fault that a script can name happens on the wire, and can be waited for."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import httpx
import pytest

from multiroute_core.testing import (
    Answer,
    Close,
    EventStream,
    Hang,
    Raw,
    Reset,
    ScriptedUpstream,
    Step,
    chat_chunks,
    chat_error_event,
    chat_stream,
    gzip_bomb,
    html_page,
    long_sse_line,
    sse_event,
)

RawExchange = Callable[[str, bytes], Awaitable[bytes]]
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def _get(step: Step) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with ScriptedUpstream(step) as upstream, httpx.AsyncClient() as client:
            return await client.get(upstream.base_url)

    return asyncio.run(scenario())


def _stream(step: Step) -> tuple[bytes, type[Exception] | None]:
    """The body bytes that a client got, and the error that ended it."""

    async def scenario() -> tuple[bytes, type[Exception] | None]:
        got = bytearray()
        async with (
            ScriptedUpstream(step) as upstream,
            httpx.AsyncClient() as client,
            client.stream("GET", upstream.base_url) as reply,
        ):
            try:
                async for part in reply.aiter_raw():
                    got += part
            except httpx.TransportError as exc:
                return bytes(got), type(exc)
        return bytes(got), None

    return asyncio.run(scenario())


def test_reset_ends_the_connection_with_rst_before_any_byte() -> None:
    with pytest.raises(httpx.ReadError):
        _get(Reset())


def test_close_ends_the_connection_in_order_before_any_byte() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        _get(Close())


def test_reset_is_seen_as_econnreset_and_close_as_end_of_file(raw_exchange: RawExchange) -> None:
    async def scenario() -> None:
        async with ScriptedUpstream([Close(), Reset()]) as upstream:
            assert await raw_exchange(upstream.base_url, GET) == b""
            with pytest.raises(ConnectionResetError):
                await raw_exchange(upstream.base_url, GET)

    asyncio.run(scenario())


def test_hang_reads_the_request_and_waits_until_the_client_leaves() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Hang()) as upstream:
            async with httpx.AsyncClient() as client:
                asking = asyncio.ensure_future(client.post(upstream.base_url, json={"n": 1}))
                assert (await upstream.wait_requests()).json() == {"n": 1}
                assert upstream.abandoned == []
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                left = await upstream.wait_abandoned()
            assert left is upstream.requests[0]
            await upstream.wait_closed_by_client()
            await upstream.wait_no_connections()

    asyncio.run(scenario())


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("at", [0, 1, 4, 9])
def test_cut_sends_exactly_so_many_body_bytes(framing: str, at: int) -> None:
    answer = Answer(body=b"0123456789", chunks="random:1", framing=framing, cut_at=at)  # type: ignore[arg-type]  # parametrised
    got, error = _stream(answer)
    assert got == b"0123456789"[:at]
    # Without framing the end of the connection is the proper end: nobody can tell.
    assert error == (None if framing == "close" else httpx.RemoteProtocolError)


def test_cut_after_the_whole_body_withholds_the_end_of_chunked_framing() -> None:
    assert _stream(Answer(body=b"0123", framing="chunked", cut_at=4)) == (
        b"0123",
        httpx.RemoteProtocolError,
    )


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_reset_in_the_body(framing: str) -> None:
    got, error = _stream(Answer(body=b"0123456789", framing=framing, reset_at=4))  # type: ignore[arg-type]  # parametrised
    assert error is httpx.ReadError
    assert b"0123".startswith(got)


def test_stall_sends_so_many_bytes_and_then_nothing_until_the_client_leaves() -> None:
    async def scenario() -> bytes:
        stream = chat_stream("one two three")
        async with ScriptedUpstream(Answer(body=stream, stall_at=30)) as upstream:
            async with (
                httpx.AsyncClient() as client,
                client.stream("GET", upstream.base_url) as reply,
            ):
                got = bytearray()
                async for part in reply.aiter_raw():
                    got += part
                    if len(got) == 30:
                        break
                assert upstream.abandoned == []
                assert upstream.connections_open == 1
            await upstream.wait_abandoned()
        return bytes(got)

    assert asyncio.run(scenario()) == chat_stream("one two three")[:30]


def test_stall_at_zero_sends_headers_only() -> None:
    async def scenario() -> int:
        async with ScriptedUpstream(Answer(body=chat_stream(), stall_at=0)) as upstream:
            async with (
                httpx.AsyncClient() as client,
                client.stream("GET", upstream.base_url) as reply,
            ):
                status = reply.status_code
            await upstream.wait_abandoned()
            return status

    assert asyncio.run(scenario()) == 200


def test_a_client_that_leaves_during_the_latency_is_noticed_at_once() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Answer(latency_s=3600.0)) as upstream:
            with pytest.raises(httpx.ReadTimeout):
                async with httpx.AsyncClient(timeout=0.05) as client:
                    await client.get(upstream.base_url)
            await upstream.wait_abandoned()

    asyncio.run(scenario())


def test_a_client_that_reads_all_has_not_abandoned_anything() -> None:
    async def scenario() -> None:
        async with ScriptedUpstream(Answer(body=chat_stream())) as upstream:
            async with httpx.AsyncClient() as client:
                await client.get(upstream.base_url)
            await upstream.wait_closed_by_client()
            assert upstream.abandoned == []

    asyncio.run(scenario())


def test_a_declared_length_that_is_too_long_ends_early() -> None:
    assert _stream(Answer(body=b"0123", declared_length=9)) == (b"0123", httpx.RemoteProtocolError)


def test_a_declared_length_that_is_too_short_leaves_bytes_over(raw_exchange: RawExchange) -> None:
    async def scenario() -> bytes:
        async with ScriptedUpstream(Answer(body=b"0123", declared_length=2)) as upstream:
            return await raw_exchange(upstream.base_url, GET)

    answer = asyncio.run(scenario())
    assert b"content-length: 2\r\n" in answer
    assert answer.endswith(b"\r\n\r\n0123")


def test_bad_chunk_framing_breaks_after_the_body() -> None:
    assert _stream(Answer(body=b"0123", framing="bad-chunk")) == (
        b"0123",
        httpx.RemoteProtocolError,
    )


def test_a_broken_status_line_is_sent() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        _get(Raw(b"SIP/2.0 200 OK\r\n\r\n"))


def test_raw_bytes_may_end_in_a_reset_or_a_stall(raw_exchange: RawExchange) -> None:
    async def scenario() -> None:
        script = [Raw(b"HTTP/1.1 200 OK\r\n", then="reset"), Raw(b"HTTP/1.1 ", then="stall")]
        async with ScriptedUpstream(script) as upstream:
            with pytest.raises(ConnectionResetError):
                await raw_exchange(upstream.base_url, GET)
            asking = asyncio.ensure_future(raw_exchange(upstream.base_url, GET))
            await upstream.wait_requests(2)
            asking.cancel()
            await upstream.wait_abandoned()

    asyncio.run(scenario())


def test_html_instead_of_json_and_an_empty_body() -> None:
    page = _get(Answer(200, {"content-type": "text/html"}, html_page()))
    assert page.headers["content-type"] == "text/html"
    assert "502 Bad Gateway" in page.text
    assert _get(Answer(200, {"content-type": "application/json"})).content == b""


def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked() -> None:
    bomb = gzip_bomb(10_000_001)
    assert len(bomb) < 20_000
    assert gzip.decompress(bomb) == bytes(10_000_001)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert len(_get(Answer(200, headers, bomb)).content) == 10_000_001


def test_an_error_event_after_the_first_chunk() -> None:
    stream = EventStream.of(map(sse_event, chat_chunks("hello")[:2]), chat_error_event("late"))
    got, error = _stream(Answer(body=stream))
    assert (got, error) == (bytes(stream), None)
    assert got.endswith(
        b'data: {"error":{"message":"late","type":"server_error","param":null,"code":null}}\n\n'
    )


def test_a_very_long_line_arrives_whole() -> None:
    got, error = _stream(Answer(body=EventStream(long_sse_line(3_000_000))))
    assert (len(got), error) == (3_000_008, None)


@pytest.mark.parametrize(
    "name",
    ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-should-retry", "X-Any"],
)
def test_every_pushback_header_goes_out_as_given(name: str) -> None:
    assert _get(Answer(429, {name: "6m0s"})).headers[name] == "6m0s"


def test_repeated_headers_are_kept() -> None:
    reply = _get(Answer(429, [("retry-after", "1"), ("retry-after", "2")]))
    assert reply.headers.get_list("retry-after") == ["1", "2"]


@pytest.mark.parametrize(
    "values",
    [
        {"status": 100},
        {"status": 600},
        {"latency_s": -1.0},
        {"latency_s": float("nan")},
        {"gap_s": float("inf")},
        {"chunks": "sometimes"},
        {"chunks": "random:x"},
        {"chunks": [b"a"], "body": b"b"},
        {"framing": "odd"},
        {"compress": "zip"},
        {"cut_at": 5, "body": b"1234"},
        {"cut_at": -1},
        {"cut_at": 0, "stall_at": 0},
        {"declared_length": 1, "framing": "chunked"},
        {"declared_length": -1},
        {"headers": {"content-length": "4"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"x": "a\r\nb: c"}},
        {"headers": {"a b": "c"}},
        {"headers": {"x": "\u20ac"}},
        {"reason": "a\nb"},
        {"body": object()},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Answer(**values)  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("values", [{"then": "dance"}, {"latency_s": -1.0}])
def test_raw_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Raw(b"", **values)  # type: ignore[arg-type]  # the mistake under test
