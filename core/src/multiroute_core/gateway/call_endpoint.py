"""One endpoint for every dialect: read the document, have the call answered, end early where the
client leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CallFailed
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.http_sink import HttpSink
from multiroute_core.gateway.request_body import ClientGone, check_type, read_body
from multiroute_core.gateway.router_port import RouterPort
from multiroute_core.wire.multipart import parse_form
from multiroute_core.wire.strict import parse_object

STOPPING: Final = Fault("shed", "the gateway is shutting down")


class CallEndpoint:
    """Answers calls of one operation in one dialect. `takes_form`: a multipart form will do too."""

    def __init__(
        self,
        router: RouterPort,
        wire: Wire,
        operation: Operation,
        body_bytes: int,
        *,
        takes_form: bool = False,
    ) -> None:
        self._router = router
        self._wire = wire
        self._operation = operation
        self._body_bytes = body_bytes
        self._takes_form = takes_form

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one call.

        Raises:
            CallError: nothing has been sent yet.
            ClientGone: there is nobody to answer.
        """
        is_form = check_type(exchange.found, takes_form=self._takes_form)
        body = await read_body(exchange.receive, exchange.found, self._body_bytes)
        dialect = self._router.dialects[self._wire]
        document = self._document(exchange.found, body, is_form)
        headers = forwarded(exchange, dialect)
        call = dialect.call(self._operation, document, headers)
        exchange.model = call.model
        sink = HttpSink(exchange, dialect, call)
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
            return parse_form(found[b"content-type"].decode("latin-1"), body)
        return parse_object(body)


def forwarded(exchange: Exchange, dialect: Dialect) -> Pairs:
    """The client's headers that this dialect lets through to an upstream, and no others."""
    wanted = dialect.client_headers
    if not wanted:
        return ()
    return tuple((name, value) for name, value in exchange.headers if name in wanted)
