"""ClientLink: ends a running request from outside, without a task that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Literal, TypeAlias

Cause: TypeAlias = Literal["client_closed", "slow_client", "shutdown"]

LINK: Final = "multiroute.link"
"""Where our protocol puts a request's link: a key of the ASGI scope's `extensions`."""


class ClientLink:
    """One request's connection, as far as the request must know of it.

    The protocol calls `end` when the client is gone or the server stops; what `run` awaits is then
    cancelled, and `run` says why. `is_last` set by the request closes the connection after it.
    """

    __slots__ = ("_cancelled", "_task", "cause", "is_last")

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self.is_last = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False

    def end(self, cause: Cause) -> None:
        """End the request; the first cause stays."""
        if self.cause is None:
            self.cause = cause
            if self._task is not None:
                self._cancelled = True
                self._task.cancel()

    async def run(self, work: Coroutine[Any, Any, None]) -> Cause | None:
        """Await `work` in this task. None: it ended by itself; else why it was ended.

        A cancellation that came from elsewhere passes through.
        """
        if self.cause is not None:
            work.close()
            return self.cause
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        try:
            await work
        except asyncio.CancelledError:
            if not self._cancelled or task.cancelling() > 1:
                raise
            return self.cause
        finally:
            self._task = None
            if self._cancelled:
                task.uncancel()
        return None
