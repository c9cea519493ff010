"""The recorded exchanges, an adapter without a network, and a reader for its streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from multiroute_cohere import CohereProvider, CohereSettings
from multiroute_core.api import Call, Encoded, Event, Head, Target, UpstreamRequest
from multiroute_core.testing import Recording, Recordings


class Runtime:
    """A `ProviderRuntime` without a network."""

    instance = "cohere"
    base_url = "https://api.cohere.com"
    credentials: tuple[str, ...] = ("default",)

    def secret(self, credential: str) -> str:
        assert credential == "default"
        return "key-1"

    async def fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        raise AssertionError(f"an adapter wants the network: {request.url}")

    def now_s(self) -> float:
        return 1_790_000_000.0


@pytest.fixture
def provider() -> CohereProvider:
    return CohereProvider(CohereSettings(), Runtime())


@pytest.fixture
def encode(provider: CohereProvider) -> Callable[[Call], Encoded]:
    """A call as the adapter sends it, to the model that it names."""

    def send(call: Call) -> Encoded:
        base = "https://api.cohere.com"
        target = Target("t", "cohere", call.model, "m", base, "default", ("cohere", "rerank"))
        return provider.encode(call, target)

    return send


@pytest.fixture
def read(provider: CohereProvider) -> Callable[..., list[Event]]:
    """The events of a reply: a whole body, or the pieces of a stream."""

    def events(body: bytes | Iterable[bytes], memo: object = None) -> list[Event]:
        head = Head(200, ((b"content-type", b"application/json"),))
        if isinstance(body, bytes):
            return list(provider.decode(head, body, memo))
        decoder = provider.decoder(head, memo)
        out = [event for piece in body for event in decoder.feed(piece)]
        return [*out, *decoder.close()]

    return events


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[..., list[Recording]]:
    """Recordings of one API; `ok`: those answered with 2xx, or the others; `streamed`: likewise."""
    folder = os.environ.get("MULTIROUTE_WIRE_DIR") or shared / "data" / "wire"

    def load(api: str, *, ok: bool | None = None, streamed: bool | None = None) -> list[Recording]:
        found = [
            one
            for one in Recordings.load(folder, provider="cohere", api=api)
            if ok in (None, one.response.status < 400)
            and streamed in (None, one.response.stream_format is not None)
        ]
        assert found, f"no recordings of {api}"
        return found

    return load
