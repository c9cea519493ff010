"""What the tests of multiroute_core.testing share: a client that sees every byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from multiroute_core.testing import Recordings

RawExchange = Callable[[str, bytes], Awaitable[bytes]]


async def _raw_exchange(base_url: str, sent: bytes) -> bytes:
    """Send bytes and read until the server ends the connection (5 s at most)."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(sent)
            return await reader.read()
        finally:
            writer.close()


@pytest.fixture
def raw_exchange() -> RawExchange:
    """`await raw_exchange(base_url, request_bytes)` gives all answer bytes."""
    return _raw_exchange


@pytest.fixture(scope="session")
def wire(shared: Path) -> Path:
    """The folder of recorded traffic."""
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return folder


@pytest.fixture(scope="session")
def chat_recordings(wire: Path) -> Recordings:
    return Recordings.load(wire, provider="openai", api="chat.completions")


@pytest.fixture(scope="session")
def messages_recordings(wire: Path) -> Recordings:
    return Recordings.load(wire, provider="anthropic", api="messages")
