"""diff_projects: what a reload changes, in readable lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from multiroute_core.project.problems import Loc, header
from multiroute_core.project.project import Project

_NAMED = frozenset({"providers", "models", "profiles", "keys", "budgets"})
_UNSHOWN = frozenset({"api_keys", "expect", "hash", "password", "settings"})


def diff_projects(old: Project, new: Project) -> list[str]:
    """One line a change, in order of key path: `+` added, `-` removed, `~` changed.

    Compares the values as written, so comments, order and included files make no difference.
    Values of keys, of secret references and of plugins' own tables are not shown.

    A change of `[profiles.fast.limits]` reads `~ profiles.fast.limits.attempts: 2 → 3`.
    """
    before, after = _flat(old.data), _flat(new.data)
    lines: dict[str, None] = {}
    for loc in sorted({*before, *after}, key=lambda path: [str(part) for part in path]):
        if loc in before and loc in after:
            if before[loc] != after[loc]:
                change = f": {_shown(loc, before[loc])} → {_shown(loc, after[loc])}"
                lines[f"~ {_path(loc)}{change if _is_shown(loc) else ''}"] = None
            continue
        sign, here, there = ("+", after, before) if loc in after else ("-", before, after)
        entry = loc[:2]
        if loc[0] in _NAMED and not any(other[:2] == entry for other in there):
            lines[f"{sign} {header(entry)}"] = None
        else:
            value = f" = {_shown(loc, here[loc])}" if _is_shown(loc) else ""
            lines[f"{sign} {_path(loc)}{value}"] = None
    return list(lines)


def _flat(value: object, loc: Loc = ()) -> dict[Loc, object]:
    """Leaves by path; a list is one leaf, an empty table too."""
    if not isinstance(value, Mapping) or (loc and not value):
        return {loc: value}
    leaves: dict[Loc, object] = {}
    for key, item in value.items():
        if loc or key != "include":
            leaves |= _flat(item, (*loc, key))
    return leaves


def _path(loc: Loc) -> str:
    return header(loc)[1:-1]


def _is_shown(loc: Loc) -> bool:
    is_strategys = "fallback" in loc and loc[-1] != "use"
    return not _UNSHOWN.intersection(loc) and not is_strategys


def _shown(loc: Loc, value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case Mapping():
            return "{ " + ", ".join(f"{k} = {_shown(loc, v)}" for k, v in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_shown(loc, item) for item in value) + "]"
        case int() | float() | Decimal() | datetime() | date() | time():
            return str(value)
        case _:
            return type(value).__name__
