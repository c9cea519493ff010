"""The record tables: appended to, found by id."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, TypeVar, assert_never, cast

import msgspec

from multiroute_core.api import (
    AttemptRecord,
    CallRecord,
    DecisionRecord,
    Record,
    ViewRecord,
    decode_record,
    encode_record,
)
from multiroute_sqlite.database import Database

R = TypeVar("R", bound=msgspec.Struct)
Row = tuple[str | int | None, ...]

_LARGEST: Final = 2**63 - 1
_INSERT: Final = {
    "view": "INSERT OR IGNORE INTO view VALUES (?, ?, ?)",
    "decision": "INSERT OR IGNORE INTO decision VALUES (?, ?, ?, ?, ?)",
    "call": "INSERT OR IGNORE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "attempt": "INSERT OR IGNORE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


class SqliteRecords:
    """Calls, attempts, decisions and views, each a row with its JSON and a few columns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, records: Sequence[Record]) -> None:
        """Write these in one transaction; rows that are there stay as they are.

        Raises:
            sqlite3.Error: none was written; trying again is safe.
            TypeError, ValueError: a record is not JSON; none was written.
        """
        if records:
            await self._database.write(lambda connection: _insert(connection, records))

    async def call(self, call_id: str) -> CallRecord | None:
        """One call by its id."""
        return await self._one(CallRecord, "SELECT record FROM call WHERE id = ?", call_id)

    async def attempts(self, call_id: str) -> Sequence[AttemptRecord]:
        """The attempts of one call, by number."""
        query = "SELECT record FROM attempt WHERE call_id = ? ORDER BY number"
        return await self._all(AttemptRecord, query, call_id)

    async def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision by its id."""
        query = "SELECT record FROM decision WHERE id = ?"
        return await self._one(DecisionRecord, query, decision_id)

    async def view(self, view_id: str) -> ViewRecord | None:
        """The view that a decision cites."""
        return await self._one(ViewRecord, "SELECT record FROM view WHERE id = ?", view_id)

    async def latest_calls(self, limit: int) -> Sequence[CallRecord]:
        """The newest calls, newest first; of one millisecond, the one that came last."""
        query = "SELECT record FROM call ORDER BY at_ms DESC, rowid DESC LIMIT ?"
        return await self._all(CallRecord, query, limit)

    async def _one(self, kind: type[R], query: str, key: str) -> R | None:
        found = await self._all(kind, query, key)
        return found[0] if found else None

    async def _all(self, kind: type[R], query: str, key: str | int) -> tuple[R, ...]:
        return await self._database.read(
            lambda connection: tuple(
                cast("R", decode_record(text)) for (text,) in connection.execute(query, (key,))
            )
        )


def _insert(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    rows: dict[str, list[Row]] = {table: [] for table in _INSERT}
    for record in records:
        table, row = _row(record)
        rows[table].append(row)
    for table, statement in _INSERT.items():
        connection.executemany(statement, rows[table])


def _row(record: Record) -> tuple[str, Row]:
    text = encode_record(record).decode()
    if isinstance(record, CallRecord):
        return "call", (
            record.call_id,
            record.at_ms,
            record.decision_id,
            record.profile,
            record.key,
            record.project,
            record.target,
            record.model,
            record.outcome,
            record.fault,
            _column(record.cost_pusd),
            text,
        )
    if isinstance(record, AttemptRecord):
        return "attempt", (
            record.call_id,
            record.number,
            record.started_ms,
            record.target,
            record.model,
            record.outcome,
            record.fault,
            _column(record.cost_pusd),
            text,
        )
    if isinstance(record, DecisionRecord):
        decision = record.decision
        return "decision", (decision.id, record.at_ms, decision.profile, decision.view_id, text)
    if isinstance(record, ViewRecord):
        return "view", (record.id, record.view.at_ms, text)
    assert_never(record)


def _column(cost_pusd: int | None) -> int | None:
    """SQLite's integers have 64 bits; the record itself keeps every digit."""
    return None if cost_pusd is None or cost_pusd > _LARGEST else cost_pusd
