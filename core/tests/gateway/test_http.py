"""What raw HTTP/1.1 may and may not do to the gateway."""

from __future__ import annotations

import asyncio
import json

import pytest

from core.tests.gateway.conftest import Serving
from core.tests.gateway.raw_client import connection, exchange, statuses
from core.tests.gateway.stand_in import KEY, Held, StandIn, answer_of, told
from multiroute_core.api import Call, Fault
from multiroute_core.engine.sink import Sink
from multiroute_core.gateway.errors import HttpRefusal, error_body
from multiroute_core.gateway.request_head import check_framing, check_local_host, notable
from multiroute_core.wire.chat import ChatDialect

DOCUMENT = b'{"model":"balanced","messages":[{"role":"user","content":"hi"}]}'
POST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"x-api-key: " + KEY.encode() + b"\r\n"
)
GET = b"GET /health/live HTTP/1.1\r\n"
CLOSE = b"connection: close\r\n"


async def turns(seconds: float) -> None:
    """Let the event loop turn until deadlines shorter than this have passed."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        await asyncio.sleep(0)


def chunked(body: bytes, size: int = 7) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GET + b"\r\n", 400),
        (GET + b"host: a\r\nhost: b\r\n\r\n", 400),
        (GET + b"host: a\r\nhost: a\r\n\r\n", 400),
        (GET + b"host: \r\n\r\n", 400),
        (GET + b"host: x/../../admin?\r\n\r\n", 400),
        (GET + b"host: a b\r\n\r\n", 400),
        (GET + b"host: a,b\r\n\r\n", 400),
        (GET + b"host: x:port\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        (POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"expect: 200-maybe\r\ncontent-length: 0\r\n\r\n", 417),
        (b"CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_an_ambiguous_request_is_refused_and_the_connection_closed(
    serving: Serving, request_bytes: bytes, status: int
) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, request_bytes)
        assert statuses(data) == [status]
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"connection: close" in head
        assert json.loads(body)["error"]["type"]

    serving(StandIn(), scenario)


@pytest.mark.parametrize("host", [b"x", b"a_b.example:4300", b"127.0.0.1", b"[::1]:80"])
def test_a_valid_host_is_served(serving: Serving, host: bytes) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, GET + b"host: " + host + b"\r\n" + CLOSE + b"\r\n")
        assert statuses(data) == [200]

    serving(StandIn(), scenario)


def test_the_old_protocol_needs_no_host(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        assert statuses(await exchange(base_url, b"GET /health/live HTTP/1.0\r\n\r\n")) == [200]

    serving(StandIn(), scenario)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"x: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"x: " + b"a" * 400_000, 431),  # never ends
        (b"".join(b"x%d: a\r\n" % n for n in range(200)) + b"\r\n", 431),
        (b"".join(b"x%d: %s\r\n" % (n, b"a" * 1000) for n in range(90)) + b"\r\n", 431),
        (b"".join(b"x%d: a\r\n" % n for n in range(98)) + CLOSE + b"\r\n", 200),
        (b"x: " + b"a" * 60_000 + b"\r\n" + CLOSE + b"\r\n", 200),
    ],
    ids=["long", "endless", "many", "sum", "just few enough", "just short enough"],
)
def test_heads_have_a_size(serving: Serving, headers: bytes, status: int) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, GET + b"host: x\r\n" + headers)
        assert statuses(data) == [status]

    serving(StandIn(), scenario)


@pytest.mark.parametrize("end", [b" HTTP/1.1\r\nhost: x\r\n\r\n", b""], ids=["whole", "endless"])
def test_a_path_has_a_length(serving: Serving, end: bytes) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, b"GET /health/live?" + b"a" * 100_000 + end)
        assert statuses(data) == [414]

    serving(StandIn(), scenario)


def test_a_head_in_small_pieces_is_counted_too(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (reader, writer):
            writer.write(GET + b"x: ")
            reply = asyncio.ensure_future(reader.readuntil(b"\r\n"))
            sent = 0
            while not reply.done():
                writer.write(b"a" * 1000)
                sent += 1000
                await writer.drain()
                await asyncio.sleep(0)
                assert sent < 50_000_000
            assert b" 431 " in await reply

    serving(StandIn(), scenario)


def test_the_next_head_on_a_connection_starts_from_nothing(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        big = GET + b"host: x\r\nx: " + b"a" * 40_000 + b"\r\n"
        data = await exchange(base_url, big + b"\r\n", big + b"\r\n", big + CLOSE + b"\r\n")
        assert statuses(data) == [200, 200, 200]

    serving(StandIn(), scenario)


def test_a_declared_body_over_the_cap_is_not_read(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        for length in (b"1001", b"999999999999999999"):
            data = await exchange(
                base_url, POST + b"content-length: " + length + b"\r\n\r\n" + b"{"
            )
            assert statuses(data) == [413]
            assert json.loads(data.partition(b"\r\n\r\n")[2])["error"]["code"] == (
                "request_too_large"
            )

    serving(StandIn(), scenario, body_bytes=1000)


def test_a_chunked_body_is_refused_where_it_passes_the_cap(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        endless = b"100\r\n" + b" " * 256 + b"\r\n"
        head = POST + b"transfer-encoding: chunked\r\n\r\n"
        data = await exchange(base_url, head, *[endless] * 40)
        assert statuses(data) == [413]

    serving(StandIn(), scenario, body_bytes=1000)


def test_a_body_just_within_the_cap_is_taken(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        body = DOCUMENT + b" " * (1000 - len(DOCUMENT))
        length = b"content-length: 1000\r\n" + CLOSE + b"\r\n"
        assert statuses(await exchange(base_url, POST + length + body)) == [200]
        head = POST + CLOSE + b"transfer-encoding: chunked\r\n\r\n"
        assert statuses(await exchange(base_url, head, chunked(body))) == [200]

    serving(StandIn(), scenario, body_bytes=1000)


def test_a_413_is_read_by_a_client_that_goes_on_sending(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (reader, writer):
            writer.write(POST + b"content-length: 30000000\r\n\r\n")
            for _ in range(100):
                writer.write(b" " * 65_536)
                await writer.drain()
            assert statuses(await reader.read()) == [413]

    serving(StandIn(), scenario, body_bytes=1000, linger_s=10.0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"content-encoding: gzip\r\n", 415),
        (b"content-encoding: zstd\r\n", 415),
        (b"content-encoding: identity\r\n", 200),
    ],
)
def test_only_plain_bodies_are_taken(serving: Serving, headers: bytes, status: int) -> None:
    async def scenario(base_url: str) -> None:
        length = b"content-length: %d\r\n" % len(DOCUMENT)
        data = await exchange(base_url, POST + headers + CLOSE + length + b"\r\n" + DOCUMENT)
        assert statuses(data) == [status]

    serving(StandIn(), scenario)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (None, 200),
        (b"application/json; charset=utf-8", 200),
        (b"application/vnd.acme+JSON", 200),
        (b"text/plain", 415),
        (b"application/x-www-form-urlencoded", 415),
    ],
)
def test_the_body_must_be_called_json_or_nothing(
    serving: Serving, kind: bytes | None, status: int
) -> None:
    async def scenario(base_url: str) -> None:
        line = b"" if kind is None else b"content-type: " + kind + b"\r\n"
        head = POST.replace(b"content-type: application/json\r\n", line)
        length = b"content-length: %d\r\n" % len(DOCUMENT)
        data = await exchange(base_url, head + CLOSE + length + b"\r\n" + DOCUMENT)
        assert statuses(data) == [status]

    serving(StandIn(), scenario)


def test_trailers_are_no_headers(serving: Serving) -> None:
    """A key or host that comes after the body must count for nothing (RFC 9110, 6.5.1)."""

    async def scenario(base_url: str) -> None:
        bare = POST.replace(b"x-api-key: " + KEY.encode() + b"\r\n", b"")
        head = bare + CLOSE + b"transfer-encoding: chunked\r\n\r\n"
        trailer = b"x-api-key: " + KEY.encode() + b"\r\n\r\n"
        data = await exchange(base_url, head + chunked(DOCUMENT)[:-2] + trailer)
        assert statuses(data) == [401]

    serving(StandIn(), scenario)


def test_pipelined_requests_are_answered_in_order(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        one = GET + b"host: x\r\n\r\n"
        other = b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"
        data = await exchange(base_url, one + other + one + GET + b"host: x\r\n" + CLOSE + b"\r\n")
        assert statuses(data) == [200, 404, 200, 200]

    serving(StandIn(), scenario)


def test_pipelined_requests_have_a_number(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, (GET + b"host: x\r\n\r\n") * 1000)
        assert statuses(data) == [400]

    serving(StandIn(), scenario)


def test_a_body_that_breaks_its_framing_gets_one_answer(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        head = POST + b"transfer-encoding: chunked\r\n\r\n"
        data = await exchange(base_url, head, b"3\r\nABCXX0\r\n\r\n" + GET + b"host: x\r\n\r\n")
        assert statuses(data) == [400]

    router = StandIn()
    serving(router, scenario)
    assert router.calls == []


def test_an_upgrade_is_answered_as_the_plain_request(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        for wanted in (b"h2c", b"websocket"):
            upgrade = b"connection: upgrade\r\nupgrade: " + wanted + b"\r\n"
            data = await exchange(base_url, GET + b"host: x\r\n" + upgrade + b"\r\n")
            assert statuses(data) == [200]

    serving(StandIn(), scenario)


@pytest.mark.parametrize(
    "pieces",
    [(GET,), (GET + b"host: x\r\nx: a",), (GET + b"host: x\r\n\r\n", GET + b"host")],
    ids=["line", "header", "second"],
)
def test_a_slow_head_is_ended(serving: Serving, pieces: tuple[bytes, ...]) -> None:
    async def scenario(base_url: str) -> None:
        assert statuses(await exchange(base_url, *pieces)) == [200] * (len(pieces) - 1) + [408]

    serving(StandIn(), scenario, head_s=0.05)


def test_a_connection_that_asks_nothing_is_closed_without_a_word(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        assert await exchange(base_url) == b""

    serving(StandIn(), scenario, head_s=0.05)


def test_a_connection_that_sends_blank_lines_is_closed(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (reader, writer):
            writer.write(GET + b"host: x\r\n\r\n")
            await reader.readuntil(b'"live"}')
            writer.write(b"\r\n\r\n")
            assert await reader.read() == b""

    serving(StandIn(), scenario, head_s=0.05)


@pytest.mark.parametrize("length", [b"content-length: 90", b"transfer-encoding: chunked"])
def test_a_slow_body_is_ended(serving: Serving, length: bytes) -> None:
    async def scenario(base_url: str) -> None:
        data = await exchange(base_url, POST + length + b"\r\n\r\n")
        assert statuses(data) == [408]

    router = StandIn()
    serving(router, scenario, body_s=0.05)
    assert router.calls == []


def test_a_body_that_is_refused_unread_gets_one_answer_and_a_deadline(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        bare = POST.replace(KEY.encode(), b"wrong")
        data = await exchange(base_url, bare + b"content-length: 90\r\n\r\n")
        assert statuses(data) == [401]

    serving(StandIn(), scenario, body_s=0.05)


def test_a_refused_body_that_arrives_leaves_the_connection_usable(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        bare = POST.replace(KEY.encode(), b"wrong") + b"content-length: 4\r\n\r\n"
        data = await exchange(
            base_url, bare, b"{", b" ", b"}\n", GET + b"host: x\r\n", CLOSE, b"\r\n"
        )
        assert statuses(data) == [401, 200]

    serving(StandIn(), scenario)


def test_such_a_connection_may_then_be_idle(serving: Serving) -> None:
    """The deadline of the body ends with the body, though the answer came before it."""

    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (reader, writer):
            bare = POST.replace(KEY.encode(), b"wrong") + b"content-length: 4\r\n\r\n"
            writer.write(bare)
            await reader.readuntil(b"}}")
            writer.write(b"{ }\n")
            await turns(0.1)
            writer.write(GET + b"host: x\r\n" + CLOSE + b"\r\n")
            assert statuses(await reader.read()) == [200]

    serving(StandIn(), scenario, body_s=0.05, head_s=0.05)


def test_nonsense_behind_a_running_stream_ends_it_and_is_not_answered_into_it(
    serving: Serving,
) -> None:
    async def scenario(base_url: str) -> None:
        held = router.behaviours["held"] = Held()
        body = DOCUMENT.replace(b'"balanced"', b'"held","stream":true')
        async with connection(base_url) as (reader, writer):
            writer.write(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
            await held.waiting.wait()
            writer.write(b"nonsense\r\n\r\n")
            data = await reader.read()
        assert statuses(data) == [200]
        assert b"[DONE]" not in data
        await held.cancelled.wait()

    router = StandIn()
    serving(router, scenario)


def test_a_broken_stream_is_the_last_of_its_connection(serving: Serving) -> None:
    async def breaking(call: Call, sink: Sink, call_id: str) -> None:
        await sink.begin(answer_of(call_id))
        await sink.send(told()[0], None)
        await sink.fail(Fault("stall", "the provider went silent"))

    async def scenario(base_url: str) -> None:
        body = DOCUMENT.replace(b'"balanced"', b'"broken","stream":true')
        data = await exchange(base_url, POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert b"connection: close" not in data  # nobody knew when it began
        assert b"went silent" in data

    serving(StandIn({"broken": breaking}), scenario)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_two_framings_are_refused_under_any_server(version: str) -> None:
    found = notable(
        [(b"host", b"x"), (b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    )
    with pytest.raises(HttpRefusal) as caught:
        check_framing(found, version)
    assert caught.value.status == 400
    assert caught.value.closes


def test_an_error_in_words_that_are_no_unicode_can_still_be_told() -> None:
    error = HttpRefusal(400, "bad\ud800", "no such name: \ud800")
    assert json.loads(error_body(ChatDialect(), error, ""))["error"]["message"] == (
        "no such name: ?"
    )


def test_a_long_answer_is_not_cut_by_the_deadlines_of_reading(serving: Serving) -> None:
    """The next request's head may wait, half sent, as long as the answer before it takes."""

    async def scenario(base_url: str) -> None:
        held = router.behaviours["held"] = Held(speaks=False)
        async with connection(base_url) as (reader, writer):
            body = DOCUMENT.replace(b"balanced", b"held")
            writer.write(POST + b"content-length: %d\r\n\r\n" % len(body) + body + GET)
            await held.waiting.wait()
            await turns(0.1)
            held.release.set()
            writer.write(b"host: x\r\n" + CLOSE + b"\r\n")
            assert statuses(await reader.read()) == [200, 200]

    router = StandIn()
    serving(router, scenario, head_s=0.02, body_s=0.02)


def test_an_expected_continue_is_sent_before_the_body(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with connection(base_url) as (reader, writer):
            length = b"content-length: %d\r\n" % len(DOCUMENT)
            writer.write(POST + CLOSE + length + b"expect: 100-continue\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(DOCUMENT)
            assert statuses(await reader.read()) == [200]

    serving(StandIn(), scenario)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        (b"127.0.0.1:4300", True),
        (b"localhost", True),
        (b"[::1]:80", True),
        (b"rebound.example", False),
        (b"127.0.0.1.example:4300", False),
        (b"localhost.example", False),
    ],
)
def test_an_open_gateway_answers_under_this_machines_names_only(host: bytes, is_ours: bool) -> None:
    if is_ours:
        check_local_host({b"host": host})
        return
    with pytest.raises(HttpRefusal) as caught:
        check_local_host({b"host": host})
    assert caught.value.status == 421
