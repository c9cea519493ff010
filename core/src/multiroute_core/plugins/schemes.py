"""Schemes: which store plugin serves a URL of `[stores]`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from multiroute_core.api import ConfigError

MEMORY: Final = "memory"
"""The scheme that core serves itself; no plugin is looked up for it."""

_SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"postgres": "postgresql", "rediss": "redis"}
)


def store_name(url: str) -> str:
    """The name of the store plugin for a URL or a bare scheme.

    Raises:
        ConfigError: there is no scheme. The URL is not repeated: it may hold a password.

    >>> store_name("sqlite:///state.db"), store_name("rediss://127.0.0.1"), store_name("memory:")
    ('sqlite', 'redis', 'memory')
    >>> store_name("postgresql+driver://127.0.0.1/ledger")
    'postgresql'
    """
    scheme = url.partition(":")[0].partition("+")[0].strip().lower()
    if not scheme or not scheme.replace("-", "").replace(".", "").isalnum():
        raise ConfigError(
            "the URL of a store has no scheme: write memory:, sqlite:///file.db or another "
            "installed store's scheme"
        )
    return _SPELLINGS.get(scheme, scheme)


def url_secrets(url: str) -> tuple[str, ...]:
    """What of a store's URL must not stand in a message: itself, its password and its query.

    >>> url_secrets("redis://me:p%40ss@127.0.0.1")
    ('redis://me:p%40ss@127.0.0.1', 'p%40ss', 'p@ss')
    """
    try:
        parts = urlsplit(url)
        password, query = parts.password or "", parts.query
    except ValueError:
        password = query = ""
    return tuple(dict.fromkeys(filter(None, (url, password, unquote(password), query))))
