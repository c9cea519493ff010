"""Recorded responses of every provider, for the tests of the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from multiroute_core.api import Event
from multiroute_core.testing import Recording, Recordings, split_body
from multiroute_core.wire import responses

Read = Callable[[Recording, str], list[Event]]


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Recordings:
    """All exchanges in this format."""
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return Recordings.load(folder, api="responses")


@pytest.fixture(scope="session")
def answered(recorded: Recordings) -> Recordings:
    """Those with an answer."""
    return recorded.where(lambda one: one.response.status < 300)


@pytest.fixture(scope="session")
def streams(answered: Recordings) -> Recordings:
    """Those that were streamed."""
    return answered.where(lambda one: one.response.is_streamed)


@pytest.fixture(scope="session")
def chats(shared: Path) -> Recordings:
    """Answered exchanges of the chat format."""
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    listed = Recordings.load(folder, api="chat.completions")
    return listed.where(lambda one: one.response.status < 300)


@pytest.fixture(scope="session")
def read() -> Read:
    """`read(recording, chunking)` gives the events of its reply."""
    return _read


def _read(one: Recording, chunking: str = "whole") -> list[Event]:
    if not one.response.is_streamed:
        return responses.decode_reply(one.response.body)
    decoder = responses.ResponsesDecoder()
    events: list[Event] = []
    for piece in split_body(one.response.body, chunking):
        events += decoder.feed(piece)
    return events + decoder.close()


@pytest.fixture(scope="session")
def final() -> Callable[[Recording], dict[str, Any]]:
    """`final(recording)` gives the whole response that its reply ends with."""
    return _final


def _final(one: Recording) -> dict[str, Any]:
    text = one.response.body.decode()
    if not one.response.is_streamed:
        whole: dict[str, Any] = json.loads(text)
        return whole
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    docs = [json.loads(line) for line in lines if line and line != "[DONE]"]
    found: dict[str, Any] = docs[-1]["response"]
    return found


@dataclass
class Client:
    """The official client, answered from memory."""

    openai: openai.OpenAI
    memory: _Memory

    def whole(self, body: bytes) -> openai.types.responses.Response:
        self.memory.body, self.memory.kind = body, "application/json"
        return self.openai.responses.create(model="m", input="x")

    def stream(self, body: bytes) -> list[openai.types.responses.ResponseStreamEvent]:
        self.memory.body, self.memory.kind = body, "text/event-stream"
        return list(self.openai.responses.create(model="m", input="x", stream=True))

    def helper(self, body: bytes) -> openai.types.responses.Response:
        """What `responses.stream()` collects: it checks order, indexes and ids of all events."""
        self.memory.body, self.memory.kind = body, "text/event-stream"
        with self.openai.responses.stream(model="m", input="x") as stream:
            for _ in stream:
                pass
            return stream.get_final_response()


class _Memory(httpx2.BaseTransport):
    """Answers every request with the body that was put here."""

    body = b""
    kind = ""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": self.kind}
        return httpx2.Response(200, headers=headers, content=self.body, request=request)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """The official client."""
    memory = _Memory()
    with httpx2.Client(transport=memory) as http:
        made = openai.OpenAI(api_key="k", base_url="http://memory/v1", http_client=http)
        yield Client(made, memory)
