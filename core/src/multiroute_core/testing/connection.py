"""Connection: one accepted client connection of a scripted upstream."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

Sleep = Callable[[float], Awaitable[None]]
_LINGER_ZERO = struct.pack("ii", 1, 0)


class ClientLeft(Exception):
    """The client closed or reset the connection; nothing more can be read or written."""


class ConnectionWatcher(Protocol):
    """Who wants to know of connections."""

    def opened(self, connection: Connection) -> None:
        """A client connected."""

    def left_by_client(self, connection: Connection) -> None:
        """The client closed or reset its side before we closed ours; once a connection."""

    def closed(self, connection: Connection) -> None:
        """The connection is gone, whoever ended it."""


class Connection(asyncio.Protocol):
    """Bytes in and out of one socket, and the news that the client left.

    A client that closes its sending side counts as gone (HTTP clients do not half-close).
    """

    def __init__(self, watcher: ConnectionWatcher, *, number: int, sleep: Sleep) -> None:
        self.number = number
        self.gone = asyncio.Event()
        self._watcher = watcher
        self._sleep = sleep
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._news = asyncio.Event()
        self._left = asyncio.Event()
        self._is_writable = asyncio.Event()
        self._is_writable.set()
        self._is_ended_by_us = False

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked with isinstance: other event loops have transports of their own.
        self._transport = cast("asyncio.Transport", transport)
        # Every write waits until the kernel has it all: what a step sends is out before it resets.
        self._transport.set_write_buffer_limits(high=0)
        self._watcher.opened(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._news.set()

    def eof_received(self) -> bool:
        self._client_left()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._client_left()
        self._is_writable.set()
        self.gone.set()
        self._watcher.closed(self)

    def pause_writing(self) -> None:
        self._is_writable.clear()

    def resume_writing(self) -> None:
        self._is_writable.set()

    def _client_left(self) -> None:
        if not self._left.is_set():
            self._left.set()
            self._news.set()
            if not self._is_ended_by_us:
                self._watcher.left_by_client(self)

    # reading

    @property
    def has_unread(self) -> bool:
        """Whether received bytes wait to be read."""
        return bool(self._received)

    async def read_until(self, end: bytes, *, limit: int) -> bytes:
        """Bytes up to and with `end`.

        Raises ClientLeft, and ValueError where more than `limit` bytes pass without it.
        """
        searched = 0
        while (at := self._received.find(end, searched)) < 0:
            if len(self._received) > limit:
                raise ValueError(f"no {end!r} within {limit} bytes")
            searched = max(0, len(self._received) - len(end) + 1)
            await self._more()
        return self._take(at + len(end))

    async def read_exactly(self, count: int) -> bytes:
        """That many bytes. Raises ClientLeft."""
        while len(self._received) < count:
            await self._more()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    async def _more(self) -> None:
        if self._left.is_set():
            raise ClientLeft
        self._news.clear()
        await self._news.wait()

    # writing and waiting

    async def write(self, data: bytes) -> None:
        """Hand bytes to the kernel and let the loop run once.

        Raises ClientLeft where the client had left before; who leaves meanwhile is noticed by the
        next call, so that leaving after the last byte is no offence.
        """
        if self._left.is_set() or self._transport is None:
            raise ClientLeft
        self._transport.write(data)
        await self._is_writable.wait()
        # A turn of the loop for a client in the same process: it sees this write by itself.
        await asyncio.sleep(0)

    async def pause(self, seconds: float) -> None:
        """Let scripted time pass. Raises ClientLeft as soon as the client leaves."""
        if seconds <= 0:
            return
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        leaving = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait({sleeping, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if self._left.is_set():
                raise ClientLeft
            await sleeping
        finally:
            sleeping.cancel()
            leaving.cancel()

    async def until_client_leaves(self) -> None:
        """Do nothing until the client leaves, then raise ClientLeft."""
        await self._left.wait()
        raise ClientLeft

    # ending

    def close(self) -> None:
        """End in order: what was written goes out, then FIN."""
        self._is_ended_by_us = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        self._is_ended_by_us = True
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """End with RST: lingering for zero seconds makes the kernel drop the connection."""
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.abort()
