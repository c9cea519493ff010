"""Native pass-through: a request to a provider's own API that we do not route.

It is authorised by us and sent to the provider's own base URL, below which the client names the
path; nothing else of the destination is the client's to choose. One attempt, never repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from msgspec import Struct

from multiroute_core.api.call import Pairs
from multiroute_core.api.errors import CallFailed, InvalidRequest
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json
from multiroute_core.api.offering import Target
from multiroute_core.api.provider import Provider
from multiroute_core.api.upstream import Head, UpstreamRequest
from multiroute_core.api.usage import Usage
from multiroute_core.engine.transport import TransportFault, Upstream
from multiroute_core.wire.strict import loads

_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")
_SECRET_QUERY: Final = frozenset({"key", "api_key", "api-key", "access_token", "token"})
_READ_USAGE_BYTES: Final = 4 * 1024 * 1024
"""A JSON reply larger than this is passed on without a look at its usage."""
REPLY_HEADERS: Final = frozenset({b"content-type", b"content-disposition", b"retry-after"})
"""What of the provider's headers goes to the client."""


class NativeRequest(Struct, frozen=True, gc=False):
    """What the client wants of a provider's own API. `path` starts with a slash and is relative to
    the base URL; `headers` are already those that may go on."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes


class NativeSink(Protocol):
    """Takes a provider's own answer."""

    async def begin(self, head: Head) -> None:
        """Status and headers, before the body."""
        ...

    async def write(self, data: bytes) -> None:
        """More of the body."""
        ...

    async def end(self) -> None:
        """The body is complete."""
        ...

    async def fail(self) -> None:
        """The body broke off: the client must not take it for whole."""
        ...


class NativeOutcome(Struct, frozen=True):
    """What became of a native request: for its record."""

    head: Head
    fault: Fault | None
    usage: Usage | None


def native_url(base_url: str, request: NativeRequest) -> str:
    """The address below the provider's base URL.

    Raises:
        InvalidRequest: the path leaves it, or holds what two servers could read differently.
    """
    path = request.path
    segments = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").split("/")
    if not _PATH.fullmatch(path) or "\\" in path or {".", ".."} & set(segments):
        raise InvalidRequest("the path must be a plain path below the provider's base URL")
    pairs = [pair for pair in request.query.split("&") if pair]
    kept = [pair for pair in pairs if pair.partition("=")[0].lower() not in _SECRET_QUERY]
    if not all(0x21 <= ord(char) <= 0x7E and char != "#" for pair in kept for char in pair):
        raise InvalidRequest("the query holds characters that do not belong into a URL")
    return base_url + path + ("?" + "&".join(kept) if kept else "")


async def pass_native(
    request: NativeRequest,
    target: Target,
    provider: Provider,
    upstream: Upstream,
    sink: NativeSink,
    *,
    connect_s: float,
    idle_s: float,
    deadline_s: float,
) -> NativeOutcome:
    """Send one native request and pass its answer on, whatever its status.

    Raises:
        InvalidRequest: the path is none that may be asked for.
        CallFailed: nothing was answered; nothing was sent to the sink.
    """
    url = native_url(target.base_url, request)
    sending = UpstreamRequest(request.method, url, request.headers, request.body)
    try:
        async with asyncio.timeout(deadline_s):
            exchange = await upstream.send(await provider.authorize(sending, target), connect_s)
    except TimeoutError:
        message = f"the provider did not answer within {deadline_s:.3g} s"
        raise CallFailed(Fault("first_content_timeout", message)) from None
    except TransportFault as error:
        raise CallFailed(error.fault) from error
    try:
        return await _pass_on(exchange.head, exchange.read, provider, sink, idle_s)
    finally:
        await exchange.aclose()


async def _pass_on(
    head: Head,
    read: Callable[[], Awaitable[bytes]],
    provider: Provider,
    sink: NativeSink,
    idle_s: float,
) -> NativeOutcome:
    await sink.begin(head)
    is_json = "json" in (head.header("content-type") or "")
    kept: list[bytes] | None = [] if is_json else None
    size = 0
    while True:
        try:
            async with asyncio.timeout(idle_s):
                data = await read()
        except TimeoutError:
            await sink.fail()
            return NativeOutcome(head, Fault("stall", "the provider sent nothing more"), None)
        except TransportFault as error:
            await sink.fail()
            return NativeOutcome(head, error.fault, None)
        if not data:
            break
        size += len(data)
        if kept is not None:
            kept.append(data)
            if size > _READ_USAGE_BYTES:
                kept = None
        await sink.write(data)
    await sink.end()
    usage = None if kept is None else usage_in(b"".join(kept), provider)
    return NativeOutcome(head, None, usage)


def usage_in(body: bytes, provider: Provider) -> Usage | None:
    """The usage that a JSON reply tells, where it tells one in the usual place."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return None
    if not isinstance(doc, dict):
        return None
    for name in ("usage", "usageMetadata"):
        native = doc.get(name)
        if isinstance(native, dict):
            return provider.usage(native)
    return None
