"""GET /health/live and /health/ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.reply_headers import JSON_TYPE, NO_STORE

_HEADERS: Final = (JSON_TYPE, NO_STORE)


async def live(exchange: Exchange) -> None:
    """Whether the process answers at all."""
    await exchange.respond(200, _HEADERS, b'{"status":"live"}')


class Ready:
    """Whether calls should be sent here: not before the router's start, not while it drains."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    async def __call__(self, exchange: Exchange) -> None:
        """200 or 503."""
        if self._is_ready():
            await exchange.respond(200, _HEADERS, b'{"status":"ready"}')
        else:
            await exchange.respond(503, _HEADERS, b'{"status":"not ready"}')
