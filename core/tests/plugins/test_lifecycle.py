from __future__ import annotations

import asyncio
import logging

import pytest

from multiroute_core.plugins import Lifecycle, PluginErrors


class Part:
    """Writes down what happens to it; raises what it is told to."""

    def __init__(self, log, name, *, start=None, aclose=None):
        self.log, self.name = log, name
        self.on_start, self.on_close = start, aclose

    async def start(self):
        self.log.append(f"start {self.name}")
        if self.on_start is not None:
            raise self.on_start

    async def aclose(self):
        self.log.append(f"close {self.name}")
        if self.on_close is not None:
            raise self.on_close


def test_parts_are_closed_in_reverse_order():
    log: list[str] = []

    async def run() -> None:
        async with Lifecycle() as life:
            first = Part(log, "a")
            assert await life.start("a", first) is first
            await life.start("b", Part(log, "b"))
            log.append("serve")

    asyncio.run(run())
    assert log == ["start a", "start b", "serve", "close b", "close a"]


def test_a_failed_start_is_cleaned_up_too_and_names_the_part():
    log: list[str] = []

    async def run() -> None:
        async with Lifecycle() as life:
            await life.start("store 'x'", Part(log, "a"))
            await life.start("provider 'eu'", Part(log, "b", start=ValueError("no region")))
            log.append("never")

    with pytest.raises(PluginErrors, match="provider 'eu' did not start: ValueError: no region"):
        asyncio.run(run())
    assert log == ["start a", "start b", "close b", "close a"]


@pytest.mark.parametrize("error", [SystemExit(0), TimeoutError("dns")])
def test_a_start_that_exits_or_times_out_by_itself_is_a_failed_start(error):
    async def run() -> None:
        async with Lifecycle() as life:
            await life.start("a", Part([], "a", start=error))

    with pytest.raises(PluginErrors, match="a did not start: "):
        asyncio.run(run())


def test_a_start_that_hangs_is_ended_by_the_deadline_and_closed():
    log: list[str] = []

    class Hangs(Part):
        async def start(self):
            await asyncio.Event().wait()

    async def run() -> None:
        async with Lifecycle(start_deadline_s=0.01) as life:
            await life.start("a", Hangs(log, "a"))

    with pytest.raises(PluginErrors, match=r"a did not start within 0\.01 s"):
        asyncio.run(run())
    assert log == ["close a"]


def test_a_failing_close_is_reported_and_the_rest_still_closes(caplog):
    log: list[str] = []

    async def run() -> None:
        async with Lifecycle() as life:
            await life.start("a", Part(log, "a"))
            await life.start("b", Part(log, "b", aclose=OSError("disk full")))
            await life.start("c", Part(log, "c", aclose=SystemExit(0)))

    with caplog.at_level(logging.ERROR), pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    assert log[3:] == ["close c", "close b", "close a"]
    assert [note for e in caught.value.exceptions for note in e.__notes__] == [
        "while closing c",
        "while closing b",
    ]
    assert "closing b failed: OSError: disk full" in caplog.text


def test_a_failing_close_does_not_hide_why_the_start_failed():
    log: list[str] = []

    async def run() -> None:
        async with Lifecycle() as life:
            await life.start("a", Part(log, "a", aclose=OSError("disk full")))
            await life.start("b", Part(log, "b", start=ValueError("no region")))

    with pytest.raises(PluginErrors, match="b did not start") as caught:
        asyncio.run(run())
    assert "disk full" in "".join(caught.value.__notes__)


def test_a_close_that_hangs_is_ended_by_its_deadline_and_the_rest_still_closes():
    log: list[str] = []

    class Hangs(Part):
        async def aclose(self):
            await asyncio.Event().wait()

    async def run() -> None:
        async with Lifecycle(close_deadline_s=0.01) as life:
            await life.start("a", Part(log, "a"))
            await life.start("b", Hangs(log, "b"))

    with pytest.raises(ExceptionGroup):
        asyncio.run(run())
    assert log == ["start a", "start b", "close a"]


def test_cancellation_during_clean_up_still_closes_the_rest_and_is_not_swallowed():
    log: list[str] = []

    class Waits(Part):
        async def aclose(self):
            closing.set()
            await asyncio.Event().wait()

    closing = asyncio.Event()

    async def serve() -> None:
        async with Lifecycle() as life:
            await life.start("a", Part(log, "a"))
            await life.start("b", Waits(log, "b"))

    async def run() -> None:
        task = asyncio.create_task(serve())
        await closing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(run())
    assert log == ["start a", "start b", "close a"]


def test_secrets_are_blotted_out_of_a_failed_start():
    async def run() -> None:
        async with Lifecycle() as life:
            part = Part([], "a", start=OSError("cannot open db://me:hunter2@host"))
            await life.start("a", part, secrets=("hunter2",))

    with pytest.raises(PluginErrors) as caught:
        asyncio.run(run())
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_closing_twice_closes_once():
    log: list[str] = []

    async def run() -> None:
        life = Lifecycle()
        await life.start("a", Part(log, "a"))
        await life.aclose()
        await life.aclose()

    asyncio.run(run())
    assert log == ["start a", "close a"]
