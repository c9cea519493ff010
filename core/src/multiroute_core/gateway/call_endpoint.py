"""One endpoint for every dialect: read the document, have the call answered, end early where the
client leaves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from multiroute_core.api.call import Pairs
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CallFailed
from multiroute_core.api.extension import DialectRoute
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.http_sink import HttpSink
from multiroute_core.gateway.request_body import ClientGone, check_type, read_body
from multiroute_core.gateway.router_port import RouterPort
from multiroute_core.wire.multipart import parse_form
from multiroute_core.wire.strict import parse_object

QUERY: Final = b"x-multiroute-query"
"""Where a dialect that lists this name finds the request's query; never the client's own header."""
STOPPING: Final = Fault("shed", "the gateway is shutting down")


class CallEndpoint:
    """Answers the calls of one route. `names` are what the names in its path stand for."""

    def __init__(
        self,
        router: RouterPort,
        route: DialectRoute,
        body_bytes: int,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._router = router
        self._route = route
        self._body_bytes = body_bytes
        self._put = {
            key: names.get(value[1:-1], value) if isinstance(value, str) else value
            for key, value in route.put.items()
        }

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one call.

        Raises:
            CallError: nothing has been sent yet.
            ClientGone: there is nobody to answer.
        """
        route = self._route
        is_form = check_type(exchange.found, takes_form=route.takes_form)
        body = await read_body(exchange.receive, exchange.found, self._body_bytes)
        dialect = self._router.dialects[route.wire]
        document = self._document(exchange.found, body, is_form)
        call = dialect.call(route.operation, document, forwarded(exchange, dialect))
        exchange.model = call.model
        sink = HttpSink(exchange, dialect, call, route.stream_type or dialect.stream_type)
        answering = self._router.answer(call, exchange.caller, sink, exchange.call_id)
        cause = await exchange.link.run(answering)
        if cause == "shutdown":
            if not exchange.is_started:
                raise CallFailed(STOPPING)
            await sink.fail(STOPPING)
        elif cause is not None:
            raise ClientGone

    def _document(
        self, found: Mapping[bytes, bytes], body: bytes, is_form: bool
    ) -> Mapping[str, Json]:
        if is_form:
            document = parse_form(found[b"content-type"].decode("latin-1"), body)
        else:
            document = parse_object(body)
        return {**document, **self._put} if self._put else document


def forwarded(exchange: Exchange, dialect: Dialect) -> Pairs:
    """The client's headers that this dialect lets through to an upstream, and no others."""
    wanted = dialect.client_headers
    if not wanted:
        return ()
    kept = tuple(
        (name, value) for name, value in exchange.headers if name in wanted and name != QUERY
    )
    query: bytes = exchange.scope.get("query_string") or b""
    if QUERY in wanted and query:
        return (*kept, (QUERY, query))
    return kept
