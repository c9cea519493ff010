"""One SQLite file and the one thread that touches it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal, TypeVar

from multiroute_core.api import ConfigError
from multiroute_sqlite.schema import migrate

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_BUSY_S: Final = 5.0


class Database:
    """A connection in a thread of its own: the event loop never waits for the disk.

    Several processes may share the file: each waits up to `_BUSY_S` for the other's write.
    """

    def __init__(self, path: Path, *, synchronous: Literal["normal", "full"]) -> None:
        self._path = path
        self._synchronous = synchronous
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, made with its folders where it is not there, readable for its owner only.

        Raises:
            ConfigError: it cannot be opened, or is not ours.
        """
        self._path = self._path.absolute()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="multiroute-sqlite")
        loop = asyncio.get_running_loop()
        self._connection = await loop.run_in_executor(self._thread, self._connected)

    async def close(self) -> None:
        """Close the file after what was begun; nothing if it is not open."""
        thread, self._thread = self._thread, None
        connection, self._connection = self._connection, None
        if thread is None:
            return
        try:
            if connection is not None:
                await asyncio.get_running_loop().run_in_executor(thread, connection.close)
        finally:
            thread.shutdown(wait=False)

    async def read(self, work: Work[T]) -> T:
        """The result of `work`, called in the thread.

        Raises:
            sqlite3.Error: the file cannot be read, or the store is not open.
        """
        if self._thread is None or self._connection is None:
            raise sqlite3.ProgrammingError("the sqlite store is not open")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._connection)

    async def write(self, work: Work[T]) -> T:
        """As `read`, in one transaction that holds the file's write lock: all or nothing."""
        return await self.read(lambda connection: _in_transaction(connection, work))

    def _connected(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
        except (OSError, sqlite3.Error) as exc:
            raise ConfigError(f"{self._path}: cannot be opened: {_words(exc)}") from exc
        try:
            _set_up(connection, self._path, self._synchronous)
        except sqlite3.Error as exc:
            connection.close()
            raise ConfigError(f"{self._path}: is no usable SQLite file: {exc}") from exc
        except ConfigError:
            connection.close()
            raise
        return connection


def _set_up(connection: sqlite3.Connection, path: Path, synchronous: str) -> None:
    _use_wal(connection)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    _in_transaction(connection, lambda it: migrate(it, path))


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. SQLite does not wait by itself when two processes do so at
    once ("database is locked" at once, whatever the timeout): so this does."""
    until_s = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                raise
            time.sleep(0.01)
        else:
            return


def _in_transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _words(exc: OSError | sqlite3.Error) -> str:
    return (exc.strerror or str(exc)) if isinstance(exc, OSError) else str(exc)
