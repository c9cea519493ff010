"""The memory store: the conformance suite, and what is its own: bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from multiroute_core.api import Store
from multiroute_core.ledger.memory import MemoryCache, MemoryRecords, MemoryState, MemoryStore
from multiroute_core.testing.stores import (
    CacheConformance,
    LedgerConformance,
    RecordsConformance,
    StateConformance,
    sample_attempt,
    sample_call,
    sample_decision,
    sample_view,
)


class TestMemoryStore(RecordsConformance, StateConformance, LedgerConformance, CacheConformance):
    def make(self, folder: Path, now_s: Callable[[], float]) -> Store:
        return MemoryStore(now_s=now_s)


def test_only_the_newest_calls_stay_with_their_attempts() -> None:
    async def scenario() -> None:
        records = MemoryRecords(newest_calls=3)
        for number in range(5):
            await records.append([sample_attempt(f"c{number}", 0)])
            await records.append([sample_call(f"c{number}", at_ms=number)])
        assert [call.call_id for call in await records.latest_calls(9)] == ["c4", "c3", "c2"]
        assert await records.attempts("c1") == ()
        assert len(await records.attempts("c2")) == 1

    asyncio.run(scenario())


def test_a_view_stays_as_long_as_a_decision_cites_it() -> None:
    async def scenario() -> None:
        records = MemoryRecords(newest_calls=2)
        await records.append([sample_view("v1"), sample_view("v2")])
        await records.append([sample_decision("d1", view_id="v1")])
        await records.append([sample_decision("d2", view_id="v2")])
        await records.append([sample_decision("d3", view_id="v2")])
        assert await records.decision("d1") is None
        assert await records.view("v1") is None
        assert await records.view("v2") == sample_view("v2")
        await records.append([sample_decision("d4", view_id="v3")])
        assert await records.view("v2") is not None, "d3 still cites it"

    asyncio.run(scenario())


def test_views_that_nothing_cites_do_not_pile_up() -> None:
    async def scenario() -> None:
        records = MemoryRecords()
        for number in range(1_000):
            await records.append([sample_view(f"v{number}")])
        left = [number for number in range(1_000) if await records.view(f"v{number}")]
        assert left[-1] == 999
        assert len(left) < 100

    asyncio.run(scenario())


def test_a_view_that_comes_after_its_decision_is_kept() -> None:
    async def scenario() -> None:
        records = MemoryRecords()
        await records.append([sample_decision("d1", view_id="v1"), sample_view("v1")])
        for number in range(1_000):
            await records.append([sample_view(f"x{number}")])
        assert await records.view("v1") is not None

    asyncio.run(scenario())


def test_expired_values_do_not_pile_up() -> None:
    async def scenario() -> None:
        now_s = 0.0
        state = MemoryState(lambda: now_s)
        for number in range(5_000):
            now_s = float(number)
            await state.put(f"k{number}", b"", None, 1.0)
        assert len(state._slots) <= 1_024

    asyncio.run(scenario())


def test_the_cache_stays_within_its_bytes_and_drops_the_least_used() -> None:
    async def scenario() -> None:
        cache = MemoryCache(lambda: 0.0, max_bytes=30)
        await cache.save("a", b"x" * 9, 1.0)
        await cache.save("b", b"x" * 9, 1.0)
        await cache.save("c", b"x" * 9, 1.0)
        assert await cache.load("a")
        await cache.save("d", b"x" * 9, 1.0)
        held = [key for key in "abcd" if await cache.load(key)]
        assert held == ["a", "c", "d"]
        await cache.save("huge", b"x" * 31, 1.0)
        assert await cache.load("huge") is None
        assert await cache.load("a")

    asyncio.run(scenario())
