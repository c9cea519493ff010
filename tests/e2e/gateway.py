"""A gateway over real sockets for end-to-end tests, and the official client pointed at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import openai

from multiroute_core.gateway import running
from multiroute_core.router import MultiRoute


@dataclass
class Running:
    """A running gateway, its router, and the official client pointed at it."""

    url: str
    router: MultiRoute
    client: openai.AsyncOpenAI


@asynccontextmanager
async def gateway(folder: Path, text: str) -> AsyncIterator[Running]:
    """Serve the project file `text` on a free port."""
    path = folder / "multiroute.toml"
    path.write_text(text, "utf-8")
    environ = {"OPENAI_API_KEY": "sk-upstream-openai", "ANTHROPIC_API_KEY": "sk-upstream-anthropic"}
    router = MultiRoute.from_project(path, environ=environ)
    async with running(router) as url:
        client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        async with client:
            yield Running(url, router, client)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run one scenario with a hard stop."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


def two_providers(first: str, second: str, extra: str = "") -> str:
    """A profile over one model at an OpenAI-shaped upstream and one at an Anthropic-shaped one."""
    return f"""
schema = 1
[project]
name = "e2e"
default = "balanced"
[plugins]
enable = ["openai", "anthropic", "quality", "cost", "latency", "ladder"]
[providers.openai]
base_url = "{first}"
api_keys = [{{ env = "OPENAI_API_KEY" }}]
[providers.anthropic]
base_url = "{second}"
api_keys = [{{ env = "ANTHROPIC_API_KEY" }}]
[models."lab/first"]
serve = ["openai:gpt-4o-mini"]
price = {{ input = 1, output = 2 }}
[models."lab/second"]
serve = ["anthropic:claude-sonnet-4-5"]
price = {{ input = 3, output = 15 }}
[profiles.balanced]
candidates = ["lab/first", "lab/second"]
order = "priority"
[profiles.balanced.limits]
deadline = "10s"
timeouts = {{ connect = "1s", first_content = "400ms", total = "400ms", idle = "400ms" }}
[profiles.balanced.fallback]
use = "ladder"
retries_same = 0
[aliases]
"gpt-old" = "balanced"
"claude-*" = "balanced"
{extra}
"""
