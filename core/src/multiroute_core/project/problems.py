"""Problem: one mistake in the project file, with its place and what to do about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from multiroute_core.api.errors import ConfigError

Loc: TypeAlias = tuple[str | int, ...]
"""A key path in the project file, e.g. `("profiles", "fast", "candidates", 0)`."""

Severity: TypeAlias = Literal["error", "warning", "deferred"]
"""error = the start stops; warning = said once; deferred = the plugin kernel decides later."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, rendered as `file:line: message in where (hint)`.

    `line` is 1-based, None where there is no text (settings that were built in memory).
    `where` is the table's header as TOML writes it. Messages never hold a value that could be
    a secret.

    >>> print(Problem("multiroute.toml", 6, "[providers.acme]", "unknown key 'timout'",
    ...               "did you mean 'timeout'?"))
    multiroute.toml:6: unknown key 'timout' in [providers.acme] (did you mean 'timeout'?)
    """

    file: str
    line: int | None
    where: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    loc: Loc = ()

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        kind = "warning: " if self.severity == "warning" else ""
        inside = f" in {self.where}" if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {kind}{self.message}{inside}{hint}"


class ProjectError(ConfigError):
    """The project file cannot be used; `problems` lists every mistake, in file and line order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem], files: Iterable[str] = ()) -> tuple[Problem, ...]:
    """The problems without repetition, by file and line: `files` first, others as they come."""
    unique = list(dict.fromkeys(problems))
    files = list(dict.fromkeys([*files, *(problem.file for problem in unique)]))
    return tuple(
        sorted(unique, key=lambda p: (files.index(p.file), p.line is not None, p.line or 0))
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or lists a few known ones.

    >>> did_you_mean("timout", ["timeout", "tags"])
    "did you mean 'timeout'?"
    >>> did_you_mean("zzz", ["b", "a"])
    'known: a, b'
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def header(loc: Loc) -> str:
    """The TOML header of the table that a path lies in, cut at the first list.

    >>> header(("models", "lab/name-1.5", "price"))
    '[models."lab/name-1.5".price]'
    >>> header(("expect", 1, "request"))
    '[[expect]] number 2'
    """
    if not loc:
        return ""
    if len(loc) > 1 and isinstance(loc[1], int):
        return f"[[{loc[0]}]] number {loc[1] + 1}"
    keys: list[str] = []
    for part in loc:
        if isinstance(part, int):
            keys.pop()
            break
        keys.append(part if _BARE_KEY.match(part) else '"' + part.replace('"', '\\"') + '"')
    return f"[{'.'.join(keys)}]"


def enclosing(loc: Loc) -> Loc:
    """The path of the table that a value lies in; the inside of a list counts as its value.

    >>> enclosing(("profiles", "fast", "split", 0, "weight"))
    ('profiles', 'fast')
    """
    start = 2 if len(loc) > 2 and isinstance(loc[1], int) else 0
    for at in range(start, len(loc)):
        if isinstance(loc[at], int):
            return loc[: at - 1]
    return loc[:-1]


def label(loc: Loc) -> str:
    """A value's name inside its table.

    >>> label(("profiles", "fast", "split", 0, "weight"))
    'split[0].weight'
    """
    text = ""
    for part in loc[len(enclosing(loc)) :]:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
