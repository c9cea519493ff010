"""Recorded chat completions of every provider, for the tests of the format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiroute_core.api.events import Event
from multiroute_core.testing import Recording, Recordings, split_body
from multiroute_core.wire import chat

Read = Callable[[Recording, str], list[Event]]


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Recordings:
    """All exchanges in this format."""
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return Recordings.load(folder, api="chat.completions")


@pytest.fixture(scope="session")
def answered(recorded: Recordings) -> Recordings:
    """Those with an answer: 2xx, a body, no error in it."""
    return recorded.where(
        lambda one: (
            one.response.status < 300 and bool(one.response.body.strip()) and not _holds_error(one)
        )
    )


@pytest.fixture(scope="session")
def read() -> Read:
    """`read(recording, chunking)` gives the events of its reply."""
    return _read


def _read(one: Recording, chunking: str = "whole") -> list[Event]:
    if not one.response.is_streamed:
        return chat.decode_reply(one.response.body)
    decoder = chat.ChatDecoder()
    events: list[Event] = []
    for piece in split_body(one.response.body, chunking):
        events += decoder.feed(piece)
    return events + decoder.close()


def _holds_error(one: Recording) -> bool:
    return any(isinstance(d, dict) and d.get("error") for d in documents(one))


def documents(one: Recording) -> list[Any]:
    """The JSON documents of a reply: one, or those of its stream."""
    text = one.response.body.decode()
    if not one.response.is_streamed:
        return [json.loads(text)] if text.strip() else []
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


@pytest.fixture(scope="session")
def documents_of() -> Callable[[Recording], list[Any]]:
    """`documents_of(recording)` gives the JSON documents of its reply."""
    return documents
