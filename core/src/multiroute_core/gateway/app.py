"""Gateway: the raw ASGI application. No framework: a table of exact routes."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from multiroute_core.api.content import Wire
from multiroute_core.api.errors import CallError, MultiRouteError
from multiroute_core.gateway import health
from multiroute_core.gateway.asgi import Receive, Scope, Send
from multiroute_core.gateway.auth import Access, authorised
from multiroute_core.gateway.call_endpoint import CallEndpoint
from multiroute_core.gateway.call_routes import CORE_ROUTES, PatternRoutes, is_exact
from multiroute_core.gateway.errors import HttpRefusal, error_body, error_headers
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.limits import Limits
from multiroute_core.gateway.models import PREFIX as MODELS_PREFIX, ModelList, OneModel
from multiroute_core.gateway.native import METHODS, PREFIX as NATIVE_PREFIX, PROVIDER, Native
from multiroute_core.gateway.request_body import ClientGone
from multiroute_core.gateway.request_head import check_framing, check_local_host
from multiroute_core.gateway.request_id import RequestIds
from multiroute_core.gateway.request_log import LOGGER, log_crash, log_request
from multiroute_core.gateway.router_port import RouterPort

Endpoint: TypeAlias = Callable[[Exchange], Awaitable[None]]

WIRE: Final = "chat"
"""The dialect of errors where no route says otherwise."""
_CLIENT_CLOSED: Final = 499


class Route(Struct, frozen=True):
    """Who may use an endpoint. There is none without an access: the default is to deny."""

    access: Access
    endpoint: Endpoint
    wire: Wire = WIRE


class Gateway:
    """The router of one project behind HTTP.

    The path is matched as it stood on the wire, byte by byte; who may use it is decided on the
    route that was found. `is_draining` is set by the server at shutdown.
    """

    def __init__(
        self,
        router: RouterPort,
        limits: Limits | None = None,
        *,
        new_id: Callable[[], str] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router = router
        self._new_id = new_id or RequestIds()
        self._now_s = now_s
        self._logger = logging.getLogger(LOGGER)
        self.is_draining = False
        self.limits = limits or Limits()
        most = self.limits.body_bytes
        answered = [
            route for route in (*CORE_ROUTES, *router.endpoints) if route.wire in router.dialects
        ]
        calls = {
            (route.method, route.path.encode("ascii")): Route(
                "call", CallEndpoint(router, route, most), route.wire
            )
            for route in answered
            if is_exact(route)
        }
        self._patterns = PatternRoutes([route for route in answered if not is_exact(route)])
        self._routes: Mapping[tuple[str, bytes], Route] = MappingProxyType(
            {
                **calls,
                ("GET", b"/v1/models"): Route("call", ModelList(router)),
                ("GET", b"/health/live"): Route("public", health.live),
                ("GET", b"/health/ready"): Route("public", health.Ready(self.is_ready)),
            }
        )
        self._one_model = Route("call", OneModel(router))
        self._native = Route("call", Native(router, most))

    def is_ready(self) -> bool:
        """Whether calls should be sent here."""
        return not self.is_draining and self._router.ready

    def error_body(self, status: int, code: str, message: str) -> bytes:
        """The document of an error that comes before any route, for the protocol."""
        return error_body(self._router.dialects[WIRE], HttpRefusal(status, code, message), "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: HTTP and the lifespan; other connections are refused by returning."""
        if scope["type"] == "http":
            await self._http(Exchange(scope, receive, send, self._new_id()))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, exchange: Exchange) -> None:
        started_s = self._now_s()
        try:
            await self._dispatch(exchange)
        except ClientGone:
            exchange.status = _CLIENT_CLOSED
        except CallError as error:
            await self._refuse(exchange, error)
        except Exception as error:  # noqa: BLE001 - the border of a request
            log_crash(self._logger, exchange, error)
            await self._refuse(exchange, _internal(exchange.request_id))
        finally:
            log_request(self._logger, exchange, self._now_s() - started_s)

    async def _dispatch(self, exchange: Exchange) -> None:
        check_framing(exchange.found, exchange.scope["http_version"])
        route = self._routes.get((exchange.method, exchange.path)) or self._other(exchange)
        exchange.wire = route.wire
        if route.access != "public" and not self._router.has_keys:
            check_local_host(exchange.found)
        exchange.principal = authorised(self._router, exchange, route.access, self._logger)
        await route.endpoint(exchange)

    def _other(self, exchange: Exchange) -> Route:
        """A route whose path ends in an id.

        Raises:
            HttpRefusal: 404; 405 where the path is known by other methods.
        """
        path = exchange.path
        query = exchange.scope.get("query_string") or b""
        found = self._patterns.find(exchange.method, path, query)
        if found is not None:
            route, names = found
            endpoint = CallEndpoint(self._router, route, self.limits.body_bytes, names)
            return Route("call", endpoint, route.wire)
        allowed = [method for method, known in self._routes if known == path]
        if path.startswith(MODELS_PREFIX) and len(path) > len(MODELS_PREFIX):
            if exchange.method == "GET":
                return self._one_model
            allowed = ["GET"]
        if not allowed and exchange.method in METHODS and self._is_native(exchange):
            return self._native
        if allowed:
            raise HttpRefusal(
                405,
                "method_not_allowed",
                f"this path takes {', '.join(allowed)} only",
                headers=((b"allow", ", ".join(allowed).encode("ascii")),),
            )
        raise HttpRefusal(
            404,
            "unknown_path",
            "there is nothing at this path; calls go to POST /v1/chat/completions, /v1/responses "
            "or /v1/messages, GET /v1/models lists what may be asked for",
        )

    def _is_native(self, exchange: Exchange) -> bool:
        if exchange.path.startswith(NATIVE_PREFIX):
            return True
        named = any(name == PROVIDER for name, _ in exchange.headers)
        return named and exchange.path.startswith(b"/v1/")

    async def _refuse(self, exchange: Exchange, error: CallError) -> None:
        """Send an error. Once a reply has begun there is no place for it: the server then cuts the
        connection, because the reply stays incomplete."""
        if exchange.is_started:
            return
        exchange.decision_id = exchange.decision_id or error.decision_id
        dialect = self._router.dialects[exchange.wire]
        body = error_body(dialect, error, exchange.request_id)
        await exchange.respond(error.status, error_headers(error), body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start and close the router. Our own server does it around itself and has no lifespan."""
        await receive()
        try:
            await self._router.__aenter__()
        except MultiRouteError as error:
            await send({"type": "lifespan.startup.failed", "message": error.message})
            return
        try:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        finally:
            await self._router.__aexit__(None, None, None)
        await send({"type": "lifespan.shutdown.complete"})


def _internal(request_id: str) -> HttpRefusal:
    return HttpRefusal(
        500,
        "internal_error",
        f"something went wrong in the gateway; its log says what, under {request_id}",
    )
