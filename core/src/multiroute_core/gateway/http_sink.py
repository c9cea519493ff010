"""HttpSink: one answer of the engine as an HTTP reply."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.call import Call
from multiroute_core.api.dialect import Dialect, StreamWriter
from multiroute_core.api.errors import CallFailed
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.reply import fold
from multiroute_core.engine.sink import Answer
from multiroute_core.gateway.errors import error_body, error_headers
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.reply_headers import (
    NO_BUFFER,
    NO_STORE,
    answer_headers,
    header_value,
)


class HttpSink:
    """A stream goes out as it comes; a whole reply is collected and sent at its end, with its
    length, so that even a late failure is an error status."""

    __slots__ = (
        "_answer",
        "_call",
        "_dialect",
        "_events",
        "_exchange",
        "_raw",
        "_stream_type",
        "_writer",
    )

    def __init__(self, exchange: Exchange, dialect: Dialect, call: Call, stream_type: str) -> None:
        self._stream_type = stream_type
        self._exchange = exchange
        self._dialect = dialect
        self._call = call
        self._answer: Answer | None = None
        self._writer: StreamWriter | None = None
        self._events: list[Event] = []
        self._raw: list[bytes] = []

    async def begin(self, answer: Answer) -> None:
        """Send the head of a stream."""
        self._answer = answer
        exchange = self._exchange
        exchange.decision_id = answer.decision_id
        exchange.attempts = answer.attempts
        if self._call.stream:
            self._writer = self._dialect.writer(self._call)
            kind = (b"content-type", self._stream_type.encode("ascii"))
            await exchange.start(200, [kind, NO_STORE, NO_BUFFER, *answer_headers(answer)])

    async def send(self, events: Sequence[Event], raw: bytes | None) -> None:
        """Pass on or write further events of a stream, collect those of a whole reply."""
        writer = self._writer
        if writer is not None:
            data = writer.feed(events) if raw is None else raw
            if data:
                await self._exchange.write(data)
        elif raw is None:
            self._events.extend(events)
        else:
            self._raw.append(raw)

    async def end(self, tail: bytes | None) -> None:
        """End a stream honestly, or send the whole reply."""
        if self._writer is not None:
            await self._exchange.finish(self._writer.close() if tail is None else tail)
            return
        assert self._answer is not None
        further: Sequence[Loss] = ()
        if self._raw:
            body = b"".join(self._raw)
            kind = self._answer.head.header("content-type") or "application/json"
        else:
            body, further = self._dialect.reply(fold(self._events), self._call)
            kind = self._dialect.reply_type(self._call)
        content_type = (b"content-type", header_value(kind))
        headers = [content_type, NO_STORE, *answer_headers(self._answer, further)]
        await self._exchange.respond(200, headers, body)

    async def fail(self, fault: Fault) -> None:
        """End a stream with an error event, without its end mark, and close the connection; or
        send an error in place of the whole reply."""
        if self._writer is not None:
            self._exchange.link.is_last = True
            await self._exchange.finish(self._writer.fail(fault))
            return
        error = CallFailed(fault)
        headers = error_headers(error)
        if self._answer is not None:
            headers.extend(answer_headers(self._answer))
        body = error_body(self._dialect, error, self._exchange.request_id)
        await self._exchange.respond(error.status, headers, body)
