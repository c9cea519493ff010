"""Lifecycle: starts what plugins made, and closes it in reverse order on every path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from types import TracebackType
from typing import Protocol, Self, TypeVar

from multiroute_core.api import ConfigError
from multiroute_core.plugins.problems import PluginErrors, refusal
from multiroute_core.plugins.telling import is_revealing, told

_LOG = logging.getLogger(__name__)


class Startable(Protocol):
    """Anything with a life of its own: providers, stores, observers, guards, extensions."""

    async def start(self) -> None:
        """Provision."""
        ...

    async def aclose(self) -> None:
        """Release; called also after a failed start."""
        ...


S = TypeVar("S", bound=Startable)


class Lifecycle:
    """An async context that owns started objects.

    `start_deadline_s` and `close_deadline_s` bound each single start and each single clean-up.
    """

    def __init__(self, *, start_deadline_s: float = 30.0, close_deadline_s: float = 10.0) -> None:
        self._start_deadline_s = start_deadline_s
        self._close_deadline_s = close_deadline_s
        self._open: list[tuple[str, Startable]] = []

    async def start(self, label: str, obj: S, *, secrets: Collection[str] = ()) -> S:
        """Start an object and own it. `label` names it in messages: "provider instance 'eu'";
        `secrets` are blotted out of them.

        Its `aclose` is registered first, so that it runs also if the start fails.

        Raises:
            PluginErrors: `start` raised, or had not ended by the deadline.
        """
        self._open.append((label, obj))
        try:
            async with asyncio.timeout(self._start_deadline_s) as deadline:
                await obj.start()
        except TimeoutError as exc:
            if deadline.expired():
                message = f"{label} did not start within {self._start_deadline_s:g} s"
                raise _start_failed(label, message) from exc
            raise _not_started(label, exc, secrets) from exc
        except ConfigError:
            raise  # says already what is wrong and what to do
        # A border: the plugin's own code. A SystemExit must not pass for a clean end.
        except (Exception, SystemExit) as exc:  # noqa: BLE001  foreign code
            cause = None if is_revealing(exc, secrets) else exc
            raise _not_started(label, exc, secrets) from cause
        return obj

    async def aclose(self) -> None:
        """Close everything, last started first. Safe to call twice.

        Raises:
            ExceptionGroup: of what the closings raised; all the others have been closed.
        """
        failures: list[Exception] = []
        cancelled: asyncio.CancelledError | None = None
        while self._open:
            label, obj = self._open.pop()
            try:
                async with asyncio.timeout(self._close_deadline_s):
                    await obj.aclose()
            except asyncio.CancelledError as exc:
                cancelled = exc  # the rest is still closed, then it goes on
            # A border: the plugin's own code; one that fails must not keep the rest open.
            except (Exception, SystemExit) as exc:  # noqa: BLE001  foreign code
                # A group of plain exceptions: a SystemExit in it would count as an exit again.
                failed = exc if isinstance(exc, Exception) else RuntimeError(told(exc))
                failed.add_note(f"while closing {label}")
                _LOG.error("closing %s failed: %s", label, told(exc))
                failures.append(failed)
        if cancelled is not None:
            raise cancelled
        if failures:
            raise ExceptionGroup("clean-up failed", failures)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        except ExceptionGroup as failed:
            if error is None:
                raise
            # What ended the context matters more; the failures are logged and noted.
            for failure in failed.exceptions:
                error.add_note(
                    f"clean-up failed too: {'; '.join(failure.__notes__)}: {told(failure)}"
                )


def _start_failed(label: str, message: str) -> PluginErrors:
    return refusal(label, message, "mend its settings, or what it needs to reach")


def _not_started(label: str, exc: BaseException, secrets: Collection[str]) -> PluginErrors:
    return _start_failed(label, f"{label} did not start: {told(exc, secrets=secrets)}")
