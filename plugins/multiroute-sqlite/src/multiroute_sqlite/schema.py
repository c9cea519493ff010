"""The tables, their version, and how a file comes to have them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from multiroute_core.api import ConfigError

VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE multiroute_schema (version INTEGER NOT NULL);

CREATE TABLE view (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE TABLE decision (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, profile TEXT NOT NULL, view_id TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE TABLE call (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, decision_id TEXT NOT NULL, profile TEXT NOT NULL,
    key TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL, model TEXT NOT NULL,
    outcome TEXT NOT NULL, fault TEXT NOT NULL, cost_pusd INTEGER, record TEXT NOT NULL
);
CREATE TABLE attempt (
    call_id TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, target TEXT NOT NULL,
    model TEXT NOT NULL, outcome TEXT NOT NULL, fault TEXT NOT NULL, cost_pusd INTEGER,
    record TEXT NOT NULL,
    PRIMARY KEY (call_id, number)
);
CREATE INDEX decision_by_view ON decision (view_id);
CREATE INDEX call_by_time ON call (at_ms);
CREATE INDEX call_by_key ON call (key, at_ms);
CREATE INDEX attempt_by_target ON attempt (target, at_ms);

CREATE TRIGGER view_stays BEFORE UPDATE ON view
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER decision_stays BEFORE UPDATE ON decision
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER call_stays BEFORE UPDATE ON call
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER attempt_stays BEFORE UPDATE ON attempt
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;

CREATE TABLE state (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, until_s REAL
);
CREATE INDEX state_by_end ON state (until_s) WHERE until_s IS NOT NULL;
CREATE TABLE state_version (last INTEGER NOT NULL);
INSERT INTO state_version VALUES (0);

CREATE TABLE hold (
    id TEXT PRIMARY KEY, budgets TEXT NOT NULL, held_pusd INTEGER NOT NULL, settled_pusd INTEGER
);
CREATE TABLE booked (budget TEXT PRIMARY KEY, pusd INTEGER NOT NULL);
"""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Give an empty file its tables, inside the caller's transaction; know an old one again.

    Raises:
        ConfigError: the file belongs to something else, or to a newer version of this plugin.
    """
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    tables = {str(name) for (name,) in found}
    if not tables:
        for statement in _statements(_TABLES):
            connection.execute(statement)
        connection.execute("INSERT INTO multiroute_schema VALUES (?)", (VERSION,))
        return
    if "multiroute_schema" not in tables:
        raise ConfigError(
            f"{path}: this SQLite file belongs to another program: name another file in [stores]"
        )
    (version,) = connection.execute("SELECT max(version) FROM multiroute_schema").fetchone()
    if not isinstance(version, int) or version > VERSION:
        raise ConfigError(
            f"{path}: written by a newer multiroute-sqlite (schema {version}; this one knows"
            f" {VERSION}): upgrade the plugin, or name another file in [stores]"
        )


def _statements(script: str) -> list[str]:
    """The statements one by one: `executescript` would commit the transaction first."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if pending.strip() and sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements
