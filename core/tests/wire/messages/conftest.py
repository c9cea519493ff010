"""Recorded exchanges of the messages format, and of the chat format to be told in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from multiroute_core.testing import Recording, Recordings

_CHAT = ("openai", "deepseek", "groq", "mistral", "openrouter", "perplexity", "azure-openai")


def _load(shared: Path, provider: str, api: str) -> tuple[Recording, ...]:
    folder = shared / "data" / "wire"
    if not folder.is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return tuple(Recordings.load(folder, provider=provider, api=api))


@pytest.fixture(scope="session")
def recorded(shared: Path) -> tuple[Recording, ...]:
    """Every recorded messages exchange."""
    return _load(shared, "anthropic", "messages")


@pytest.fixture(scope="session")
def recorded_counts(shared: Path) -> tuple[Recording, ...]:
    """Every recorded request to count tokens."""
    return _load(shared, "anthropic", "messages.count_tokens")


@pytest.fixture(scope="session")
def replies(recorded: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """The exchanges that were answered."""
    return tuple(item for item in recorded if item.response.status == 200)


@pytest.fixture(scope="session")
def streams(replies: tuple[Recording, ...]) -> tuple[Recording, ...]:
    """The replies that were streamed."""
    return tuple(item for item in replies if item.response.is_streamed)


@pytest.fixture(scope="session")
def chat_replies(shared: Path) -> tuple[Recording, ...]:
    """Answered chat completions of several providers."""
    return tuple(
        item
        for provider in _CHAT
        for item in _load(shared, provider, "chat.completions")
        if item.response.status == 200 and item.response.body
    )
