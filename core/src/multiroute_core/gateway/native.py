"""/native/{instance}/…: a provider's own API, with our credential and never beyond its base URL."""

from __future__ import annotations

from typing import Final

from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.upstream import Head
from multiroute_core.engine.native import REPLY_HEADERS, NativeRequest
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.reply_headers import NO_STORE, TARGET, header_value
from multiroute_core.gateway.request_body import ClientGone, read_body
from multiroute_core.gateway.router_port import RouterPort

PREFIX: Final = b"/native/"
METHODS: Final = ("GET", "POST", "DELETE", "PUT", "PATCH")
PROVIDER: Final = b"x-multiroute-provider"
_FORWARDED: Final = frozenset({b"content-type", b"accept"})
"""The client's headers that go on, beside those that belong to a dialect."""


class NativeHttpSink:
    """A provider's answer as it comes: its status, a few of its headers, its bytes."""

    def __init__(self, exchange: Exchange, instance: str) -> None:
        self._exchange = exchange
        self._instance = instance

    async def begin(self, head: Head) -> None:
        """Send the head."""
        kept = [
            (name, header_value(value.decode("latin-1"), 1000))
            for name, value in head.headers
            if name in REPLY_HEADERS
        ]
        own = [NO_STORE, (TARGET, header_value(self._instance))]
        await self._exchange.start(head.status, [*kept, *own])

    async def write(self, data: bytes) -> None:
        """More of the body."""
        await self._exchange.write(data)

    async def end(self) -> None:
        """The body is complete."""
        await self._exchange.finish()

    async def fail(self) -> None:
        """Leave the reply unfinished: the server then cuts the connection."""
        self._exchange.link.is_last = True


class Native:
    """Passes requests on."""

    def __init__(self, router: RouterPort, body_bytes: int) -> None:
        self._router = router
        self._body_bytes = body_bytes
        self._allowed = _FORWARDED | {
            name for dialect in router.dialects.values() for name in dialect.client_headers
        }

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one native request.

        Raises:
            CallError: nothing has been sent yet.
            ClientGone: there is nobody to answer.
        """
        instance, path = self._place(exchange)
        body = await read_body(exchange.receive, exchange.found, self._body_bytes)
        query: bytes = exchange.scope.get("query_string") or b""
        request = NativeRequest(
            exchange.method,
            path,
            query.decode("latin-1"),
            tuple((name, value) for name, value in exchange.headers if name in self._allowed),
            body,
        )
        exchange.model = instance
        sink = NativeHttpSink(exchange, instance)
        passing = self._router.native(instance, request, exchange.caller, sink, exchange.call_id)
        if await exchange.link.run(passing) is not None:
            raise ClientGone

    def _place(self, exchange: Exchange) -> tuple[str, str]:
        """(instance, path below its base URL)."""
        text = exchange.path.decode("latin-1")
        if exchange.path.startswith(PREFIX):
            instance, slash, rest = text[len(PREFIX) :].partition("/")
            if not instance or not slash or not rest:
                raise InvalidRequest("write /native/{provider instance}/{path of its API}")
            return instance, f"/{rest}"
        named = [value for name, value in exchange.headers if name == PROVIDER]
        if len(named) != 1:
            raise InvalidRequest(
                "this path is not routed; to reach a provider's own API name the instance in the "
                "header x-multiroute-provider, or use /native/{instance}/…"
            )
        return named[0].decode("latin-1"), text.removeprefix("/v1")
