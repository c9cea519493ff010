"""The conformance suite for stores: inherit the classes of the roles that your store plays.

    class TestMyStore(RecordsConformance, StateConformance):
        def make(self, folder, now_s):
            return MyStore(folder / "my.db", now_s=now_s)

Each class adds its tests under pytest. A role whose class is not inherited must be absent: a
store refuses what it does not do.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

from multiroute_core.api import (
    CacheStore,
    Hold,
    LedgerStore,
    Record,
    RecordStore,
    StateStore,
    Store,
)
from multiroute_core.testing.sample_records import (
    sample_attempt,
    sample_call,
    sample_decision,
    sample_view,
)

T = TypeVar("T")


class StoreConformance(ABC):
    """What every store must do. Inherit a role's class below rather than this one."""

    role: ClassVar[str] = ""

    @abstractmethod
    def make(self, folder: Path, now_s: Callable[[], float]) -> Store:
        """A store over `folder`, the same data for the same folder where it is durable.

        `now_s` is the clock (seconds) that expiry is to follow; it starts at 1000.
        """

    async def pass_time(self, seconds: float) -> None:
        """Let time pass. Override it where the store cannot follow `now_s`."""
        self._now_s = self.now_s() + seconds

    def now_s(self) -> float:
        """The time on the suite's clock."""
        return getattr(self, "_now_s", 1_000.0)

    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[Store]:
        """The store, started, and closed at the end."""
        store = self.make(folder, self.now_s)
        try:
            await store.start()
            yield store
        finally:
            await store.aclose()

    def test_it_plays_the_declared_roles_and_no_others(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.opened(tmp_path) as store:
                offered = {
                    "records": store.records(),
                    "state": store.state(),
                    "ledger": store.ledger(),
                    "cache": store.cache(),
                }
                played = {role for role, part in offered.items() if part is not None}
                declared = {vars(base).get("role", "") for base in type(self).__mro__} - {""}
                assert played == declared, f"plays {sorted(played)}, declares {sorted(declared)}"

        asyncio.run(scenario())

    def test_it_closes_without_having_been_started(self, tmp_path: Path) -> None:
        asyncio.run(_closed(self.make(tmp_path, self.now_s)))

    def test_it_closes_twice(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.opened(tmp_path) as store:
                await store.aclose()

        asyncio.run(scenario())


async def _closed(store: Store) -> None:
    await store.aclose()


class RecordsConformance(StoreConformance):
    """For a store that keeps records."""

    role = "records"

    def test_each_record_is_found_by_its_id(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            call, decision, view = sample_call("c1"), sample_decision("d1"), sample_view()
            attempts = (sample_attempt("c1", 0, fault="rate_limited"), sample_attempt("c1", 1))
            await records.append((view, decision, *attempts, call))
            assert await records.call("c1") == call
            assert await records.decision("d1") == decision
            assert await records.view("v1") == view
            assert tuple(await records.attempts("c1")) == attempts

        self._with_records(tmp_path, scenario)

    def test_what_is_not_there_is_none(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            await records.append(())
            assert await records.call("c1") is None
            assert await records.decision("d1") is None
            assert await records.view("v1") is None
            assert tuple(await records.attempts("c1")) == ()
            assert tuple(await records.latest_calls(5)) == ()

        self._with_records(tmp_path, scenario)

    def test_a_record_that_is_there_is_neither_doubled_nor_changed(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            first: tuple[Record, ...] = (
                sample_view(),
                sample_decision("d1"),
                sample_attempt("c1", 0),
                sample_call("c1"),
            )
            await records.append(first)
            await records.append(first)
            await records.append(
                (sample_call("c1", at_ms=5), sample_attempt("c1", 0, fault="reset"))
            )
            assert tuple(await records.latest_calls(5)) == (sample_call("c1"),)
            assert tuple(await records.attempts("c1")) == (sample_attempt("c1", 0),)

        self._with_records(tmp_path, scenario)

    def test_attempts_come_by_number(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            await records.append([sample_attempt("c1", number) for number in (10, 2, 0)])
            await records.append([sample_attempt("c2", 1)])
            assert [attempt.number for attempt in await records.attempts("c1")] == [0, 2, 10]

        self._with_records(tmp_path, scenario)

    def test_the_latest_calls_come_newest_first(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            for call_id, at_ms in (("c1", 20), ("c2", 30), ("c3", 10), ("c4", 30)):
                await records.append([sample_call(call_id, at_ms=at_ms)])
            latest = [call.call_id for call in await records.latest_calls(3)]
            assert latest == ["c4", "c2", "c1"], "by time, then by arrival"

        self._with_records(tmp_path, scenario)

    def test_concurrent_appends_all_arrive(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(50):
                    group.create_task(records.append([sample_call(f"c{number}", at_ms=number)]))
            assert len(await records.latest_calls(100)) == 50

        self._with_records(tmp_path, scenario)

    def test_a_deep_change_to_what_was_read_changes_nothing(self, tmp_path: Path) -> None:
        async def scenario(records: RecordStore) -> None:
            await records.append([sample_call("c1")])
            read = await records.call("c1")
            assert read is not None
            with contextlib.suppress(TypeError):  # read-only is as good as a copy
                read.metadata["team"] = "x"  # type: ignore[index]  # what a careless caller does
            again = await records.call("c1")
            assert again is not None
            assert again.metadata["team"] != "x", "a reader's change got into the store"

        self._with_records(tmp_path, scenario)

    def _with_records(
        self, folder: Path, scenario: Callable[[RecordStore], Awaitable[None]]
    ) -> None:
        _run_with(self, folder, lambda store: store.records(), scenario)


class StateConformance(StoreConformance):
    """For a store that holds shared state."""

    role = "state"

    def test_a_value_is_written_under_the_expected_version_only(self, tmp_path: Path) -> None:
        async def scenario(state: StateStore) -> None:
            assert await state.get("k") is None
            first = await state.put("k", b"one", None, None)
            assert first is not None
            assert await state.put("k", b"two", None, None) is None, "it is not absent"
            assert await state.put("k", b"two", first + 1000, None) is None, "another version"
            second = await state.put("k", b"\x00two", first, None)
            assert second is not None
            assert second != first
            read = await state.get("k")
            assert read is not None
            assert (read.value, read.version) == (b"\x00two", second)

        self._with_state(tmp_path, scenario)

    def test_of_concurrent_writers_one_wins(self, tmp_path: Path) -> None:
        async def scenario(state: StateStore) -> None:
            versions = await asyncio.gather(
                *(state.put("k", b"%d" % number, None, None) for number in range(20))
            )
            assert sum(version is not None for version in versions) == 1

        self._with_state(tmp_path, scenario)

    def test_a_value_expires(self, tmp_path: Path) -> None:
        async def scenario(state: StateStore) -> None:
            first = await state.put("k", b"one", None, 10.0)
            assert first is not None
            await self.pass_time(9.0)
            assert await state.get("k") is not None
            await self.pass_time(1.0)
            assert await state.get("k") is None
            assert await state.put("k", b"two", first, None) is None, "an expired version is gone"
            again = await state.put("k", b"two", None, None)
            assert again not in (None, first), "a version never comes twice"

        self._with_state(tmp_path, scenario)

    def test_additions_are_atomic(self, tmp_path: Path) -> None:
        async def scenario(state: StateStore) -> None:
            sums = await asyncio.gather(*(state.add("n", 2, None) for _ in range(25)))
            assert sorted(sums) == list(range(2, 52, 2))
            assert await state.add("n", -50, None) == 0

        self._with_state(tmp_path, scenario)

    def test_a_counter_lives_from_its_first_addition(self, tmp_path: Path) -> None:
        async def scenario(state: StateStore) -> None:
            await state.add("n", 5, 10.0)
            await self.pass_time(6.0)
            assert await state.add("n", 5, 10.0) == 10
            await self.pass_time(6.0)
            assert await state.add("n", 5, 10.0) == 5, "its window ended 10 s after it began"

        self._with_state(tmp_path, scenario)

    def _with_state(self, folder: Path, scenario: Callable[[StateStore], Awaitable[None]]) -> None:
        _run_with(self, folder, lambda store: store.state(), scenario)


class LedgerConformance(StoreConformance):
    """For a store that keeps money."""

    role = "ledger"

    def test_a_hold_counts_until_it_is_settled(self, tmp_path: Path) -> None:
        async def scenario(ledger: LedgerStore) -> None:
            assert await ledger.spent("team") == 0
            assert await ledger.hold(Hold("h1", ("team", "all"), 60), (100, 100))
            assert await ledger.spent("team") == 60
            await ledger.settle("h1", 25)
            assert (await ledger.spent("team"), await ledger.spent("all")) == (25, 25)

        self._with_ledger(tmp_path, scenario)

    def test_one_exceeded_budget_refuses_the_whole_hold(self, tmp_path: Path) -> None:
        async def scenario(ledger: LedgerStore) -> None:
            assert await ledger.hold(Hold("h1", ("team",), 60), (100,))
            assert not await ledger.hold(Hold("h2", ("all", "team"), 50), (100, 100))
            assert await ledger.spent("all") == 0
            assert await ledger.hold(Hold("h3", ("team",), 40), (100,)), "up to the limit"

        self._with_ledger(tmp_path, scenario)

    def test_the_same_hold_is_taken_once(self, tmp_path: Path) -> None:
        async def scenario(ledger: LedgerStore) -> None:
            hold = Hold("h1", ("team",), 60)
            assert await ledger.hold(hold, (100,))
            assert await ledger.hold(hold, (100,))
            assert await ledger.spent("team") == 60
            await ledger.settle("h1", 30)
            await ledger.settle("h1", 30)
            assert await ledger.hold(hold, (100,)), "settled already: nothing to reserve"
            assert await ledger.spent("team") == 30

        self._with_ledger(tmp_path, scenario)

    def test_a_released_hold_leaves_nothing(self, tmp_path: Path) -> None:
        async def scenario(ledger: LedgerStore) -> None:
            assert await ledger.hold(Hold("h1", ("team",), 60), (100,))
            await ledger.settle("h1", 0)
            assert await ledger.spent("team") == 0

        self._with_ledger(tmp_path, scenario)

    def test_concurrent_holds_never_exceed_a_limit(self, tmp_path: Path) -> None:
        async def scenario(ledger: LedgerStore) -> None:
            held = await asyncio.gather(
                *(ledger.hold(Hold(f"h{number}", ("team",), 30), (100,)) for number in range(20))
            )
            assert sum(held) == 3
            assert await ledger.spent("team") == 90

        self._with_ledger(tmp_path, scenario)

    def _with_ledger(
        self, folder: Path, scenario: Callable[[LedgerStore], Awaitable[None]]
    ) -> None:
        _run_with(self, folder, lambda store: store.ledger(), scenario)


class CacheConformance(StoreConformance):
    """For a store that caches replies."""

    role = "cache"

    def test_a_reply_is_kept_and_replaced(self, tmp_path: Path) -> None:
        async def scenario(cache: CacheStore) -> None:
            assert await cache.load("k") is None
            await cache.save("k", b"one", 10.0)
            await cache.save("k", b"two", 10.0)
            assert await cache.load("k") == b"two"

        self._with_cache(tmp_path, scenario)

    def test_a_reply_expires(self, tmp_path: Path) -> None:
        async def scenario(cache: CacheStore) -> None:
            await cache.save("k", b"one", 10.0)
            await self.pass_time(10.0)
            assert await cache.load("k") is None

        self._with_cache(tmp_path, scenario)

    def _with_cache(self, folder: Path, scenario: Callable[[CacheStore], Awaitable[None]]) -> None:
        _run_with(self, folder, lambda store: store.cache(), scenario)


def _run_with(
    suite: StoreConformance,
    folder: Path,
    role: Callable[[Store], T | None],
    scenario: Callable[[T], Awaitable[None]],
) -> None:
    async def run() -> None:
        async with suite.opened(folder) as store:
            part = role(store)
            assert part is not None, "the store does not play the role that its suite declares"
            await scenario(part)

    asyncio.run(run())


__all__: Sequence[str] = (
    "CacheConformance",
    "LedgerConformance",
    "RecordsConformance",
    "StateConformance",
    "StoreConformance",
    "sample_attempt",
    "sample_call",
    "sample_decision",
    "sample_view",
)
