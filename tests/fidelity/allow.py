"""The reviewed list of what may differ after a round trip: `allow.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("allow.toml")
DIRECTIONS = ("added", "dropped", "changed")


@dataclass(frozen=True)
class Allowed:
    """One place where our request may differ from the recorded one.

    `path` names one place in the document ("stream_options", "messages[0].name"): no wildcard.
    `direction`: whether we added, dropped or changed it.
    """

    provider: str
    api: str
    path: str
    direction: str
    reason: str


@cache
def allowed() -> tuple[Allowed, ...]:
    """The list."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8")).get("allow", [])
    return tuple(Allowed(**entry) for entry in found)


def is_allowed(provider: str, api: str, path: str, direction: str) -> bool:
    """Whether the list has this difference."""
    wanted = (provider, api, path, direction)
    return any((a.provider, a.api, a.path, a.direction) == wanted for a in allowed())
