"""Sinks for callers in the same process: a whole reply, or events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from multiroute_core.api.errors import CallFailed
from multiroute_core.api.events import Broken, Event
from multiroute_core.api.faults import Fault
from multiroute_core.engine.sink import Answer

QUEUED = 64
"""Batches of events that may wait for a slow reader; then the upstream is held back."""


class CollectSink:
    """Collects the events of one answer."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.answer: Answer | None = None

    async def begin(self, answer: Answer) -> None:
        """Note whose answer it is."""
        self.answer = answer

    async def send(self, events: Sequence[Event], raw: bytes | None) -> None:
        """Keep the events."""
        self.events.extend(events)

    async def end(self, tail: bytes | None) -> None:
        """Complete."""

    async def fail(self, fault: Fault) -> None:
        """The answer broke: nothing of it is returned as if it were whole."""
        raise CallFailed(fault)


class QueueSink:
    """Hands events over to a reader, at most `QUEUED` batches ahead of it."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self._queue: asyncio.Queue[Sequence[Event] | Exception | None] = asyncio.Queue(QUEUED)

    async def begin(self, answer: Answer) -> None:
        """Note whose answer it is."""
        self.answer = answer

    async def send(self, events: Sequence[Event], raw: bytes | None) -> None:
        """Hand over; waits while the reader is far behind."""
        await self._queue.put(events)

    async def end(self, tail: bytes | None) -> None:
        """Complete: `finished` says so to the reader."""

    async def fail(self, fault: Fault) -> None:
        """The answer broke: the reader gets a `Broken` last."""
        await self._queue.put((Broken(fault),))

    async def finished(self, error: Exception | None) -> None:
        """The call has ended; an error goes to the reader."""
        await self._queue.put(error)

    async def events(self) -> AsyncIterator[Event]:
        """The events, in order.

        Raises:
            CallError: no attempt gave an answer.
        """
        while True:
            batch = await self._queue.get()
            if batch is None:
                return
            if isinstance(batch, Exception):
                raise batch
            for event in batch:
                yield event
