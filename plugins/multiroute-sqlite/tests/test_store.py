"""The SQLite store: the conformance suite, and what is its own: the file."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from multiroute_core.api import ConfigError, Hold, Store
from multiroute_core.testing.stores import (
    LedgerConformance,
    RecordsConformance,
    StateConformance,
    sample_attempt,
    sample_call,
    sample_decision,
    sample_view,
)
from multiroute_sqlite import SqliteStore


class TestSqliteStore(RecordsConformance, StateConformance, LedgerConformance):
    def make(self, folder: Path, now_s: Callable[[], float]) -> Store:
        return SqliteStore(folder / "store.db", now_s=now_s)


@asynccontextmanager
async def opened(path: Path):
    store = SqliteStore(path)
    try:
        await store.start()
        yield store
    finally:
        await store.aclose()


def start_of(path: Path) -> str:
    """The message with which the start is refused."""

    async def scenario() -> str:
        with pytest.raises(ConfigError) as caught:
            async with opened(path):
                pass
        return caught.value.message

    return asyncio.run(scenario())


def test_folders_are_made_and_only_the_owner_may_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "deep" / "er" / "store.db"
        async with opened(path) as store:
            await store.records().append([sample_call("c1")])
            for file in path.parent.iterdir():
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    asyncio.run(scenario())


def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def write() -> None:
        async with opened(path) as store:
            await store.records().append(
                [sample_view(), sample_decision("d1"), sample_attempt("c1", 0), sample_call("c1")]
            )
            await store.state().put("k", b"v", None, None)
            await store.ledger().hold(Hold("h1", ("team",), 60), (100,))

    async def read() -> None:
        async with opened(path) as store:
            assert await store.records().call("c1") == sample_call("c1")
            assert await store.records().view("v1") == sample_view()
            assert await store.state().get("k") is not None
            assert await store.ledger().spent("team") == 60
            await store.ledger().settle("h1", 10)
            assert await store.ledger().spent("team") == 10

    asyncio.run(write())
    asyncio.run(read())


def test_a_relative_path_is_bound_to_the_working_folder_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.chdir(tmp_path)
        async with opened(Path("here.db")) as store:
            monkeypatch.chdir("/")
            await store.records().append([sample_call("c1")])
            assert (tmp_path / "here.db").exists()

    asyncio.run(scenario())


def test_an_append_is_all_or_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "store.db") as store:
            bad = replace(sample_call("c2"), requested="half a pair: \ud800")
            with pytest.raises(ValueError, match="surrogates"):
                await store.records().append([sample_call("c1"), bad])
            too_large = replace(sample_attempt("c1", 0), started_ms=2**70)
            with pytest.raises(OverflowError):
                await store.records().append([sample_call("c1"), too_large])
            assert await store.records().call("c1") is None
            await store.records().append([sample_call("c1")])
            assert await store.records().call("c1") is not None

    asyncio.run(scenario())


def test_a_cost_beyond_64_bits_keeps_every_digit_in_the_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "store.db") as store:
            call = replace(sample_call("c1"), cost_pusd=2**63)
            await store.records().append([call])
            assert await store.records().call("c1") == call

    asyncio.run(scenario())


def test_records_cannot_be_changed_behind_the_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def scenario() -> None:
        async with opened(path) as store:
            await store.records().append([sample_call("c1")])

    asyncio.run(scenario())
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT profile, cost_pusd FROM call").fetchall() == [
            ("balanced", 12_345_678_901)
        ]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute("UPDATE call SET cost_pusd = 0")


def test_the_event_loop_runs_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def scenario() -> None:
        async with opened(path) as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                appending = asyncio.create_task(store.records().append([sample_call("c1")]))
                for _ in range(100):
                    await asyncio.sleep(0)
                assert not appending.done()
                other.execute("COMMIT")
                await asyncio.wait_for(appending, 5)
            assert await store.records().call("c1") is not None

    asyncio.run(scenario())


WRITER = """
import asyncio, sys
from pathlib import Path
from multiroute_core.testing.stores import sample_call
from multiroute_sqlite import SqliteStore

async def main(path, name):
    store = SqliteStore(Path(path))
    await store.start()
    for number in range(50):
        await store.records().append([sample_call(f"{name}-{number}")])
        await store.state().add("n", 1, None)
    print("written", flush=True)
    if name == "hangs":
        await asyncio.Event().wait()
    await store.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


def writer(path: Path, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_start_at_once_share_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    writers = [writer(path, f"w{number}") for number in range(3)]
    assert [process.communicate(timeout=60)[0] for process in writers] == ["written\n"] * 3

    async def scenario() -> None:
        async with opened(path) as store:
            assert len(await store.records().latest_calls(1_000)) == 150
            assert await store.state().add("n", 0, None) == 150

    asyncio.run(scenario())


def test_what_was_appended_survives_the_death_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with writer(path, "hangs") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)

    async def scenario() -> None:
        async with opened(path) as store:
            assert len(await store.records().latest_calls(1_000)) == 50

    asyncio.run(scenario())


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def scenario() -> None:
        async with opened(path):
            pass

    asyncio.run(scenario())
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE multiroute_schema SET version = 7")
    message = start_of(path)
    assert str(path) in message
    assert "newer" in message
    assert "schema 7; this one knows 1" in message


def test_the_file_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE photo (id)")
    assert "belongs to another program" in start_of(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("photo",)]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database at all, but long enough to be looked at\n" * 20)
    assert "is no usable SQLite file" in start_of(text)
    assert "cannot be opened" in start_of(tmp_path)
    assert "cannot be opened" in start_of(text / "store.db")


def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "store.db")
        with pytest.raises(sqlite3.ProgrammingError, match="not open"):
            await store.records().append([sample_call("c1")])

    asyncio.run(scenario())
