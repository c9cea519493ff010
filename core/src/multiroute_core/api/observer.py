"""The contract of an observer: it sees records after the fact, and can hold nothing up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from multiroute_core.api.records import Record


class Observer(Protocol):
    """Exports, counts, alerts. Fed from a bounded queue: when it is slow, records are dropped for
    it and counted; a call is never held up."""

    async def start(self) -> None:
        """Provision; `aclose` is called even if this raised."""
        ...

    async def observe(self, records: Sequence[Record]) -> None:
        """A batch of records in order. An exception is logged and counted, the batch is lost."""
        ...

    async def aclose(self) -> None:
        """Flush and release."""
        ...
