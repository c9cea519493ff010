"""The locator finds each key of any TOML document on the line where it was written."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from multiroute_core.project.locate import Locator, locate
from multiroute_core.project.problems import Loc

TRICKY = "ab\"'#[]={}\\,. \n\té"
KEYS = st.text(alphabet="ab-_9.\"'# []=é\\", max_size=4)
SCALARS = st.one_of(
    st.integers(-99, 99),
    st.booleans(),
    st.text(alphabet=TRICKY, max_size=12),
    st.sampled_from([1.5, -2e30]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


class Writer:
    """Writes a document in randomly drawn styles and notes on which line it put each key."""

    def __init__(self, draw: Any) -> None:
        self.pick = lambda *options: draw(st.sampled_from(options))
        self.out = ""
        self.lines: dict[Loc, int] = {}
        self.implied: set[Loc] = set()

    def note(self, loc: Loc, *, is_implied: bool = False) -> None:
        if loc not in self.lines or (loc in self.implied and not is_implied):
            self.lines[loc] = self.out.count("\n") + 1
            if is_implied:
                self.implied.add(loc)
            else:
                self.implied.discard(loc)

    def blank(self) -> None:
        self.out += self.pick("", "", "\n", ' # a [comment] = \'with\' """ traps\n', "\t\n\n")

    def key(self, key: str) -> str:
        if re.fullmatch(r"[A-Za-z0-9_-]+", key) and self.pick(True, False):
            return key
        if "'" not in key and self.pick(True, False):
            return f"'{key}'"
        return json.dumps(key, ensure_ascii=self.pick(True, False))

    def string(self, text: str) -> str:
        styles = ["basic", "multi"]
        if not set(text) & set("'\n"):
            styles.append("literal")
        if "'''" not in text:
            styles.append("multi literal")
        newline = self.pick("", "\n")
        if text.startswith("\n"):
            newline = "\n"  # the first line end after the opening quotes is dropped
        match self.pick(*styles):
            case "literal":
                return f"'{text}'"
            case "multi literal":
                return f"'''{newline}{text}'''"
            case "multi":
                body = text.replace("\\", "\\\\").replace('"""', '""\\"')
                return f'"""{newline}{body}"""'
        return json.dumps(text, ensure_ascii=False)

    def value(self, value: Any, loc: Loc) -> None:
        if isinstance(value, bool):
            self.out += str(value).lower()
        elif isinstance(value, str):
            self.out += self.string(value)
        elif isinstance(value, list):
            self.out += "["
            for at, item in enumerate(value):
                self.blank()
                self.note((*loc, at))
                self.value(item, (*loc, at))
                self.blank()
                if at < len(value) - 1 or self.pick(True, False):
                    self.out += ","
            self.blank()
            self.out += "]"
        elif isinstance(value, dict):
            self.out += "{"
            for at, (key, item) in enumerate(value.items()):
                self.out += ", " if at else " "
                self.note((*loc, key))
                self.out += f"{self.key(key)} = "
                self.value(item, (*loc, key))
            self.out += "}"
        else:
            self.out += repr(value)

    def key_value(self, prefix: str, key: str, value: Any, loc: Loc) -> None:
        here = (*loc, key)
        dotted = f"{prefix}{self.key(key)}"
        if isinstance(value, dict) and value and self.pick(True, False):
            for name, item in value.items():
                self.note(here, is_implied=True)
                self.key_value(f"{dotted}{self.pick('.', ' . ')}", name, item, here)
            return
        for at in range(len(loc) + 1, len(here)):
            self.note(here[:at], is_implied=True)
        self.note(here)
        self.out += self.pick("", "  ") + dotted + self.pick("=", " = ")
        self.value(value, here)
        self.out += self.pick("\n", " # ] } ''' \n")
        self.blank_lines()

    def blank_lines(self) -> None:
        self.out += self.pick("", "", "\n", "# [not.a.table]\n")

    def table(self, table: dict[str, Any], loc: Loc) -> None:
        headed = {}
        for key, value in table.items():
            is_tables = isinstance(value, list) and value and all(type(v) is dict for v in value)
            if (isinstance(value, dict) or is_tables) and self.pick(True, True, False):
                headed[key] = value
            else:
                self.key_value("", key, value, loc)
        for key, value in headed.items():
            here = (*loc, key)
            name = ".".join(self.key(part) for part in here if isinstance(part, str))
            if isinstance(value, list):
                for at, item in enumerate(value):
                    self.note(here)
                    self.note((*here, at))
                    self.out += f"[[{name}]]\n"
                    self.table(item, (*here, at))
                continue
            only_tables = value and all(isinstance(item, dict) for item in value.values())
            if only_tables and self.pick(True, False):  # the header is left out
                for inner, item in value.items():
                    self.note(here, is_implied=True)
                    self.note((*here, inner))
                    self.out += f"[{name}.{self.key(inner)}]\n"
                    self.table(item, (*here, inner))
                continue
            self.note(here)
            self.out += f"[ {name} ] # comment\n"
            self.table(value, here)


def paths(value: Any, loc: Loc = ()) -> set[Loc]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return {loc} | {path for key, item in items for path in paths(item, (*loc, key))}


@settings(max_examples=300)
@given(document=DOCUMENTS, data=st.data())
def test_every_key_of_any_document_is_found_on_its_line(document: dict[str, Any], data: Any):
    writer = Writer(data.draw)
    writer.table(document, ())
    text = writer.out
    assert tomllib.loads(text) == document  # the test's writer is right
    for newline in ("\n", "\r\n"):
        marks = locate(text.replace("\n", newline), "f")
        assert {(), *marks} == paths(document)
        assert {loc: mark.line for loc, mark in marks.items()} == writer.lines
        assert {loc for loc, mark in marks.items() if not mark.is_explicit} == writer.implied


@given(st.text(alphabet=TRICKY + "10", max_size=60))
def test_no_text_makes_the_locator_fail_or_hang(text: str):
    try:
        document = tomllib.loads(text)
    except ValueError:
        return
    assert {(), *locate(text, "f")} == paths(document)


HAND_WRITTEN = '''\
# a comment
top = """
[not.a.table]
key = 1 \\"""
"""          # 5
[models."lab/name-1.5"]
serve = [    # 7
  "a:b",     # 8
  { x = 1, 'y z' = [2,
    3] },    # 10
]
[a.b.c]      # 12
d.e.f = 1979-05-27 07:32:00
[a.b]        # 14
lines = \'\'\'
x = 1
]\'\'\'      # 17
[[expect]]   # 18
name = "one"
[expect.given]
x.y = 1
[[expect]]   # 22
name = 'two'
[[expect.more]]
[[expect.more]]
deep = true'''


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("top",), 2),
        (("models",), 6),
        (("models", "lab/name-1.5"), 6),
        (("models", "lab/name-1.5", "serve"), 7),
        (("models", "lab/name-1.5", "serve", 0), 8),
        (("models", "lab/name-1.5", "serve", 1, "x"), 9),
        (("models", "lab/name-1.5", "serve", 1, "y z", 1), 10),
        (("a",), 12),
        (("a", "b"), 14),
        (("a", "b", "c", "d", "e", "f"), 13),
        (("a", "b", "lines"), 15),
        (("expect",), 18),
        (("expect", 0, "given", "x", "y"), 21),
        (("expect", 1), 22),
        (("expect", 1, "name"), 23),
        (("expect", 1, "more", 0), 24),
        (("expect", 1, "more", 1, "deep"), 26),
        # what is not there: the nearest parent
        (("expect", 1, "more", 1, "missing"), 25),
        (("models", "lab/name-1.5", "price", "input"), 6),
        (("nothing",), 1),
    ],
)
def test_lines_in_a_document_written_by_hand(loc: Loc, line: int):
    marks = locate(HAND_WRITTEN, "f.toml")
    locator = Locator(marks, marks[("top",)]._replace(line=1, written=()))
    assert locator.line(loc) == line
    assert locator.where(loc) == f"f.toml:{line}"


def test_settings_built_in_memory_have_an_origin_and_no_line():
    locator = Locator.of_data({"a": {"b": [1]}}, "built-in settings")
    assert locator.where(("a", "b", 0)) == "built-in settings"
    assert str(locator.problem(("a", "b", 0), "no")) == "built-in settings: no in [a]"
