"""The recorded exchanges, a runtime with real sockets, and adapters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from multiroute_core.api import Event, Head, Target, UpstreamRequest
from multiroute_core.testing import Recording, Recordings
from multiroute_ollama import OllamaProvider, OllamaSettings


class Runtime:
    """A `ProviderRuntime` that sends to where it is told."""

    instance = "ollama"

    def __init__(self, base_url: str = "http://127.0.0.1:11434", key: str = "") -> None:
        self.base_url = base_url
        self.credentials: tuple[str, ...] = ("default",) if key else ()
        self._key = key

    def secret(self, credential: str) -> str:
        assert credential in self.credentials
        return self._key

    async def fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = [(k.decode(), v.decode()) for k, v in request.headers]
            reply = await client.request(
                request.method, request.url, headers=headers, content=request.body
            )
        return Head(reply.status_code, ()), reply.content

    def now_s(self) -> float:
        return 1_790_000_000.0


@pytest.fixture
def make() -> Callable[..., OllamaProvider]:
    """`make(api="native")`: an adapter with these settings; `at` and `key` are its host's."""

    def made(at: str = "http://127.0.0.1:11434", key: str = "", **settings) -> OllamaProvider:
        return OllamaProvider(OllamaSettings.model_validate(settings), Runtime(at, key))

    return made


@pytest.fixture
def target() -> Target:
    wires = ("chat", "embeddings", "ollama")
    return Target("t", "ollama", "llama3", "m", "http://127.0.0.1:11434", "", wires)


@pytest.fixture
def read(make: Callable[..., OllamaProvider]) -> Callable[..., list[Event]]:
    """The events of a native reply: a whole body, or the pieces of a stream."""

    def events(body: bytes | list[bytes], memo: object = "ollama") -> list[Event]:
        head = Head(200, ((b"content-type", b"application/json"),))
        if isinstance(body, bytes):
            return list(make().decode(head, body, memo))
        decoder = make().decoder(head, memo)
        out = [event for piece in body for event in decoder.feed(piece)]
        return [*out, *decoder.close()]

    return events


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[..., list[Recording]]:
    """Recordings of these APIs; `ok`: those answered with 2xx, or the others; `streamed` alike."""
    folder = os.environ.get("MULTIROUTE_WIRE_DIR") or shared / "data" / "wire"

    def load(*apis: str, ok: bool | None = None, streamed: bool | None = None) -> list[Recording]:
        found = [
            one
            for api in apis
            for one in Recordings.load(folder, provider="ollama", api=api)
            if ok in (None, one.response.status < 400)
            and streamed in (None, one.response.stream_format is not None)
        ]
        assert found, f"no recordings of {apis}"
        return found

    return load
