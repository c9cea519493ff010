"""GatewayProtocol: one HTTP/1.1 connection, with caps, deadlines and word of a client that left.

The application sees a request only after the server kept all its headers, so what protects against
large and slow ones stands here, below it. Built on uvicorn's httptools protocol.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Final, cast

import httptools
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from multiroute_core.gateway.client_link import LINK, Cause, ClientLink
from multiroute_core.gateway.gentle_transport import GentleTransport
from multiroute_core.gateway.limits import Limits

_BETWEEN: Final = 0
_IN_HEAD: Final = 1
_IN_BODY: Final = 2

_MAX_PIPELINED: Final = 16
"""Requests that one connection may have open at a time: each has a place in memory."""


class ProtocolSettings(Struct, frozen=True):
    """What a connection is given by its server.

    `error_body` writes the document of a refusal from status, code and message; `on_lost` is
    called after each connection is gone.
    """

    limits: Limits
    error_body: Callable[[int, str, str], bytes]
    on_lost: Callable[[], None]


class Refusal(Struct, frozen=True):
    """Why a connection is refused before any application saw the request."""

    status: int
    code: str
    message: str


MALFORMED: Final = Refusal(400, "bad_http_request", "this is not a valid HTTP/1.1 request")
PIPELINED: Final = Refusal(400, "bad_http_request", "too many requests at once on a connection")
TARGET_TOO_LONG: Final = Refusal(414, "target_too_long", "the request's path is too long")
HEAD_TOO_LARGE: Final = Refusal(431, "head_too_large", "the request's head is too large")
BODY_TOO_LARGE: Final = Refusal(413, "request_too_large", "the request's body is too large")
TOO_SLOW: Final = Refusal(408, "request_timeout", "the request did not arrive in time")


class _Refused(Exception):
    """Stops the parser; the refusal stands in the protocol."""


class GatewayProtocol(HttpToolsProtocol):
    """See the module. `settings` is set by the subclass that `protocol_class` makes."""

    settings: ClassVar[ProtocolSettings]

    # ---- the connection ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; the deadline of its first head runs."""
        # uvicorn narrows the parameter, against asyncio's own signature.
        super().connection_made(cast("asyncio.Transport", transport))
        self._limits = self.settings.limits
        self._gentle = GentleTransport(self.transport, self._close)
        self._open: deque[RequestResponseCycle] = deque()
        self._phase = _BETWEEN
        self._has_begun = False
        self._head_bytes = 0
        self._fed_bytes = 0
        self._is_ending = False
        self._refusal = MALFORMED
        self._write_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = self.loop.call_later(
            self._limits.head_s, self._on_read_deadline
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or was sent away: end what still runs for it."""
        self._stop_reading_clock()
        self._stop_writing_clock()
        self._unset_keepalive_if_required()
        self._end_open("client_closed")
        self._open.clear()
        super().connection_lost(exc)
        self.settings.on_lost()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then look at caps and clocks."""
        if self._is_ending:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as the plain request that it also is
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        phase = self._phase
        if phase == _BETWEEN and (self._open or self.timeout_keep_alive_task is not None):
            self._stop_reading_clock()
            return
        # A chunk in which a head or body began is not counted: what stood before is not part of it.
        self._fed_bytes = 0 if self._has_begun else self._fed_bytes + len(data)
        self._has_begun = False
        # Parsers keep an unfinished header, so bytes count before it is complete; beside a body
        # stand chunk sizes and trailers, for which as much again is allowed.
        if phase != _IN_BODY and self._fed_bytes > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE)
        elif phase == _IN_BODY and self._fed_bytes > 2 * self._limits.body_bytes + 65536:
            self._refuse(BODY_TOO_LARGE)
        elif self._read_timer is None:
            wait_s = self._limits.body_s if phase == _IN_BODY else self._limits.head_s
            self._read_timer = self.loop.call_later(wait_s, self._on_read_deadline)

    def pause_writing(self) -> None:
        """The client does not read: it may do so for a while."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.write_s, self._on_write_deadline)

    def resume_writing(self) -> None:
        """It reads again."""
        self._stop_writing_clock()
        super().resume_writing()

    def shutdown(self) -> None:
        """The listener is closed: end after what is open."""
        for cycle in self._open:
            cycle.keep_alive = False
        if not self._open:
            self.transport.close()

    def interrupt(self, cause: Cause) -> None:
        """End what is open, but let it say so."""
        for cycle in self._open:
            _link(cycle).end(cause)

    # ---- the parser's callbacks ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self._open) >= _MAX_PIPELINED:
            self._refusal = PIPELINED
            raise _Refused
        super().on_message_begin()
        self.scope["extensions"] = cast("Any", {LINK: ClientLink()})
        self._enter(_IN_HEAD)
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """More of the request's target."""
        self._count_head(len(url), TARGET_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer, which is not one and is dropped (RFC 9110, 6.5.1)."""
        if self._phase != _IN_HEAD:
            return
        self._count_head(len(name) + len(value) + 4, HEAD_TOO_LARGE)
        if len(self.headers) >= self._limits.head_count:
            self._refusal = HEAD_TOO_LARGE
            raise _Refused
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._enter(_IN_BODY)
        self._stop_reading_clock()
        super().on_headers_complete()
        cycle = self.cycle
        cycle.transport = cast("asyncio.Transport", self._gentle)
        if self.parser.should_upgrade():
            # What follows such a request need not be HTTP: it is not read.
            cycle.keep_alive = False
        if self._open:
            # uvicorn stops reading behind a request that is being answered, and would not notice
            # that the client leaves; what may be read ahead is bounded here anyway.
            self.flow.resume_reading()
        self._open.append(cycle)

    def on_message_complete(self) -> None:
        """The request is here as a whole."""
        self._phase = _BETWEEN
        self._fed_bytes = 0
        super().on_message_complete()
        if not self._open:  # answered before it was here: now the connection is idle
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """The oldest open request is answered."""
        cycle = self._open.popleft() if self._open else None
        if cycle is not None and _link(cycle).is_last:
            self._close()
        if self._is_ending:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()

    # ---- ending --------------------------------------------------------------------------------

    def _enter(self, phase: int) -> None:
        self._phase = phase
        self._has_begun = True

    def _count_head(self, size: int, refusal: Refusal) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.head_bytes:
            self._refusal = refusal
            raise _Refused

    def _on_read_deadline(self) -> None:
        self._read_timer = None
        own = self.cycle if self._phase == _IN_BODY else None
        if any(cycle is not own for cycle in self._open):
            # The client waits for an earlier reply; reading may even be paused for it.
            wait_s = self._limits.head_s
            self._read_timer = self.loop.call_later(wait_s, self._on_read_deadline)
        elif self._phase == _BETWEEN or (self._phase == _IN_BODY and not self._open):
            self.transport.close()  # never asked, or answered already
        else:
            self._refuse(TOO_SLOW)

    def _on_write_deadline(self) -> None:
        self._write_timer = None
        self._end_open("slow_client")
        self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in the application's place, unless a reply has begun, and end the connection."""
        has_reply = any(cycle.response_started for cycle in self._open)
        self._end_open("client_closed")
        if not has_reply and not self.transport.is_closing():
            body = self.settings.error_body(refusal.status, refusal.code, refusal.message)
            head = [STATUS_LINE[refusal.status]]
            for name, value in self.server_state.default_headers:
                head += [name, b": ", value, b"\r\n"]
            head += [
                b"content-type: application/json\r\nx-should-retry: false\r\n"
                b"connection: close\r\ncontent-length: ",
                str(len(body)).encode("ascii"),
                b"\r\n\r\n",
                body,
            ]
            self.transport.write(b"".join(head))
        self._linger()

    def _end_open(self, cause: Cause) -> None:
        """Tell all open requests that nothing they say will be heard."""
        for cycle in self._open:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
                _link(cycle).end(cause)

    def _close(self) -> None:
        """Close after a reply: at once, or gently where the client is still sending."""
        if self._phase == _BETWEEN:
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Say that no more will come, and read on a little without looking at it."""
        if self._is_ending:
            return
        self._is_ending = True
        self._unset_keepalive_if_required()
        self._stop_reading_clock()
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._read_timer = self.loop.call_later(self._limits.linger_s, self.transport.close)

    def _stop_reading_clock(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _stop_writing_clock(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def _link(cycle: RequestResponseCycle) -> ClientLink:
    return cast("ClientLink", cycle.scope["extensions"][LINK])


def protocol_class(given: ProtocolSettings) -> type[GatewayProtocol]:
    """The protocol of one server."""

    class Configured(GatewayProtocol):
        settings = given

    return Configured
