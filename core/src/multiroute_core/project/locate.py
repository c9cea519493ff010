"""Locator: where in the TOML text each key path stands. `tomllib` gives no positions."""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from multiroute_core.project.problems import Loc, Problem, Severity, enclosing, header


class Mark(NamedTuple):
    """Where one key path was written.

    `written` differs from the path where a profile inherited the value. `is_explicit` is
    False for a table that only deeper headers or dotted keys imply.
    """

    file: str
    line: int | None
    written: Loc
    is_explicit: bool


class Locator:
    """Maps key paths to places; an unknown path maps to its nearest existing parent."""

    __slots__ = ("_marks",)

    def __init__(self, marks: Mapping[Loc, Mark], root: Mark) -> None:
        self._marks: Mapping[Loc, Mark] = MappingProxyType({(): root, **marks})

    @classmethod
    def of_data(cls, data: object, origin: str) -> Locator:
        """A locator without lines, for settings that were built in memory."""
        marks: dict[Loc, Mark] = {}

        def walk(value: object, loc: Loc) -> None:
            marks[loc] = Mark(origin, None, loc, True)
            if isinstance(value, Mapping):
                for key, item in value.items():
                    walk(item, (*loc, str(key)))
            elif isinstance(value, list | tuple):
                for at, item in enumerate(value):
                    walk(item, (*loc, at))

        walk(data, ())
        return cls(marks, marks[()])

    @property
    def marks(self) -> Mapping[Loc, Mark]:
        """Every known path, the root `()` included."""
        return self._marks

    def __contains__(self, loc: Loc) -> bool:
        return loc in self._marks

    def mark(self, loc: Loc) -> Mark:
        """The mark of the path or of its nearest existing parent."""
        while loc not in self._marks:
            loc = loc[:-1]
        return self._marks[loc]

    def line(self, loc: Loc) -> int | None:
        """1-based line of the path or of its nearest existing parent."""
        return self.mark(loc).line

    def where(self, loc: Loc) -> str:
        """`file:line` of the path or of its nearest existing parent."""
        mark = self.mark(loc)
        return mark.file if mark.line is None else f"{mark.file}:{mark.line}"

    def written(self, loc: Loc) -> Loc:
        """The path under which the value was written: a parent profile's where inherited."""
        known = loc
        while known not in self._marks:
            known = known[:-1]
        return self._marks[known].written + loc[len(known) :]

    def problem(
        self,
        loc: Loc,
        message: str,
        hint: str = "",
        severity: Severity = "error",
        *,
        is_table: bool = False,
    ) -> Problem:
        """A problem of the value at `loc`; with `is_table`, of the table itself."""
        mark, written = self.mark(loc), self.written(loc)
        table = header(written if is_table else enclosing(written))
        return Problem(mark.file, mark.line, table, message, hint, severity, written)

    def with_marks(self, more: Mapping[Loc, Mark]) -> Locator:
        """A locator that knows these paths too."""
        return Locator({**self._marks, **more}, self._marks[()])


def locate(text: str, file: str) -> dict[Loc, Mark]:
    """The mark of every table, key and list item of a TOML document that `tomllib` accepts.

    The line of a key is where its value begins (TOML wants both on one line); of a table, its
    header, or the first line that implies it; of a list item, where the item begins.
    """
    return _Scanner(text, file).scan()


class _Scanner:
    """Walks a valid document once; on an invalid one it stops somewhere, without an error."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.pos = 0
        self.newlines = [at for at, char in enumerate(text) if char == "\n"]
        self.marks: dict[Loc, Mark] = {}
        self.lengths: dict[Loc, int] = {}  # of arrays of tables

    def scan(self) -> dict[Loc, Mark]:
        table: Loc = ()
        while self.skip_blank() and self.pos < len(self.text):
            before = self.pos
            if self.text.startswith("[[", self.pos):
                table = self.array_header()
            elif self.text[self.pos] == "[":
                table = self.table_header()
            else:
                self.key_value(table)
            if self.pos == before:  # not TOML: never loop for ever
                break
        return self.marks

    def put(self, loc: Loc, at: int, *, is_explicit: bool = True) -> None:
        known = self.marks.get(loc)
        if known is None or (is_explicit and not known.is_explicit):
            line = bisect_left(self.newlines, at) + 1
            self.marks[loc] = Mark(self.file, line, loc, is_explicit)

    def skip_blank(self) -> bool:
        """Skips white space, line ends and comments; always True, to stand in a condition."""
        text, end = self.text, len(self.text)
        while self.pos < end:
            if text[self.pos] in " \t\r\n":
                self.pos += 1
            elif text[self.pos] == "#":
                newline = text.find("\n", self.pos)
                self.pos = end if newline < 0 else newline
            else:
                break
        return True

    def skip_spaces(self) -> None:
        while self.pos < len(self.text) and self.text[self.pos] in " \t":
            self.pos += 1

    def table_header(self) -> Loc:
        start = self.pos
        self.pos += 1
        loc = self.parents(self.key(), start)
        self.put(loc, start)
        self.pos += 1  # the closing bracket
        return loc

    def array_header(self) -> Loc:
        start = self.pos
        self.pos += 2
        loc = self.parents(self.key(), start)
        at = self.lengths.get(loc, 0)
        self.lengths[loc] = at + 1
        self.put(loc, start)
        self.put((*loc, at), start)
        self.pos += 2
        return (*loc, at)

    def parents(self, keys: list[str], start: int) -> Loc:
        """The header's path; a key that names an array of tables means its last item."""
        loc: Loc = ()
        for at, key in enumerate(keys):
            loc = (*loc, key)
            if at < len(keys) - 1:
                self.put(loc, start, is_explicit=False)
                if loc in self.lengths:
                    loc = (*loc, self.lengths[loc] - 1)
        return loc

    def key_value(self, table: Loc) -> None:
        start = self.pos
        keys = self.key()
        loc = table
        for key in keys[:-1]:
            loc = (*loc, key)
            self.put(loc, start, is_explicit=False)
        if not keys:
            return
        loc = (*loc, keys[-1])
        self.put(loc, start)
        if self.pos < len(self.text) and self.text[self.pos] == "=":
            self.pos += 1
            self.skip_spaces()
            self.value(loc)

    def key(self) -> list[str]:
        """One key, dotted or not, with the blanks around it."""
        parts: list[str] = []
        while True:
            self.skip_spaces()
            start = self.pos
            if start < len(self.text) and self.text[start] in "\"'":
                self.string()
                # tomllib knows the escapes
                parts.extend(tomllib.loads(f"{self.text[start : self.pos]} = 0"))
            else:
                while self.pos < len(self.text) and self.text[self.pos] not in " \t\n.=]\"'":
                    self.pos += 1
                if self.pos > start:
                    parts.append(self.text[start : self.pos])
            self.skip_spaces()
            if self.pos >= len(self.text) or self.text[self.pos] != ".":
                return parts
            self.pos += 1

    def value(self, loc: Loc) -> None:
        first = self.text[self.pos : self.pos + 1]
        if first in ('"', "'"):
            self.string()
        elif first == "[":
            self.array(loc)
        elif first == "{":
            self.inline_table(loc)
        else:
            while self.pos < len(self.text) and self.text[self.pos] not in ",]}#\n":
                self.pos += 1

    def string(self) -> None:
        quote = self.text[self.pos]
        if not self.text.startswith(quote * 3, self.pos):
            self.pos += 1
            while self.pos < len(self.text) and self.text[self.pos] != quote:
                self.pos += 2 if quote == '"' and self.text[self.pos] == "\\" else 1
            self.pos += 1
            return
        self.pos += 3
        while self.pos < len(self.text) and not self.text.startswith(quote * 3, self.pos):
            self.pos += 2 if quote == '"' and self.text[self.pos] == "\\" else 1
        self.pos += 3
        for _ in range(2):  # up to two quotes may stand before the closing three
            if self.text.startswith(quote, self.pos):
                self.pos += 1

    def array(self, loc: Loc) -> None:
        self.pos += 1
        at = 0
        while self.skip_blank() and self.pos < len(self.text):
            if self.text[self.pos] == "]":
                self.pos += 1
                return
            if self.text[self.pos] == ",":
                self.pos += 1
                continue
            self.put((*loc, at), self.pos)
            before = self.pos
            self.value((*loc, at))
            at += 1
            if self.pos == before:
                return

    def inline_table(self, loc: Loc) -> None:
        self.pos += 1
        while self.skip_blank() and self.pos < len(self.text):
            if self.text[self.pos] == "}":
                self.pos += 1
                return
            before = self.pos
            if self.text[self.pos] == ",":
                self.pos += 1
            else:
                self.key_value(loc)
            if self.pos == before:
                return
