"""The store: one file, three roles."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from multiroute_sqlite.database import Database
from multiroute_sqlite.ledger import SqliteLedger
from multiroute_sqlite.records import SqliteRecords
from multiroute_sqlite.state import SqliteState


class SqliteStore:
    """Records, state and ledger in the file at `path` (relative: to the working folder at start).

    `now_s` is the wall clock, UTC seconds since 1970, which the processes that share the file
    must agree on; it decides when state expires.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["normal", "full"] = "normal",
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(path, synchronous=synchronous)
        self._records = SqliteRecords(self._database)
        self._state = SqliteState(self._database, now_s)
        self._ledger = SqliteLedger(self._database)

    async def start(self) -> None:
        """Open the file and bring its tables up to date.

        Raises:
            ConfigError: it cannot be opened, is not ours, or was written by a newer version.
        """
        await self._database.open()

    async def aclose(self) -> None:
        """Finish what was begun and close the file."""
        await self._database.close()

    def records(self) -> SqliteRecords:
        """Append-only records."""
        return self._records

    def state(self) -> SqliteState:
        """State shared by the processes that open this file."""
        return self._state

    def ledger(self) -> SqliteLedger:
        """Money shared by the processes that open this file."""
        return self._ledger

    def cache(self) -> None:
        """None: replies are not cached in this file."""
        return None
