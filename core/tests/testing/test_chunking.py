"""Every way of cutting a body gives the same bytes, cut where it says."""

from __future__ import annotations

import asyncio
import struct
import zlib

import httpx
import pytest
from hypothesis import given, strategies as st

from multiroute_core.testing import (
    Answer,
    EventStream,
    ScriptedUpstream,
    messages_stream,
    split_body,
    sse_comment,
    sse_event,
)

MODES = ["whole", "bytes", "events", "awkward", "random:0", "random:7"]


@given(body=st.binary(max_size=400), mode=st.sampled_from(MODES))
def test_pieces_join_to_the_body_and_none_is_empty(body: bytes, mode: str) -> None:
    pieces = split_body(body, mode)
    assert b"".join(pieces) == body
    assert all(pieces)


@given(text=st.text(alphabet="aé€😀\r\n", max_size=60))
def test_awkward_cuts_every_character_of_several_bytes(text: str) -> None:
    for piece in split_body(text.encode(), "awkward"):
        assert not any(len(character.encode()) > 1 for character in piece.decode(errors="ignore"))
        assert b"\r\n" not in piece


def test_one_seed_cuts_the_same_way_each_time_and_another_differently() -> None:
    body = bytes(2000)
    assert split_body(body, "random:3") == split_body(body, "random:3")
    assert split_body(body, "random:3") != split_body(body, "random:4")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_events_are_cut_after_each_blank_line(line_end: bytes) -> None:
    events = [b"event: a" + line_end + b"data: 1" + line_end * 2, b": note" + line_end * 2]
    assert list(split_body(b"".join(events), "events")) == events


def test_lines_are_the_events_where_there_is_no_blank_line() -> None:
    assert split_body(b'{"a":1}\n{"a":2}\n', "events") == (b'{"a":1}\n', b'{"a":2}\n')


def _frame(payload: bytes) -> bytes:
    head = struct.pack(">II", len(payload) + 16, 0)
    message = head + struct.pack(">I", zlib.crc32(head)) + payload
    return message + struct.pack(">I", zlib.crc32(message))


def test_binary_frames_are_the_events_and_awkward_cuts_their_preludes() -> None:
    frames = [_frame(b"first\n\n"), _frame(b""), _frame(b"third")]
    body = b"".join(frames)
    assert list(split_body(body, "events")) == frames
    assert [len(piece) for piece in split_body(body, "awkward")] == [4, 6, 17, 6, 10, 6, 11]


def test_given_pieces_must_join_to_the_body() -> None:
    assert split_body(b"abc", [b"a", b"", b"bc"]) == (b"a", b"bc")
    with pytest.raises(ValueError, match="must join to the body"):
        split_body(b"abc", [b"a"])


@pytest.mark.parametrize("mode", ["", "random", "random:", "random:x", "event"])
def test_an_unknown_mode_is_refused_with_the_known_ones(mode: str) -> None:
    with pytest.raises(ValueError, match="use whole, bytes, events, awkward"):
        split_body(b"abc", mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("compress", [None, "gzip"])
def test_a_client_gets_the_same_body_in_every_mode(
    mode: str, framing: str, compress: str | None
) -> None:
    body = messages_stream(["Grüße, ", "中文 ", "😀"], thinking="hm, hm")

    async def scenario() -> bytes:
        answer = Answer(body=body, chunks=mode, framing=framing, compress=compress)  # type: ignore[arg-type]  # parametrised
        async with ScriptedUpstream(answer) as upstream, httpx.AsyncClient() as client:
            return (await client.get(upstream.base_url)).content

    assert asyncio.run(scenario()) == body


def test_an_event_stream_goes_out_one_event_a_chunk() -> None:
    events = [sse_event({"n": 1}), sse_comment("wait"), sse_event("[DONE]")]

    async def scenario() -> list[bytes]:
        answer = Answer(body=EventStream.of(events))
        async with (
            ScriptedUpstream(answer) as upstream,
            httpx.AsyncClient() as client,
            client.stream("GET", upstream.base_url) as reply,
        ):
            assert reply.headers["content-type"] == "text/event-stream"
            assert reply.headers["transfer-encoding"] == "chunked"
            return [part async for part in reply.aiter_raw()]

    assert asyncio.run(scenario()) == events


def test_compressed_events_can_be_read_one_by_one() -> None:
    events = [sse_event({"n": number}) for number in range(3)]
    answer = Answer(body=EventStream.of(events), compress="gzip")
    reader = zlib.decompressobj(wbits=31)
    assert [reader.decompress(piece) for piece in answer.pieces[:3]] == events
