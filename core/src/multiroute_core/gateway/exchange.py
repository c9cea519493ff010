"""Exchange: one request of a client and the reply to it."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.call import Pairs
from multiroute_core.api.guard import Principal
from multiroute_core.gateway.asgi import Receive, Scope, Send
from multiroute_core.gateway.client_link import LINK, ClientLink
from multiroute_core.gateway.reply_headers import CALL, REQUEST_ID
from multiroute_core.gateway.request_head import notable
from multiroute_core.gateway.request_id import harmless_id


class Exchange:
    """What an endpoint works with. `call_id` is always ours; `request_id` is the client's if it
    sent a harmless one. `model`, `decision_id`, `attempts` are noted for the log; `wire` is the
    dialect in which errors are told."""

    __slots__ = (
        "_send",
        "attempts",
        "call_id",
        "decision_id",
        "found",
        "is_started",
        "link",
        "method",
        "model",
        "path",
        "principal",
        "receive",
        "request_id",
        "scope",
        "status",
        "wire",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, call_id: str) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        # `raw_path` as it stood on the wire; servers that do not give it get no better match.
        self.path: bytes = scope.get("raw_path") or b""
        self.found = notable(scope["headers"])
        self.call_id = call_id
        self.request_id = harmless_id(self.found.get(b"x-request-id")) or call_id
        link = (scope.get("extensions") or {}).get(LINK)
        self.link: ClientLink = link if isinstance(link, ClientLink) else ClientLink()
        self.principal: Principal | None = None
        self.is_started = False
        self.status = 0
        self.model = ""
        self.decision_id = ""
        self.attempts = 0
        self.wire = "chat"

    @property
    def headers(self) -> Pairs:
        """The request's headers."""
        return tuple(self.scope["headers"])

    @property
    def caller(self) -> Principal:
        """Who calls, on a route that is not public."""
        assert self.principal is not None
        return self.principal

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Begin the reply; its body follows by `write` and `finish`."""
        self.is_started = True
        self.status = status
        own = [(REQUEST_ID, self.request_id.encode("ascii"))]
        if self.request_id != self.call_id:
            own.append((CALL, self.call_id.encode("ascii")))
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *own]}
        )

    async def write(self, data: bytes) -> None:
        """More of the body. Waits while the client does not take it."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """The last of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def respond(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """The whole reply."""
        length = (b"content-length", str(len(body)).encode("ascii"))
        await self.start(status, [*headers, length])
        await self.finish(body)
