"""One attempt: one request to one target, up to its first content and from there to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from multiroute_core.api.call import Call
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Delta, Event, Finish, Used, is_content
from multiroute_core.api.faults import Fault
from multiroute_core.api.provider import Provider
from multiroute_core.api.routing import Candidate
from multiroute_core.api.upstream import Head
from multiroute_core.api.usage import Usage, merged
from multiroute_core.engine.ceiling import fitted
from multiroute_core.engine.lanes import Lane, Piece, lane_for
from multiroute_core.engine.lease import Lease
from multiroute_core.engine.transport import Exchange, TransportFault, Upstream, read_all

_LOG: Final = logging.getLogger("multiroute.engine")
_ERROR_BODY_BYTES: Final = 1024 * 1024


class Attempt:
    """Sends a call to one target and reads its answer.

    `open` goes as far as the first content (or to the end of a whole reply) and holds what came;
    `read` gives the rest. `aclose` on every path.
    """

    def __init__(
        self,
        call: Call,
        candidate: Candidate,
        provider: Provider,
        dialect: Dialect,
        upstream: Upstream,
        lease: Lease,
        now_s: Callable[[], float],
    ) -> None:
        self.call = call
        self.candidate = candidate
        self.started_at_s = now_s()
        self.first_content_s: float | None = None
        self.usage: Usage | None = None
        self.output_chars = 0
        self.head = Head(0, ())
        self.lane: Lane | None = None
        self.held: list[Piece] = []
        self.is_done = False
        self.is_booked = False
        self._provider = provider
        self._dialect = dialect
        self._upstream = upstream
        self._lease = lease
        self._now_s = now_s
        self._exchange: Exchange | None = None
        self._is_whole = not call.stream

    async def open(self, within_s: float) -> Fault | None:
        """Send, and read until the answer can be committed; the fault if it cannot.

        `within_s`: seconds until the first content of a stream, or until a whole reply is here.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._open()
        except TimeoutError:
            waited = "content" if self.call.stream else "the reply"
            return Fault(
                "first_content_timeout",
                f"the provider did not send {waited} within {within_s:.3g} s",
            )
        except TransportFault as error:
            return error.fault
        except CannotEncode as error:
            return Fault("loss_refused", error.message)
        except InvalidRequest as error:
            return Fault("bad_request", error.message)
        # The border to an adapter: whatever it raises costs this attempt, not the request.
        except Exception as error:  # noqa: BLE001  foreign code
            return self._plugin_fault(error)

    def _plugin_fault(self, error: Exception) -> Fault:
        instance = self.candidate.target.instance
        _LOG.error("plugin_error instance=%s error=%r", instance, type(error).__name__)
        _LOG.debug("plugin_error trace", exc_info=error)
        return Fault(
            "plugin_error", f"the adapter of {instance} failed: {type(error).__name__}"
        )

    async def _open(self) -> Fault | None:
        target = self.candidate.target
        call, lowered = fitted(self.call, self.candidate.max_output)
        lane = lane_for(call, target, self._provider, self._dialect)
        lane.losses = (*lane.losses, *lowered)
        self.lane = lane
        if lane.losses and self._lease.limits.on_loss == "error":
            lost = ", ".join(loss.path for loss in lane.losses)
            return Fault("loss_refused", f"the provider cannot take: {lost}")
        request = await self._provider.authorize(lane.request, target)
        connect_s = self._lease.limits.connect_s
        self._exchange = await self._upstream.send(request, connect_s)
        self.head = self._exchange.head
        if not 200 <= self.head.status < 300:
            body = await read_all(self._exchange, _ERROR_BODY_BYTES)
            return self._provider.classify(self.head, body)
        kind = (self.head.header("content-type") or "").partition(";")[0].strip().lower()
        if kind == "text/html":
            return Fault("protocol", "the provider answered with a web page", self.head.status)
        if self._is_whole or (kind == "application/json" and self.call.stream):
            return await self._open_whole(lane)
        lane.open(self.head)
        while not self.is_done:
            fault = self._take(await self._next(lane))
            if fault is not None:
                return fault
            if self.first_content_s is not None:
                return None
        return None

    async def _open_whole(self, lane: Lane) -> Fault | None:
        assert self._exchange is not None
        body = await read_all(self._exchange)
        piece = lane.whole(self.head, body)
        if self.call.stream:
            # A whole reply to a request for a stream: told in the client's dialect.
            piece = Piece(piece.events, None)
        self.is_done = True
        self._is_whole = True
        fault = self._take(piece)
        if fault is None and self.first_content_s is None:
            self.first_content_s = self._now_s() - self.started_at_s
        return fault

    async def _next(self, lane: Lane) -> Piece:
        """The next piece of a stream; the last one once the upstream has ended it."""
        assert self._exchange is not None
        try:
            data = await self._exchange.read()
        except TransportFault as error:
            self.is_done = True
            last = lane.close()
            broken = [event for event in last.events if type(event) is Broken]
            if not broken:
                return last
            # The answer was not complete: the transport's fault says more than "truncated".
            events = [event for event in last.events if type(event) is not Broken]
            return Piece([*events, Broken(error.fault)], last.raw)
        if data:
            return lane.feed(data)
        self.is_done = True
        return lane.close()

    def _take(self, piece: Piece) -> Fault | None:
        """Note what a piece tells and hold it; the fault if it breaks the reply."""
        fault = self._note(piece.events)
        if fault is None:
            self.held.append(piece)
        return fault

    def _note(self, events: Sequence[Event]) -> Fault | None:
        for event in events:
            kind = type(event)
            if kind is Delta:
                assert isinstance(event, Delta)
                if isinstance(event.value, str):
                    self.output_chars += len(event.value)
            elif kind is Used:
                assert isinstance(event, Used)
                self.usage = merged(self.usage, event.usage)
            elif kind is Broken:
                assert isinstance(event, Broken)
                self.is_done = True
                return event.fault
            if self.first_content_s is None and (kind is Finish or is_content(event)):
                self.first_content_s = self._now_s() - self.started_at_s
        return None

    async def read(self, idle_s: float) -> tuple[Piece | None, Fault | None]:
        """The next piece after the first content, or how the stream broke.

        (None, None) at the honest end. What came with the break is still given to the client.
        """
        if self.is_done or self.lane is None:
            return None, None
        try:
            async with asyncio.timeout(idle_s):
                piece = await self._next(self.lane)
        except TimeoutError:
            self.is_done = True
            closing = self.lane.close()
            if any(type(event) is Broken for event in closing.events):
                return None, Fault("stall", f"the provider sent nothing for {idle_s:.3g} s")
            return closing, self._note(closing.events)
        # The border to an adapter's decoder.
        except Exception as error:  # noqa: BLE001  foreign code
            self.is_done = True
            return None, self._plugin_fault(error)
        fault = self._note(piece.events)
        if fault is not None:
            piece = Piece([event for event in piece.events if type(event) is not Broken], piece.raw)
        return piece, fault

    async def aclose(self) -> None:
        """Release the connection."""
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            await exchange.aclose()
