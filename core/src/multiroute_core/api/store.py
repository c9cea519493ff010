"""The contract of a store: where records, state, ledger and cached replies live.

A store is active by its URL's scheme in `[stores]`. It offers the roles that it can play; asking
for a role that it lacks is a start-up error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.records import (
    AttemptRecord,
    CallRecord,
    DecisionRecord,
    Record,
    ViewRecord,
)


class RecordStore(Protocol):
    """Append-only: calls, attempts, decisions and views, found by id."""

    async def append(self, records: Sequence[Record]) -> None:
        """Make these durable, all or none. A record that is there already is not written twice."""
        ...

    async def call(self, call_id: str) -> CallRecord | None:
        """One call by its id (the request id that the client saw)."""
        ...

    async def attempts(self, call_id: str) -> Sequence[AttemptRecord]:
        """The attempts of one call, by number."""
        ...

    async def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision by its id."""
        ...

    async def view(self, view_id: str) -> ViewRecord | None:
        """The view that a decision cites."""
        ...

    async def latest_calls(self, limit: int) -> Sequence[CallRecord]:
        """The newest calls, newest first."""
        ...


class Versioned(Struct, frozen=True, gc=False):
    """A value and the version that a compare-and-set must name."""

    value: bytes
    version: int


class StateStore(Protocol):
    """Small shared values with compare-and-set and expiry: counters, leases, learned state."""

    async def get(self, key: str) -> Versioned | None:
        """The value, None where there is none or it has expired."""
        ...

    async def put(
        self, key: str, value: bytes, expect: int | None, ttl_s: float | None
    ) -> int | None:
        """Write if the version is still `expect` (None: if absent). The new version, or None."""
        ...

    async def add(self, key: str, amount: int, ttl_s: float | None) -> int:
        """Add to an integer (0 where absent), atomically. The new sum."""
        ...


class Hold(Struct, frozen=True, gc=False):
    """Money reserved against budgets before an attempt; settled or released after it."""

    id: str
    budgets: tuple[str, ...]
    amount_pusd: int


class LedgerStore(Protocol):
    """Money: reserve before, settle after; never twice."""

    async def hold(self, hold: Hold, limits_pusd: Sequence[int]) -> bool:
        """Reserve unless one of the budgets would exceed its limit. Same id: no second hold."""
        ...

    async def settle(self, hold_id: str, amount_pusd: int) -> None:
        """Replace a hold by what was spent; 0 releases it."""
        ...

    async def spent(self, budget: str) -> int:
        """Settled and held money of a budget's current period, pico-USD."""
        ...


class CacheStore(Protocol):
    """Replies by key, with expiry. Keys are already bound to their tenant."""

    async def load(self, key: str) -> bytes | None:
        """A cached reply or None."""
        ...

    async def save(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a reply for `ttl_s` seconds."""
        ...


class Store(Protocol):
    """What `multiroute_make_store` returns: the roles that this store plays, None for the rest."""

    async def start(self) -> None:
        """Open and migrate; `aclose` is called even if this raised."""
        ...

    async def aclose(self) -> None:
        """Flush and close."""
        ...

    def records(self) -> RecordStore | None:
        """The record store, if this store can be one."""
        ...

    def state(self) -> StateStore | None:
        """The shared state, if this store can hold it."""
        ...

    def ledger(self) -> LedgerStore | None:
        """The ledger, if this store can keep one."""
        ...

    def cache(self) -> CacheStore | None:
        """The reply cache, if this store can be one."""
        ...
