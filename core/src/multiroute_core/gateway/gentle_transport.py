"""GentleTransport: what a reply writes to; its `close` is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class GentleTransport:
    """Stands in for a transport where uvicorn writes replies and closes connections.

    A close while the client is still sending would make the kernel reset the connection, and the
    client might never read the reply; so the protocol decides how to close. Writing costs nothing
    more: the transport's own methods are bound here.
    """

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
