"""The table of providers: `providers.toml`, with what an instance's settings put over it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from multiroute_core.wire.chat import ChatQuirks
from multiroute_openai_compatible.settings import CompatibleSettings

_FILE = Path(__file__).with_name("providers.toml")


class Entry(Struct, frozen=True):
    """One provider: its quirks, whether its models are asked for at the start, fixed headers."""

    quirks: ChatQuirks
    discover: bool
    headers: tuple[tuple[bytes, bytes], ...] = ()


def entry(name: str, settings: CompatibleSettings) -> Entry:
    """What holds for an instance of this provider.

    Raises:
        KeyError: the table has no such provider.
    """
    table = dict(tomllib.loads(_FILE.read_text(encoding="utf-8"))[name])
    told = settings.model_dump(exclude_none=True)
    headers = told.pop("headers", {})
    table.update(told)
    discover = bool(table.pop("discover", False))
    quirks = msgspec.convert(table, ChatQuirks, strict=True)
    written = tuple((key.lower().encode(), value.encode()) for key, value in headers.items())
    return Entry(quirks, discover, written)
