"""The memory store (`memory:`): every role, bounded, gone with the process."""

from __future__ import annotations

import heapq
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, assert_never

from msgspec import Struct

from multiroute_core.api import (
    AttemptRecord,
    CallRecord,
    DecisionRecord,
    Hold,
    Record,
    Versioned,
    ViewRecord,
)

NEWEST_CALLS: Final = 10_000
CACHE_BYTES: Final = 64 * 1024 * 1024
_UNCITED_VIEWS: Final = 64
_SETTLED_HOLDS: Final = 100_000
_FIRST_SWEEP: Final = 1_024


class _Kept:
    """What is known of one call: its record comes last."""

    __slots__ = ("attempts", "call", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.call: CallRecord | None = None
        self.attempts: dict[int, AttemptRecord] = {}


class MemoryRecords:
    """The newest calls with their attempts, and the newest decisions with the views they cite."""

    def __init__(self, *, newest_calls: int = NEWEST_CALLS) -> None:
        self._newest = newest_calls
        self._seen = 0
        self._calls: OrderedDict[str, _Kept] = OrderedDict()
        self._decisions: OrderedDict[str, DecisionRecord] = OrderedDict()
        self._views: dict[str, ViewRecord] = {}
        self._uncited: OrderedDict[str, None] = OrderedDict()
        self._cited: Counter[str] = Counter()

    async def append(self, records: Sequence[Record]) -> None:
        """Keep these; what is there already stays as it is."""
        for record in records:
            if isinstance(record, CallRecord):
                kept = self._kept(record.call_id)
                kept.call = kept.call or record
            elif isinstance(record, AttemptRecord):
                self._kept(record.call_id).attempts.setdefault(record.number, record)
            elif isinstance(record, DecisionRecord):
                self._keep_decision(record)
            elif isinstance(record, ViewRecord):
                self._keep_view(record)
            else:
                assert_never(record)

    async def call(self, call_id: str) -> CallRecord | None:
        """One call by its id."""
        kept = self._calls.get(call_id)
        return kept.call if kept else None

    async def attempts(self, call_id: str) -> Sequence[AttemptRecord]:
        """The attempts of one call, by number."""
        kept = self._calls.get(call_id)
        return tuple(kept.attempts[number] for number in sorted(kept.attempts)) if kept else ()

    async def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision by its id."""
        return self._decisions.get(decision_id)

    async def view(self, view_id: str) -> ViewRecord | None:
        """The view that a decision cites."""
        return self._views.get(view_id)

    async def latest_calls(self, limit: int) -> Sequence[CallRecord]:
        """The newest calls, newest first; of one millisecond, the one that came last."""
        whole = ((kept.call, kept.number) for kept in self._calls.values() if kept.call)
        newest = heapq.nlargest(limit, whole, key=lambda pair: (pair[0].at_ms, pair[1]))
        return tuple(call for call, _ in newest)

    def _kept(self, call_id: str) -> _Kept:
        kept = self._calls.get(call_id)
        if kept is None:
            self._seen += 1
            kept = self._calls[call_id] = _Kept(self._seen)
            if len(self._calls) > self._newest:
                self._calls.popitem(last=False)
        return kept

    def _keep_decision(self, record: DecisionRecord) -> None:
        if record.decision.id in self._decisions:
            return
        self._decisions[record.decision.id] = record
        self._cited[record.decision.view_id] += 1
        self._uncited.pop(record.decision.view_id, None)
        if len(self._decisions) > self._newest:
            _, oldest = self._decisions.popitem(last=False)
            self._uncite(oldest.decision.view_id)

    def _uncite(self, view_id: str) -> None:
        self._cited[view_id] -= 1
        if not self._cited[view_id]:
            del self._cited[view_id]
            self._views.pop(view_id, None)

    def _keep_view(self, record: ViewRecord) -> None:
        if record.id in self._views:
            return
        self._views[record.id] = record
        if record.id in self._cited:
            return
        # A view comes before the first decision that cites it: the newest may wait for theirs.
        self._uncited[record.id] = None
        if len(self._uncited) > _UNCITED_VIEWS:
            oldest, _ = self._uncited.popitem(last=False)
            del self._views[oldest]


class _Slot(Struct):
    value: bytes
    version: int
    until_s: float | None


class MemoryState:
    """Values with versions and expiry. One version counter for all keys: none comes twice."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._slots: dict[str, _Slot] = {}
        self._version = 0
        self._sweep_at = _FIRST_SWEEP

    async def get(self, key: str) -> Versioned | None:
        """The value, None where there is none or it has expired."""
        slot = self._live(key)
        return Versioned(slot.value, slot.version) if slot else None

    async def put(
        self, key: str, value: bytes, expect: int | None, ttl_s: float | None
    ) -> int | None:
        """Write if the version is still `expect` (None: if absent). The new version, or None."""
        slot = self._live(key)
        if (slot.version if slot else None) != expect:
            return None
        return self._write(key, value, self._until_s(ttl_s)).version

    async def add(self, key: str, amount: int, ttl_s: float | None) -> int:
        """Add to an integer, atomically. Its life begins with the first addition.

        Raises:
            ValueError: what stands there is no integer.
        """
        slot = self._live(key)
        total = (int(slot.value) if slot else 0) + amount
        self._write(key, b"%d" % total, slot.until_s if slot else self._until_s(ttl_s))
        return total

    def _live(self, key: str) -> _Slot | None:
        slot = self._slots.get(key)
        if slot and slot.until_s is not None and slot.until_s <= self._now_s():
            del self._slots[key]
            return None
        return slot

    def _until_s(self, ttl_s: float | None) -> float | None:
        return None if ttl_s is None else self._now_s() + ttl_s

    def _write(self, key: str, value: bytes, until_s: float | None) -> _Slot:
        self._version += 1
        slot = self._slots[key] = _Slot(value, self._version, until_s)
        if len(self._slots) >= self._sweep_at:
            now_s = self._now_s()
            self._slots = {
                name: kept
                for name, kept in self._slots.items()
                if kept.until_s is None or kept.until_s > now_s
            }
            self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._slots))
        return slot


class MemoryLedger:
    """Money by budget, in pico-USD."""

    def __init__(self) -> None:
        self._booked: Counter[str] = Counter()
        self._holds: dict[str, Hold] = {}
        self._settled: OrderedDict[str, None] = OrderedDict()

    async def hold(self, hold: Hold, limits_pusd: Sequence[int]) -> bool:
        """Reserve unless one of the budgets would exceed its limit. Same id: no second hold.

        Raises:
            ValueError: not one limit for each budget.
        """
        if len(hold.budgets) != len(limits_pusd):
            raise ValueError("a hold needs one limit for each of its budgets")
        if hold.id in self._holds or hold.id in self._settled:
            return True
        for budget, limit in zip(hold.budgets, limits_pusd, strict=True):
            if self._booked[budget] + hold.amount_pusd > limit:
                return False
        self._holds[hold.id] = hold
        self._book(hold, hold.amount_pusd)
        return True

    async def settle(self, hold_id: str, amount_pusd: int) -> None:
        """Replace a hold by what was spent; one that is settled already, or unknown, stays."""
        hold = self._holds.pop(hold_id, None)
        if hold is None:
            return
        self._book(hold, amount_pusd - hold.amount_pusd)
        self._settled[hold_id] = None
        if len(self._settled) > _SETTLED_HOLDS:
            self._settled.popitem(last=False)

    async def spent(self, budget: str) -> int:
        """Settled and held money of a budget."""
        return self._booked[budget]

    def _book(self, hold: Hold, amount_pusd: int) -> None:
        for budget in hold.budgets:
            self._booked[budget] += amount_pusd


class MemoryCache:
    """Replies, the least recently used gone first when their bytes exceed the limit."""

    def __init__(self, now_s: Callable[[], float], *, max_bytes: int = CACHE_BYTES) -> None:
        self._now_s = now_s
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    async def load(self, key: str) -> bytes | None:
        """A cached reply or None."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        value, until_s = kept
        if until_s <= self._now_s():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return value

    async def save(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a reply for `ttl_s` seconds; one that is larger than the whole cache is not kept."""
        self._drop(key)
        size = len(key) + len(value)
        if size > self._max_bytes:
            return
        self._kept[key] = (value, self._now_s() + ttl_s)
        self._size_bytes += size
        while self._size_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size_bytes -= len(key) + len(kept[0])


class MemoryStore:
    """All roles in this process. `now_s` is a monotonic clock in seconds."""

    def __init__(
        self,
        *,
        now_s: Callable[[], float] = time.monotonic,
        newest_calls: int = NEWEST_CALLS,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._records = MemoryRecords(newest_calls=newest_calls)
        self._state = MemoryState(now_s)
        self._ledger = MemoryLedger()
        self._cache = MemoryCache(now_s, max_bytes=cache_bytes)

    async def start(self) -> None:
        """There is nothing to open."""

    async def aclose(self) -> None:
        """There is nothing to flush."""

    def records(self) -> MemoryRecords:
        """The newest calls, decisions and views."""
        return self._records

    def state(self) -> MemoryState:
        """State of this process."""
        return self._state

    def ledger(self) -> MemoryLedger:
        """Money of this process."""
        return self._ledger

    def cache(self) -> MemoryCache:
        """Replies of this process."""
        return self._cache
