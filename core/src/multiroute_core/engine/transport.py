"""The one seam through which upstreams are called.

`Upstream` sends a prepared request and gives back head and body as bytes; everything that can go
wrong is raised as `TransportFault` with a classified fault. Nothing is ever sent twice here: only
the engine retries. Redirects are not followed.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import AsyncIterator
from typing import Final, Protocol

import httpx

from multiroute_core.api.errors import MultiRouteError
from multiroute_core.api.faults import Fault
from multiroute_core.api.upstream import Head, UpstreamRequest

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""A whole reply, unpacked, may be this large."""
MAX_RATIO: Final = 200
"""A compressed reply may unpack to this many times its size, once past `_RATIO_FREE` bytes."""
_RATIO_FREE: Final = 1024 * 1024


class TransportFault(MultiRouteError):
    """An attempt failed below the API format; `fault` says how."""

    code = "transport"

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Exchange(Protocol):
    """One answered request: the head, and the body as it comes."""

    @property
    def head(self) -> Head:
        """Status and headers."""
        ...

    async def read(self) -> bytes:
        """The next piece of the body, unpacked; b"" at its end.

        Raises:
            TransportFault: reset, broken framing, or too large.
        """
        ...

    async def aclose(self) -> None:
        """Release the connection; a body that was not read to its end closes it."""
        ...


class Upstream(Protocol):
    """Sends requests."""

    async def send(self, request: UpstreamRequest, connect_s: float) -> Exchange:
        """Send one request and wait for the head of its answer.

        Raises:
            TransportFault: refused, name or TLS failure, reset, nonsense.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class _Unpacker:
    """Undoes a content-encoding piece by piece, within bounds."""

    def __init__(self, encoding: str) -> None:
        wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding)
        if wbits is None:
            message = f"the provider's reply has the encoding {encoding!r}, which was not asked for"
            raise TransportFault(Fault("protocol", message))
        self._inflate = zlib.decompressobj(wbits)
        self._in = 0
        self._out = 0

    def feed(self, data: bytes) -> bytes:
        self._in += len(data)
        try:
            plain = self._inflate.decompress(data, MAX_BODY_BYTES - self._out + 1)
        except zlib.error:
            raise TransportFault(
                Fault("protocol", "the provider's compressed reply is damaged")
            ) from None
        self._out += len(plain)
        if self._out > MAX_BODY_BYTES or (
            self._out > _RATIO_FREE and self._out > self._in * MAX_RATIO
        ):
            raise TransportFault(Fault("too_large", "the provider's reply unpacks beyond reason"))
        return plain

    def close(self) -> None:
        if not self._inflate.eof:
            raise TransportFault(Fault("truncated", "the provider's compressed reply was cut off"))


class HttpExchange:
    """An `Exchange` over an `httpx` response."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        self._pieces: AsyncIterator[bytes] = stream.__aiter__()
        headers = tuple((name.lower(), value) for name, value in response.headers.raw)
        self._head = Head(response.status_code, headers)
        encoding = (self._head.header("content-encoding") or "identity").strip().lower()
        self._unpacker = None if encoding == "identity" else _Unpacker(encoding)

    @property
    def head(self) -> Head:
        """Status and headers."""
        return self._head

    async def read(self) -> bytes:
        """The next piece of the body, unpacked; b"" at its end."""
        while True:
            try:
                data = await anext(self._pieces, b"")
            except httpx.HTTPError as error:
                raise TransportFault(fault_of(error, sent=True)) from error
            if not data:
                if self._unpacker is not None:
                    self._unpacker.close()
                return b""
            if self._unpacker is None:
                return data
            plain = self._unpacker.feed(data)
            if plain:
                return plain

    async def aclose(self) -> None:
        """Release the connection."""
        await self._response.aclose()


def fault_of(error: httpx.HTTPError, *, sent: bool) -> Fault:
    """The fault behind an exception of the HTTP client. `sent`: the request had gone out."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        cause = error.__cause__
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        why = "its TLS certificate or handshake failed" if cause is not None else "no connection"
        if isinstance(error, httpx.ConnectTimeout):
            why = "connecting took too long"
        return Fault("connect_error", f"the provider cannot be reached: {why}")
    if isinstance(error, httpx.PoolTimeout):
        return Fault("connect_error", "no connection to the provider became free in time")
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error).lower()
        if "incomplete" in text or "peer closed" in text:
            return Fault("truncated", "the provider's reply was cut off")
        if "disconnected" in text:
            return Fault("reset", "the provider closed the connection without an answer")
        return Fault("protocol", "the provider's reply is not valid HTTP")
    if isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.CloseError)):
        where = "while it answered" if sent else "before it answered"
        return Fault("reset", f"the provider broke the connection {where}")
    if isinstance(error, httpx.TimeoutException):
        return Fault("stall", "the provider did not take the request in time")
    return Fault("protocol", f"the request to the provider failed: {type(error).__name__}")


class HttpUpstream:
    """An `Upstream` over any `httpx` transport; by default httpx's own, HTTP/1.1, TLS verified."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport or httpx.AsyncHTTPTransport(
            trust_env=False,
            retries=0,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=256, keepalive_expiry=60
            ),
        )

    async def send(self, request: UpstreamRequest, connect_s: float) -> Exchange:
        """Send one request and wait for the head of its answer."""
        url = httpx.URL(request.url)
        headers = [(b"host", url.netloc), *request.headers, (b"accept-encoding", b"gzip")]
        if request.body or request.method not in ("GET", "HEAD", "DELETE"):
            headers.append((b"content-length", str(len(request.body)).encode()))
        timeout = {"connect": connect_s, "pool": connect_s, "write": 30.0, "read": None}
        sending = httpx.Request(
            request.method,
            url,
            headers=headers,
            stream=httpx.ByteStream(request.body),
            extensions={"timeout": timeout},
        )
        try:
            response = await self._transport.handle_async_request(sending)
        except httpx.HTTPError as error:
            raise TransportFault(fault_of(error, sent=False)) from error
        try:
            return HttpExchange(response)
        except TransportFault:
            await response.aclose()
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


async def read_all(exchange: Exchange, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body.

    Raises:
        TransportFault: as `read`, and where it is larger than `limit` bytes.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := await exchange.read():
        size += len(piece)
        if size > limit:
            raise TransportFault(Fault("too_large", f"the provider's reply exceeds {limit} bytes"))
        pieces.append(piece)
    return b"".join(pieces)
