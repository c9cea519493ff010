"""Streams: however they are cut into pieces, and wherever they break off."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from multiroute_core.api import Broken, Event, Finish
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import responses

Read = Callable[[Recording, str], list[Event]]
_ENDS = ("response.completed", "response.incomplete")


@pytest.mark.parametrize("chunking", ["bytes", "awkward", "events", "random:1", "random:2"])
def test_chunking_changes_nothing(streams: Recordings, read: Read, chunking: str) -> None:
    assert len(streams) > 90
    for one in streams:
        assert read(one, chunking) == read(one, "whole"), one.id


def _decode(body: bytes) -> list[Event]:
    decoder = responses.ResponsesDecoder()
    return [*decoder.feed(body), *decoder.close()]


def _end_of_payload(body: bytes) -> int:
    """Where the document ends that holds the whole response."""
    at = 0
    for line in body.splitlines(keepends=True):
        data = line.strip().removeprefix(b"data:").strip()
        if data.startswith(b"{") and json.loads(data)["type"] in _ENDS:
            return at + len(line.rstrip())
        at += len(line)
    raise AssertionError("a recorded stream without an end")


def test_a_stream_cut_before_its_end_is_broken_and_after_it_complete(streams: Recordings) -> None:
    for one in streams:
        body = one.response.body
        end = _end_of_payload(body)
        seeded = random.Random(one.id)
        for cut in {0, 1, end - 1, end - 2, *(seeded.randrange(end) for _ in range(6))}:
            events = _decode(body[:cut])
            assert isinstance(events[-1], Broken), (one.id, cut, end)
            assert events[-1].fault.kind == "truncated", (one.id, cut)
            assert not any(isinstance(event, Finish) for event in events), (one.id, cut)
        for cut in {end, len(body), seeded.randint(end, len(body))}:
            events = _decode(body[:cut])
            assert any(isinstance(event, Finish) for event in events), (one.id, cut, end)
            assert not any(isinstance(event, Broken) for event in events), (one.id, cut, end)


def test_an_end_mark_alone_ends_no_stream() -> None:
    events = _decode(b"data: [DONE]\n\n")
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == "truncated"


def test_the_framer_passes_streams_on_byte_by_byte_and_knows_their_end(streams: Recordings) -> None:
    for one in streams:
        framer = responses.ResponsesDialect().framer()
        assert framer.end == b""
        framed = [*framer.feed(one.response.body)]
        rest = framer.close()
        assert b"".join(framed) + rest == one.response.body, one.id
        if rest.strip():
            framed.append(rest)
        ends = [event for event in framed if framer.is_end(event)]
        assert len(ends) == 1, one.id
        last = [event for event in framed if b"[DONE]" not in event and b"data:" in event][-1]
        assert ends[0] == last, one.id


def test_a_delta_that_speaks_of_an_end_is_none() -> None:
    framer = responses.ResponsesDialect().framer()
    event = (
        b'event: response.output_text.delta\ndata: {"delta":"\\"type\\":\\"response.completed\\""}'
    )
    assert not framer.is_end(event + b"\n\n")
    assert framer.is_end(b'data: {"type": "response.failed", "response": {}}\n\n')
