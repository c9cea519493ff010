"""Money in the file: holds and what became of them, in pico-USD."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from multiroute_core.api import Hold
from multiroute_sqlite.database import Database


class SqliteLedger:
    """Budgets over processes. A hold's row stays after it is settled: nothing is booked twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, hold: Hold, limits_pusd: Sequence[int]) -> bool:
        """Reserve unless one of the budgets would exceed its limit. Same id: no second hold.

        Raises:
            ValueError: not one limit for each budget.
        """
        if len(hold.budgets) != len(limits_pusd):
            raise ValueError("a hold needs one limit for each of its budgets")

        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM hold WHERE id = ?", (hold.id,)).fetchone():
                return True
            for budget, limit in zip(hold.budgets, limits_pusd, strict=True):
                if _booked(connection, budget) + hold.amount_pusd > limit:
                    return False
            connection.execute(
                "INSERT INTO hold VALUES (?, ?, ?, NULL)",
                (hold.id, json.dumps(hold.budgets), hold.amount_pusd),
            )
            for budget in hold.budgets:
                _book(connection, budget, hold.amount_pusd)
            return True

        return await self._database.write(work)

    async def settle(self, hold_id: str, amount_pusd: int) -> None:
        """Replace a hold by what was spent; one that is settled already, or unknown, stays."""

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "SELECT budgets, held_pusd FROM hold WHERE id = ? AND settled_pusd IS NULL",
                (hold_id,),
            ).fetchone()
            if row is None:
                return
            connection.execute(
                "UPDATE hold SET settled_pusd = ? WHERE id = ?", (amount_pusd, hold_id)
            )
            for budget in json.loads(row[0]):
                _book(connection, budget, amount_pusd - row[1])

        await self._database.write(work)

    async def spent(self, budget: str) -> int:
        """Settled and held money of a budget."""
        return await self._database.read(lambda connection: _booked(connection, budget))


def _booked(connection: sqlite3.Connection, budget: str) -> int:
    row = connection.execute("SELECT pusd FROM booked WHERE budget = ?", (budget,)).fetchone()
    return 0 if row is None else int(row[0])


def _book(connection: sqlite3.Connection, budget: str, amount_pusd: int) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO booked VALUES (?, ?)",
        (budget, _booked(connection, budget) + amount_pusd),
    )
