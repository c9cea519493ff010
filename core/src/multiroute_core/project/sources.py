"""Sources: the files of a project, read, parsed and merged, with the place of every key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from multiroute_core.project.locate import Locator, Mark, locate
from multiroute_core.project.problems import (
    Loc,
    Problem,
    ProjectError,
    Severity,
    enclosing,
    header,
    label,
)

_AT = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", re.S)
_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "Cannot overwrite a value": "this key is defined twice",
        "Unclosed array": "a list is not closed",
        "Invalid value": "this is not a TOML value",
        "Invalid statement": "this is not a TOML key or table",
    }
)
_PYPROJECT: Loc = ("tool", "multiroute")


class Source(NamedTuple):
    """One parsed file; in pyproject form `data` is what stands under `[tool.multiroute]`."""

    path: Path
    data: dict[str, Any]
    marks: dict[Loc, Mark]
    root: Mark


class Sources(NamedTuple):
    """The main file and what it includes, merged; `problems` are mistakes of the merging."""

    paths: tuple[Path, ...]
    data: dict[str, Any]
    locator: Locator
    problems: tuple[Problem, ...]


def read_sources(path: Path) -> Sources:
    """Reads the file and its includes, as if they were one document.

    Raises:
        ProjectError: the main file cannot be read or is not TOML. Mistakes of an included file
            are problems of the result, so that all are told at once.
    """
    main = read_source(path)
    data, marks = dict(main.data), dict(main.marks)
    locator = Locator(marks, main.root)
    paths, problems = [path], []
    for included, problem in _included(main, locator):
        if problem is not None:
            problems.append(problem)
            continue
        try:
            source = read_source(included, is_plain=True)
        except ProjectError as exc:
            problems.extend(exc.problems)
            continue
        paths.append(included)
        problems.extend(_only_tables(source))
        tables = {key: item for key, item in source.data.items() if _is_tables(key, item)}
        data = _merge(data, tables, (), marks, source.marks, problems)
    return Sources(tuple(paths), data, Locator(marks, main.root), tuple(problems))


def read_source(path: Path, *, is_plain: bool = False) -> Source:
    """Parses one file; `pyproject.toml` by its table unless `is_plain`.

    Raises:
        ProjectError: unreadable, not UTF-8, not TOML, or without `[tool.multiroute]`.
    """
    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise _error(file, None, f"cannot be read: {reason}", "check the path") from None
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise _error(file, line, "is not UTF-8 text", "TOML files are UTF-8") from None
    try:
        data = tomllib.loads(text, parse_float=Decimal)
        marks = locate(text, file)
    except tomllib.TOMLDecodeError as exc:
        raise ProjectError([_syntax_problem(file, text, str(exc))]) from None
    except RecursionError:
        raise _error(file, None, "is nested too deeply", "no setting needs that") from None
    except ValueError:  # an integer beyond Python's limit of digits, a year 0
        raise _error(file, None, "holds a number or date out of range", "") from None
    root = Mark(file, 1, (), True)
    if is_plain or path.name != "pyproject.toml":
        return Source(path, data, marks, root)
    table = data.get("tool", {}).get("multiroute") if isinstance(data.get("tool"), dict) else None
    if not isinstance(table, dict):
        raise _error(file, None, "has no table [tool.multiroute]", "write it, or a multiroute.toml")
    depth = len(_PYPROJECT)
    below = {
        loc[depth:]: mark._replace(written=loc[depth:])
        for loc, mark in marks.items()
        if loc[:depth] == _PYPROJECT
    }
    return Source(path, table, below, below.pop((), root))


def has_pyproject_table(path: Path) -> bool:
    """Whether the file is TOML with a table `[tool.multiroute]`; an unreadable one has none."""
    try:
        read_source(path)
    except ProjectError:
        return False
    return True


def _error(file: str, line: int | None, message: str, hint: str) -> ProjectError:
    return ProjectError([Problem(file, line, "", message, hint)])


def _syntax_problem(file: str, text: str, error: str) -> Problem:
    match = _AT.fullmatch(error)
    what = match["what"] if match else error
    line = int(match["line"]) if match and match["line"] else max(1, len(text.splitlines()))
    declared = re.fullmatch(r"Cannot declare \((.*)\) twice", what, re.S)
    if declared:
        keys = re.findall(r"'((?:[^'\\]|\\.)*)'", declared[1])
        what = f"the table {header(tuple(keys))} is defined twice"
    what = _PLAIN.get(what, what[:1].lower() + what[1:])
    return Problem(file, line, "", f"not valid TOML: {what}")


# ---- include


def _included(main: Source, locator: Locator) -> list[tuple[Path, Problem | None]]:
    """The files that the patterns name, each pattern's sorted, each file once."""
    patterns = main.data.get("include", [])
    if not isinstance(patterns, list):
        return []  # the schema refuses it
    found: dict[Path, Problem | None] = {}
    for at, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not pattern:
            continue
        loc: Loc = ("include", at)
        if PurePath(pattern).is_absolute():
            problem = locator.problem(loc, f"'include[{at}]' must be relative to this file")
            found[Path(pattern)] = problem
            continue
        try:
            files = sorted(path for path in main.path.parent.glob(pattern) if path.is_file())
        except ValueError:
            found[Path(pattern)] = locator.problem(loc, f"'include[{at}]' is not a file pattern")
            continue
        if not files:
            severity: Severity = "warning" if re.search(r"[*?\[]", pattern) else "error"
            message = f"'include[{at}]' matches no file"
            hint = "patterns are relative to this file"
            found[Path(pattern)] = locator.problem(loc, message, hint, severity)
        for path in files:
            if path != main.path:
                found.setdefault(path, None)
    return list(found.items())


def _is_tables(key: str, value: object) -> bool:
    if key in {"include", "schema"}:
        return False
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _only_tables(source: Source) -> list[Problem]:
    return [
        Problem(
            source.marks[(key,)].file,
            source.marks[(key,)].line,
            "",
            f"'{key}' cannot stand in an included file",
            "an included file holds tables only; write it in the main file",
            loc=(key,),
        )
        for key, value in source.data.items()
        if not _is_tables(key, value)
    ]


def _merge(
    into: dict[str, Any],
    more: dict[str, Any],
    loc: Loc,
    marks: dict[Loc, Mark],
    added: dict[Loc, Mark],
    problems: list[Problem],
) -> dict[str, Any]:
    """The union of two tables, and in `marks` of their marks.

    As in one document: a key or header that both files write is a problem. Only top-level tables
    may be spread over files, and `[[expect]]` lists are joined.
    """
    result = dict(into)
    for key, value in more.items():
        here = (*loc, key)
        old = result.get(key)
        if key not in result:
            result[key] = value
            marks.update({at: m for at, m in added.items() if at[: len(here)] == here})
        elif here == ("expect",) and isinstance(old, list) and isinstance(value, list):
            result[key] = old + value
            for at, mark in added.items():
                if at[:1] == here and len(at) > 1 and isinstance(at[1], int):
                    moved: Loc = ("expect", at[1] + len(old), *at[2:])
                    marks[moved] = mark._replace(written=moved)
        elif (
            isinstance(old, dict)
            and isinstance(value, dict)
            and (len(here) == 1 or not (marks[here].is_explicit and added[here].is_explicit))
        ):
            if added[here].is_explicit and not marks[here].is_explicit:
                marks[here] = added[here]
            result[key] = _merge(old, value, here, marks, added, problems)
        else:
            problems.append(_defined_twice(here, marks[here], added[here], isinstance(value, dict)))
    return result


def _defined_twice(loc: Loc, first: Mark, second: Mark, is_table: bool) -> Problem:
    what = f"the table {header(loc)}" if is_table else f"'{label(loc)}'"
    where = "" if is_table else header(enclosing(loc))
    hint = f"first at {first.file}:{first.line}"
    return Problem(second.file, second.line, where, f"{what} is defined twice", hint, loc=loc)
