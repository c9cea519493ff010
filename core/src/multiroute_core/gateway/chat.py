"""POST /v1/chat/completions."""

from __future__ import annotations

from typing import Final

from multiroute_core.api.errors import CallFailed
from multiroute_core.api.faults import Fault
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.http_sink import HttpSink
from multiroute_core.gateway.request_body import ClientGone, check_json, read_body
from multiroute_core.gateway.router_port import RouterPort
from multiroute_core.wire.strict import parse_object

WIRE: Final = "chat"
STOPPING: Final = Fault("shed", "the gateway is shutting down")


class Chat:
    """Reads a call in the chat format, has it answered, and ends early where the client leaves."""

    def __init__(self, router: RouterPort, body_bytes: int) -> None:
        self._router = router
        self._body_bytes = body_bytes

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one call.

        Raises:
            CallError: nothing has been sent yet.
            ClientGone: there is nobody to answer.
        """
        check_json(exchange.found)
        body = await read_body(exchange.receive, exchange.found, self._body_bytes)
        dialect = self._router.dialects[WIRE]
        # No header of a client goes on to an upstream in this format.
        call = dialect.call("chat", parse_object(body), ())
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
