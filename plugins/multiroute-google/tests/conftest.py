"""The recorded exchanges, and a runtime without a network."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from multiroute_core.api import Head, Target, UpstreamRequest
from multiroute_core.testing import Recording, Recordings

PROVIDERS = ("google-aistudio", "google-vertex")


class Runtime:
    """A `ProviderRuntime` whose fetch answers from a list and keeps what was sent."""

    def __init__(self, secret: str = "key-1", base_url: str = "https://x.googleapis.com") -> None:
        self.instance = "g"
        self.base_url = base_url
        self.credentials: tuple[str, ...] = ("default",)
        self.answers: list[tuple[int, bytes]] = []
        self.sent: list[UpstreamRequest] = []
        self.time_s = 1_790_000_000.0
        self._secret = secret

    def secret(self, credential: str) -> str:
        assert credential in self.credentials
        return self._secret

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        return self._fetch

    async def _fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        self.sent.append(request)
        status, body = self.answers.pop(0)
        return Head(status, ((b"content-type", b"application/json"),)), body

    @property
    def now_s(self) -> Callable[[], float]:
        return lambda: self.time_s


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


@pytest.fixture
def make_runtime() -> type[Runtime]:
    return Runtime


@pytest.fixture
def target() -> Target:
    return Target(
        "g:gemini-3-flash", "g", "gemini-3-flash", "m", "https://x.googleapis.com", "default"
    )


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[..., list[Recording]]:
    """Recordings of one API of both providers; `ok`: those answered with 2xx, or the others."""
    folder = os.environ.get("MULTIROUTE_WIRE_DIR") or shared / "data" / "wire"

    def load(*apis: str, ok: bool | None = None) -> list[Recording]:
        found = [
            item
            for provider in PROVIDERS
            for api in apis
            for item in Recordings.load(folder, provider=provider, api=api)
            if ok is None or ok == (item.response.status < 400)
        ]
        assert found, f"no recordings of {apis}"
        return found

    return load
