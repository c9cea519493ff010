"""The SQLite store of MultiRoute: records, shared state and ledger in one file."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Store, hookimpl
from multiroute_sqlite.settings import SqliteSettings, path_of
from multiroute_sqlite.store import SqliteStore

__all__ = ["SqliteSettings", "SqliteStore"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """The settings of `[plugins.settings.sqlite]`."""
    return SqliteSettings


@hookimpl
def multiroute_make_store(name: str, url: str, settings: BaseModel | None) -> Store:
    """A store over the file that the URL names."""
    chosen = settings if isinstance(settings, SqliteSettings) else SqliteSettings()
    return SqliteStore(path_of(url), synchronous=chosen.synchronous)
