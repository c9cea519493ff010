"""Shared values in the file: compare-and-set and counters over processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from multiroute_core.api import Versioned
from multiroute_sqlite.database import Database


class SqliteState:
    """Values with versions and expiry by the wall clock: processes share it. One version counter
    for all keys: none comes twice."""

    def __init__(self, database: Database, now_s: Callable[[], float]) -> None:
        self._database = database
        self._now_s = now_s

    async def get(self, key: str) -> Versioned | None:
        """The value, None where there is none or it has expired."""
        now_s = self._now_s()

        def work(connection: sqlite3.Connection) -> Versioned | None:
            row = connection.execute(
                "SELECT value, version FROM state"
                " WHERE key = ? AND (until_s IS NULL OR until_s > ?)",
                (key, now_s),
            ).fetchone()
            return None if row is None else Versioned(bytes(row[0]), int(row[1]))

        return await self._database.read(work)

    async def put(
        self, key: str, value: bytes, expect: int | None, ttl_s: float | None
    ) -> int | None:
        """Write if the version is still `expect` (None: if absent). The new version, or None."""
        now_s = self._now_s()

        def work(connection: sqlite3.Connection) -> int | None:
            _forget_expired(connection, now_s)
            row = connection.execute("SELECT version FROM state WHERE key = ?", (key,)).fetchone()
            if (None if row is None else row[0]) != expect:
                return None
            return _write(connection, key, value, None if ttl_s is None else now_s + ttl_s)

        return await self._database.write(work)

    async def add(self, key: str, amount: int, ttl_s: float | None) -> int:
        """Add to an integer, atomically. Its life begins with the first addition.

        Raises:
            ValueError: what stands there is no integer.
        """
        now_s = self._now_s()

        def work(connection: sqlite3.Connection) -> int:
            _forget_expired(connection, now_s)
            row = connection.execute(
                "SELECT value, until_s FROM state WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                row = (b"0", None if ttl_s is None else now_s + ttl_s)
            total = int(bytes(row[0])) + amount
            _write(connection, key, b"%d" % total, row[1])
            return total

        return await self._database.write(work)


def _forget_expired(connection: sqlite3.Connection, now_s: float) -> None:
    connection.execute("DELETE FROM state WHERE until_s <= ?", (now_s,))


def _write(connection: sqlite3.Connection, key: str, value: bytes, until_s: float | None) -> int:
    connection.execute("UPDATE state_version SET last = last + 1")
    (version,) = connection.execute("SELECT last FROM state_version").fetchone()
    connection.execute(
        "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", (key, value, version, until_s)
    )
    return int(version)
