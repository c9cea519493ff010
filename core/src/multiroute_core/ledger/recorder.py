"""The recorder: takes records on a request's way without waiting, and writes them beside it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from multiroute_core.api import MultiRouteError, Observer, Record, RecordStore, ViewRecord

BATCH_ROWS: Final = 256
BATCH_S: Final = 0.05
_RECENT_VIEWS: Final = 64
_UNWRITABLE: Final = (TypeError, ValueError, OverflowError)
_log = logging.getLogger("multiroute.ledger")


class RecordsLost(MultiRouteError):
    """The recorder was closed while its store still refused records."""

    code = "records_lost"


class RecorderCounts(Struct, frozen=True, gc=False):
    """Counts since the start.

    `given` rows were accepted for the store, `written` are durable there, `lost` never got there
    (the memory for them was full, the store cannot write them, or it refused to the end).
    `ledger_errors` counts failed writes. `dropped` (rows) and `observer_errors` (batches) are by
    observer name.
    """

    given: int
    written: int
    lost: int
    ledger_errors: int
    dropped: Mapping[str, int]
    observer_errors: Mapping[str, int]


def capped_backoff_s(failures: int) -> float:
    """Seconds to wait after so many failed writes in a row.

    >>> capped_backoff_s(1), capped_backoff_s(20)
    (0.05, 5.0)
    """
    return float(min(5.0, 0.05 * 2.0 ** min(failures - 1, 16)))


class _Feed:
    """One observer with its own bounded queue and task: a slow one is alone with it."""

    def __init__(self, name: str, observer: Observer, max_queue: int) -> None:
        self.name = name
        self.dropped = 0
        self.errors = 0
        self._observer = observer
        self._max_queue = max_queue
        self._queue: deque[Record] = deque()
        self._news = asyncio.Event()
        self._is_closing = False

    def offer(self, record: Record) -> None:
        if len(self._queue) >= self._max_queue:
            self.dropped += 1
            return
        self._queue.append(record)
        if not self._news.is_set():
            self._news.set()

    def close(self) -> None:
        self._is_closing = True
        self._news.set()

    async def run(self) -> None:
        while self._queue or not self._is_closing:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                batch = tuple(islice(self._queue, BATCH_ROWS))
                for _ in batch:
                    self._queue.popleft()
                await self._observe(batch)

    async def _observe(self, batch: Sequence[Record]) -> None:
        try:
            await self._observer.observe(batch)
        except Exception as exc:  # noqa: BLE001 - the border to an observer: its batch is lost
            self.errors += 1
            _log.warning("observer_error observer=%s error=%s", self.name, type(exc).__name__)

    def abandon(self) -> None:
        self.dropped += len(self._queue)
        self._queue.clear()


class Recorder:
    """Feeds one record store and any number of observers.

    `record` is called on the event loop, never waits and never raises. Rows wait in memory for at
    most `BATCH_S` or until `BATCH_ROWS` are there. While the store fails they stay there, at most
    `max_backlog` (then new ones are lost and counted), and are tried again with a capped back-off;
    writing is idempotent, so each row is there once afterwards. Records that the store cannot
    write at all (it raises TypeError, ValueError or OverflowError) are given up one by one.

    Starting and closing store and observers is their owner's business: after `aclose` of this.
    """

    def __init__(
        self,
        store: RecordStore,
        observers: Sequence[tuple[str, Observer]] = (),
        *,
        max_queue: int = 8_192,
        max_backlog: int = 100_000,
        backoff_s: Callable[[int], float] = capped_backoff_s,
        drain_s: float = 10.0,
    ) -> None:
        self._store = store
        self._feeds = tuple(_Feed(name, observer, max_queue) for name, observer in observers)
        self._max_backlog = max_backlog
        self._backoff_s = backoff_s
        self._drain_s = drain_s
        self._backlog: deque[Record] = deque()
        self._recent_views: OrderedDict[str, None] = OrderedDict()
        self._given = 0
        self._written = 0
        self._unwritable = 0
        self._refused = 0
        self._errors = 0
        self._failures_in_a_row = 0
        self._due = asyncio.Event()
        self._closing = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    # ---- on a request's way

    def record(self, *records: Record) -> None:
        """Take these, in order. A view that was recorded lately is not taken again."""
        for record in records:
            if isinstance(record, ViewRecord) and self._is_recent(record.id):
                continue
            if len(self._backlog) >= self._max_backlog or self._closing.is_set():
                self._refused += 1
                self._forget_view(record)
            else:
                self._backlog.append(record)
                self._given += 1
            for feed in self._feeds:
                feed.offer(record)
        if self._backlog and self._loop is not None and not self._failures_in_a_row:
            if len(self._backlog) >= BATCH_ROWS:
                self._due.set()
            elif self._timer is None:
                self._timer = self._loop.call_later(BATCH_S, self._due.set)

    @property
    def is_failing(self) -> bool:
        """Whether the store refused the last write: under fail_closed, calls are refused then."""
        return self._failures_in_a_row > 0

    @property
    def counts(self) -> RecorderCounts:
        """The counts now."""
        return RecorderCounts(
            given=self._given,
            written=self._written,
            lost=self._refused + self._unwritable,
            ledger_errors=self._errors,
            dropped=MappingProxyType({feed.name: feed.dropped for feed in self._feeds}),
            observer_errors=MappingProxyType({feed.name: feed.errors for feed in self._feeds}),
        )

    def _is_recent(self, view_id: str) -> bool:
        if view_id in self._recent_views:
            self._recent_views.move_to_end(view_id)
            return True
        self._recent_views[view_id] = None
        if len(self._recent_views) > _RECENT_VIEWS:
            self._recent_views.popitem(last=False)
        return False

    def _forget_view(self, record: Record) -> None:
        if isinstance(record, ViewRecord):
            self._recent_views.pop(record.id, None)

    # ---- life

    async def start(self) -> None:
        """Begin to write; what was recorded before is written first."""
        self._loop = asyncio.get_running_loop()
        self._tasks = (
            self._loop.create_task(self._write_all(), name="recorder"),
            *(
                self._loop.create_task(feed.run(), name=f"observer {feed.name}")
                for feed in self._feeds
            ),
        )
        if self._backlog:
            self._due.set()

    async def flush(self) -> None:
        """Wait until everything recorded so far is durable; observers are not waited for.

        Without end while the store fails: set a deadline around it.

        Raises:
            RecordsLost: the recorder was closed first, and the store refused to the end.
        """
        if self._done >= self._given:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._given, waiter))
        self._due.set()
        await waiter

    async def aclose(self) -> None:
        """Write and feed what is left, for at most `drain_s` seconds; a failing store gets one
        more chance. What is left then is lost, and counted."""
        if not self._tasks:
            return
        self._closing.set()
        self._due.set()
        for feed in self._feeds:
            feed.close()
        _, late = await asyncio.wait(self._tasks, timeout=self._drain_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        if self._timer is not None:
            self._timer.cancel()
        self._give_up()
        done, self._tasks = self._tasks, ()
        for task in done:
            if not task.cancelled():
                task.result()

    def _give_up(self) -> None:
        for feed in self._feeds:
            feed.abandon()
        left = len(self._backlog)
        if left:
            _log.error("ledger_records_lost rows=%d", left)
        self._unwritable += left
        self._backlog.clear()
        lost = RecordsLost(f"the record store refused the last {left} records")
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(lost)
        self._waiters.clear()

    # ---- the writing task

    @property
    def _done(self) -> int:
        return self._written + self._unwritable

    async def _write_all(self) -> None:
        while self._backlog or not self._closing.is_set():
            await self._due.wait()
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            while self._backlog:
                if not await self._write_batch() and not await self._pause():
                    return

    async def _write_batch(self) -> bool:
        """Write the oldest rows, which stay in memory until then. Whether the store took them."""
        batch = tuple(islice(self._backlog, BATCH_ROWS))
        try:
            await self._store.append(batch)
        except _UNWRITABLE:
            await self._write_singly(batch)
        except Exception as exc:  # noqa: BLE001 - the border to a store: the rows are kept
            self._failed(exc)
            return False
        else:
            self._advance(len(batch), lost=0)
        return not self._failures_in_a_row

    async def _write_singly(self, batch: Sequence[Record]) -> None:
        """One of them cannot be written at all: find it, and write the others."""
        for record in batch:
            try:
                await self._store.append((record,))
            except _UNWRITABLE as exc:
                self._errors += 1
                _log.error("ledger_record_unwritable error=%s", type(exc).__name__)
                self._advance(1, lost=1)
            except Exception as exc:  # noqa: BLE001 - the border to a store: the rows are kept
                self._failed(exc)
                return
            else:
                self._advance(1, lost=0)

    def _failed(self, exc: Exception) -> None:
        self._errors += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row == 1:
            _log.error("ledger_error error=%s: records wait in memory", type(exc).__name__)

    def _advance(self, rows: int, *, lost: int) -> None:
        for _ in range(rows):
            self._backlog.popleft()
        self._written += rows - lost
        self._unwritable += lost
        if self._failures_in_a_row:
            _log.warning("ledger_recovered after=%d", self._failures_in_a_row)
            self._failures_in_a_row = 0
        while self._waiters and self._waiters[0][0] <= self._done:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    @property
    def waiting(self) -> int:
        """Rows in memory that are not durable yet."""
        return len(self._backlog)

    async def _pause(self) -> bool:
        """Wait out the back-off. False: the recorder is closing and this was the last chance."""
        if self._closing.is_set():
            return False
        try:
            async with asyncio.timeout(self._backoff_s(self._failures_in_a_row)):
                await self._closing.wait()
        except TimeoutError:
            pass
        return True
