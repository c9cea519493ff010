"""Streams: however they are cut into pieces, and wherever they break off."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from multiroute_core.api.events import Broken, Event, Finish, Used
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat

Read = Callable[[Recording, str], list[Event]]


@pytest.fixture(scope="module")
def streams(answered: Recordings) -> Recordings:
    return answered.where(lambda one: one.response.is_streamed)


@pytest.mark.parametrize("chunking", ["bytes", "awkward", "events", "random:1", "random:2"])
def test_chunking_changes_nothing(streams: Recordings, read: Read, chunking: str) -> None:
    assert len(streams) > 200
    for one in streams:
        assert read(one, chunking) == read(one, "whole"), one.id


def _decode(body: bytes) -> list[Event]:
    decoder = chat.ChatDecoder()
    return [*decoder.feed(body), *decoder.close()]


def _end_of_answer(body: bytes) -> int:
    """Where the event ends that finishes the last choice, its blank line included; where no choice
    names a reason, the end mark."""
    seen: set[int] = set()
    found = done = at = 0
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        at += len(event) + 2
        data = b"".join(line[5:] for line in event.split(b"\n") if line.startswith(b"data:"))
        if data.strip() == b"[DONE]":
            done = at
        elif data.strip():
            for choice in json.loads(data).get("choices") or ():
                if choice.get("finish_reason") and choice.get("index", 0) not in seen:
                    seen.add(choice.get("index", 0))
                    found = at
    return found or done


def test_a_stream_cut_before_its_end_is_broken_and_after_it_complete(streams: Recordings) -> None:
    for one in streams:
        body = one.response.body.replace(b"\r\n", b"\n")
        end = _end_of_answer(body)
        seeded = random.Random(one.id)
        before = {0, 1, end - 1, end - 2, end - 3, *(seeded.randrange(end) for _ in range(4))}
        for cut in before:
            events = _decode(body[:cut])
            assert isinstance(events[-1], Broken), (one.id, cut, end)
            assert events[-1].fault.kind != "protocol", (one.id, cut)
        for cut in {end, len(body), seeded.randint(end, len(body))}:
            events = _decode(body[:cut])
            assert any(isinstance(event, Finish) for event in events), (one.id, cut, end)
            assert not any(isinstance(event, Broken) for event in events), (one.id, cut, end)


def test_an_end_mark_alone_ends_a_stream_only_whole() -> None:
    chunk = b'data: {"id":"r","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    assert not any(isinstance(e, Broken) for e in _decode(chunk + b"data: [DONE]\n\n"))
    assert isinstance(_decode(chunk + b"data: [DONE]")[-1], Broken)


def test_usage_cut_off_from_its_blank_line_is_read() -> None:
    choice = b'{"id":"r","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    usage = b'{"id":"r","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    events = _decode(b"data: " + choice + b"\n\ndata: " + usage)
    assert isinstance(events[-1], Used)


def test_a_second_choice_that_has_not_finished_breaks_the_stream() -> None:
    def chunk(index: int, finish: str | None) -> bytes:
        choice = {"index": index, "delta": {"content": "a"}, "finish_reason": finish}
        return b"data: " + json.dumps({"id": "r", "choices": [choice]}).encode() + b"\n\n"

    events = _decode(chunk(0, None) + chunk(1, None) + chunk(0, "stop"))
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == "truncated"
