"""What the tests of this plugin share: recordings, and a runtime for the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from multiroute_aws_bedrock import BedrockProvider, BedrockSettings
from multiroute_core.api import Head, UpstreamRequest
from multiroute_core.testing import Recording, Recordings


class Runtime:
    """A `ProviderRuntime` with one bearer token, or none."""

    instance = "bedrock"

    def __init__(self, base_url: str = "https://bedrock.example", token: str = "") -> None:
        self.base_url = base_url
        self.credentials = ("1",) if token else ()
        self._token = token

    def secret(self, credential: str) -> str:
        return self._token

    async def fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        raise AssertionError("this adapter fetches nothing")

    def now_s(self) -> float:
        return 1_700_000_000.0


@pytest.fixture
def make_runtime() -> type[Runtime]:
    return Runtime


@pytest.fixture
def provider() -> BedrockProvider:
    return BedrockProvider(BedrockSettings(), Runtime(token="token"), {})


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[..., list[Recording]]:
    """The recordings of some APIs; `ok` True: answered 2xx, False: errors, None: all."""
    known: dict[tuple[str, str], list[Recording]] = {}

    def _recorded(
        *apis: str, ok: bool | None = None, provider: str = "aws-bedrock"
    ) -> list[Recording]:
        def _all() -> Iterator[Recording]:
            for api in apis:
                key = (provider, api)
                if key not in known:
                    folder = shared / "data" / "wire"
                    known[key] = list(Recordings.load(folder, provider=provider, api=api))
                yield from known[key]

        found = [item for item in _all() if ok is None or (item.response.status < 400) == ok]
        assert found, f"no recordings of {apis}"
        return found

    return _recorded
