"""The recorder: nothing waits for it, nothing is written twice, what is lost is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from multiroute_core.api import CallRecord, Record
from multiroute_core.ledger.memory import MemoryRecords
from multiroute_core.ledger.recorder import (
    BATCH_ROWS,
    Recorder,
    RecorderCounts,
    RecordsLost,
    capped_backoff_s,
)
from multiroute_core.testing.stores import sample_attempt, sample_call, sample_decision, sample_view


class Shelf(MemoryRecords):
    """A record store that notes its batches, and fails or hangs when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[Record, ...]] = []
        self.failures: list[Exception] = []
        self.is_down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.tried = asyncio.Event()
        self.wrote = asyncio.Event()

    async def append(self, records: Sequence[Record]) -> None:
        self.tried.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.is_down:
            raise OSError("disk full")
        if any(isinstance(record, CallRecord) and record.key == "bad" for record in records):
            raise ValueError("surrogates not allowed")
        self.batches.append(tuple(records))
        await super().append(records)
        self.wrote.set()

    @property
    def rows(self) -> list[Record]:
        return [record for batch in self.batches for record in batch]


class Listener:
    def __init__(self, *, is_stuck: bool = False, is_broken: bool = False) -> None:
        self.seen: list[Record] = []
        self.began = asyncio.Event()
        self._is_stuck = is_stuck
        self._is_broken = is_broken

    async def start(self) -> None:
        pass

    async def observe(self, records: Sequence[Record]) -> None:
        self.began.set()
        if self._is_stuck:
            await asyncio.Event().wait()
        if self._is_broken:
            raise RuntimeError("no such host")
        self.seen.extend(records)

    async def aclose(self) -> None:
        pass


def at_once(failures: int) -> float:
    return 0.0


def calls(number: int) -> list[Record]:
    return [sample_call(f"c{at}", at_ms=at) for at in range(number)]


def test_records_are_written_in_order_without_being_asked_for() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf)
        await recorder.start()
        recorder.record(sample_view(), sample_decision("d1"))
        recorder.record(sample_attempt("c1", 0), sample_call("c1"))
        assert shelf.batches == []
        await asyncio.wait_for(shelf.wrote.wait(), 5)
        assert shelf.batches == [
            (sample_view(), sample_decision("d1"), sample_attempt("c1", 0), sample_call("c1"))
        ], "one batch"
        await recorder.aclose()

    asyncio.run(scenario())


def test_a_full_batch_does_not_wait_and_no_batch_is_larger() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf)
        await recorder.start()
        began_s = asyncio.get_running_loop().time()
        recorder.record(*calls(BATCH_ROWS + 10))
        await asyncio.sleep(0)  # the writer's turn: no timer can have fired
        await asyncio.sleep(0)
        assert shelf.tried.is_set() or asyncio.get_running_loop().time() - began_s > 0.05
        await recorder.flush()
        assert [len(batch) for batch in shelf.batches] == [BATCH_ROWS, 10]
        await recorder.aclose()

    asyncio.run(scenario())


def test_flush_returns_when_everything_given_is_durable() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf)
        await recorder.start()
        await recorder.flush()
        shelf.gate.clear()
        recorder.record(sample_call("c1"))
        flushing = asyncio.create_task(recorder.flush())
        await shelf.tried.wait()
        assert not flushing.done()
        shelf.gate.set()
        await flushing
        assert await shelf.call("c1") == sample_call("c1")
        await recorder.aclose()

    asyncio.run(scenario())


def test_records_taken_before_the_start_are_written() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf)
        recorder.record(sample_call("c1"))
        await recorder.start()
        await recorder.flush()
        assert shelf.rows == [sample_call("c1")]
        await recorder.aclose()

    asyncio.run(scenario())


def test_a_store_that_hangs_holds_nobody_up() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf, drain_s=0.01)
        await recorder.start()
        shelf.gate.clear()
        recorder.record(*calls(1_000))
        await shelf.tried.wait()
        recorder.record(sample_call("later"))
        assert recorder.waiting == 1_001
        await recorder.aclose()
        assert recorder.counts.lost == 1_001

    asyncio.run(scenario())


def test_rows_wait_while_the_store_fails_and_are_there_once_afterwards() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        shelf.failures = [OSError("locked")] * 3
        waits: list[int] = []

        def noted(failures: int) -> float:
            assert recorder.is_failing
            waits.append(failures)
            return 0.0

        recorder = Recorder(shelf, backoff_s=noted)
        await recorder.start()
        recorder.record(*calls(5))
        await recorder.flush()
        assert shelf.rows == calls(5)
        assert waits == [1, 2, 3]
        assert not recorder.is_failing
        assert recorder.counts == RecorderCounts(
            given=5, written=5, lost=0, ledger_errors=3, dropped={}, observer_errors={}
        )
        await recorder.aclose()

    asyncio.run(scenario())


def test_the_back_off_grows_to_its_cap() -> None:
    waits = [capped_backoff_s(failures) for failures in range(1, 100)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.05, 5.0)


def test_what_does_not_fit_into_memory_is_lost_and_counted() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf, max_backlog=10, backoff_s=at_once)
        recorder.record(*calls(12), sample_view())
        assert (recorder.counts.given, recorder.counts.lost) == (10, 3)
        await recorder.start()
        await recorder.flush()
        recorder.record(sample_view())
        await recorder.flush()
        assert shelf.rows == [*calls(10), sample_view()], "a view that was lost is taken again"
        await recorder.aclose()

    asyncio.run(scenario())


def test_a_record_that_cannot_be_written_is_given_up_alone() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        recorder = Recorder(shelf)
        await recorder.start()
        good, bad = sample_call("c1"), sample_call("c2")
        bad = CallRecord(
            **{name: getattr(bad, name) for name in bad.__struct_fields__} | {"key": "bad"}
        )
        recorder.record(good, bad, sample_attempt("c1", 0))
        await recorder.flush()
        assert shelf.rows == [good, sample_attempt("c1", 0)]
        assert (recorder.counts.written, recorder.counts.lost) == (2, 1)
        assert not recorder.is_failing
        await recorder.aclose()

    asyncio.run(scenario())


def test_a_view_is_written_once_while_it_is_recent() -> None:
    async def scenario() -> None:
        shelf, listener = Shelf(), Listener()
        recorder = Recorder(shelf, [("listener", listener)])
        await recorder.start()
        for number in range(100):
            recorder.record(sample_view("v1"), sample_decision(f"d{number}"))
        recorder.record(sample_view("v2"))
        await recorder.aclose()
        for rows in (shelf.rows, listener.seen):
            assert rows.count(sample_view("v1")) == 1
            assert rows.count(sample_view("v2")) == 1
            assert len(rows) == 102

    asyncio.run(scenario())


def test_closing_writes_what_is_left() -> None:
    async def scenario() -> None:
        shelf, listener = Shelf(), Listener()
        recorder = Recorder(shelf, [("listener", listener)])
        await recorder.start()
        recorder.record(*calls(600))
        await recorder.aclose()
        await recorder.aclose()
        assert shelf.rows == calls(600)
        assert listener.seen == calls(600)
        recorder.record(sample_call("late"))
        assert recorder.counts.lost == 1

    asyncio.run(scenario())


def test_closing_gives_a_failing_store_one_more_chance() -> None:
    async def scenario(recovers: bool) -> tuple[int, int]:
        shelf = Shelf()
        shelf.is_down = True
        recorder = Recorder(shelf, backoff_s=lambda failures: 3600.0)
        await recorder.start()
        recorder.record(sample_call("c1"))
        flushing = asyncio.create_task(recorder.flush())
        while not recorder.is_failing:
            await asyncio.sleep(0)
        shelf.is_down = not recovers
        await recorder.aclose()
        if recovers:
            await flushing
        else:
            with pytest.raises(RecordsLost):
                await flushing
        return recorder.counts.written, recorder.counts.lost

    assert asyncio.run(scenario(recovers=True)) == (1, 0)
    assert asyncio.run(scenario(recovers=False)) == (0, 1)


def test_a_slow_observer_loses_records_and_holds_nobody_up() -> None:
    async def scenario() -> None:
        shelf, slow, quick = Shelf(), Listener(is_stuck=True), Listener()
        recorder = Recorder(shelf, [("slow", slow), ("quick", quick)], max_queue=300, drain_s=0.01)
        await recorder.start()
        recorder.record(*calls(200))
        await slow.began.wait()
        await recorder.flush()
        for call in calls(400):
            recorder.record(call)
            await asyncio.sleep(0)
        await recorder.flush()
        await recorder.aclose()
        assert len(shelf.rows) == 600
        assert len(quick.seen) == 600
        assert recorder.counts.dropped == {"slow": 400, "quick": 0}, "100 at once, 300 at the end"

    asyncio.run(scenario())


def test_an_observer_that_raises_loses_its_batch_only() -> None:
    async def scenario() -> None:
        shelf, broken, quick = Shelf(), Listener(is_broken=True), Listener()
        recorder = Recorder(shelf, [("broken", broken), ("quick", quick)])
        await recorder.start()
        recorder.record(sample_call("c1"))
        await broken.began.wait()
        await recorder.flush()
        recorder.record(sample_call("c2"))
        await recorder.aclose()
        assert recorder.counts.observer_errors == {"broken": 2, "quick": 0}
        assert quick.seen == [sample_call("c1"), sample_call("c2")]

    asyncio.run(scenario())
