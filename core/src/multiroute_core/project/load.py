"""load_project: from a path to a checked Project, or every mistake at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from multiroute_core.project.check import check_references, not_yet_in_effect
from multiroute_core.project.locate import Locator
from multiroute_core.project.problems import Loc, Problem, ProjectError, in_order
from multiroute_core.project.profiles import merge_profiles
from multiroute_core.project.project import Project, digest_of
from multiroute_core.project.schema import ProjectFile
from multiroute_core.project.sources import has_pyproject_table, read_source, read_sources
from multiroute_core.project.validation import error_paths, problems_from_validation
from multiroute_core.project.values import thaw

FILE_NAME = "multiroute.toml"
PYPROJECT = "pyproject.toml"
_MAX_ROUNDS = 8


class Inspection(NamedTuple):
    """A project file with its mistakes.

    `project` is None only if the file could not be parsed; with errors it holds what is left when
    the mistaken tables are taken out, good for further checks and never for serving.
    """

    project: Project | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the start."""
        return tuple(p for p in self.problems if p.severity == "error")


def find_project_file(start: Path) -> Path | None:
    """`multiroute.toml` of the folder, or its `pyproject.toml` with `[tool.multiroute]`, or None.

    Parent folders are not searched.

    Raises:
        ProjectError: both are there, or the pyproject.toml that seems to hold it is not TOML.
    """
    plain, pyproject = start / FILE_NAME, start / PYPROJECT
    if not plain.is_file():
        return pyproject if _mentions_table(pyproject) else None
    if _mentions_table(pyproject) and has_pyproject_table(pyproject):
        line = read_source(pyproject).root.line
        message = f"[tool.multiroute] and {plain} both hold the project"
        raise ProjectError([Problem(str(pyproject), line, "", message, "keep one of them")])
    return plain


def _mentions_table(pyproject: Path) -> bool:
    """A file that mentions the table but is broken is taken, so that its mistake is told."""
    try:
        text = pyproject.read_bytes()
    except OSError:
        return False
    return b"multiroute" in text and (has_pyproject_table(pyproject) or b"[tool.multiroute" in text)


def load_project(path: Path) -> Project:
    """Reads, merges and checks a project file (or the one of a folder).

    Raises:
        ProjectError: with every mistake of the file and its includes.
    """
    inspection = inspect_project(path)
    if inspection.project is None or inspection.errors:
        raise ProjectError(inspection.errors)
    return inspection.project


def inspect_project(path: Path) -> Inspection:
    """As load_project, but a file with mistakes still gives what can be checked further."""
    try:
        if path.is_dir():
            path = _in_folder(path)
        sources = read_sources(path)
    except ProjectError as exc:
        return Inspection(None, exc.problems)
    project, problems = _assemble(sources.data, sources.locator, path.parent)
    project = replace(project, path=path, sources=sources.paths)
    return _inspection(project, [*sources.problems, *problems])


def project_from_data(
    data: Mapping[str, object], folder: Path, origin: str = "built-in settings"
) -> Project:
    """A project from values instead of a file; `origin` stands in messages where a file would.

    Raises:
        ProjectError: with every mistake.
    """
    locator = Locator.of_data(data, origin)
    project, problems = _assemble(dict(data), locator, folder)
    inspection = _inspection(project, problems)
    if inspection.project is None or inspection.errors:
        raise ProjectError(inspection.errors)
    return inspection.project


def _in_folder(folder: Path) -> Path:
    found = find_project_file(folder)
    if found is None:
        message = f"has neither {FILE_NAME} nor a {PYPROJECT} with [tool.multiroute]"
        hint = "`multiroute init` writes one"
        raise ProjectError([Problem(str(folder), None, "", message, hint)])
    return found


def _inspection(project: Project, problems: Iterable[Problem]) -> Inspection:
    files = [str(source) for source in project.sources]
    ordered = in_order([*problems, *not_yet_in_effect(project)], files)
    warnings = tuple(p for p in ordered if p.severity != "error")
    return Inspection(replace(project, warnings=warnings), ordered)


def _assemble(
    data: dict[str, Any], locator: Locator, folder: Path
) -> tuple[Project, list[Problem]]:
    written = data.get("profiles")
    profiles = written if isinstance(written, Mapping) else {}
    merged = merge_profiles(profiles, locator)
    whole = {**data, "profiles": merged.profiles} if profiles else data
    file, problems, broken = _validate(whole, merged.locator)
    broken |= {("profiles", name) for name in merged.unresolved}
    project = Project(
        file=file,
        path=None,
        folder=folder,
        sources=(),
        locator=merged.locator,
        data=data,
        digest=digest_of(data),
    )
    return project, [*merged.problems, *problems, *check_references(project, broken)]


def _validate(
    data: Mapping[str, object], locator: Locator
) -> tuple[ProjectFile, list[Problem], set[Loc]]:
    """The file's values; where some are mistaken, without them, so that the rest can be checked."""
    problems: list[Problem] = []
    broken: set[Loc] = set()
    rest: Any = thaw(data)
    for _ in range(_MAX_ROUNDS):
        try:
            return ProjectFile.model_validate(rest), problems, broken
        except ValidationError as exc:
            # what was taken out before may be missing now: that is no mistake of the file
            problems += [
                problem
                for problem in problems_from_validation(exc, locator=locator, model=ProjectFile)
                if not any(problem.loc[: len(bad)] == bad for bad in broken)
            ]
            taken: set[Loc] = set()
            for path in error_paths(exc, locator):
                if not any(path[: len(gone)] == gone for gone in taken):
                    taken.add(_take_out(rest, path))
            broken |= taken
    return ProjectFile(), problems, broken | {()}


def _take_out(data: dict[str, Any], path: Loc) -> Loc:
    """Removes the value, the whole list that it stands in, or the table that misses it."""
    at = next((i for i, part in enumerate(path) if isinstance(part, int)), len(path))
    while at > 0:
        table: Any = data
        for part in path[: at - 1]:
            table = table.get(part) if isinstance(table, dict) else None
        if isinstance(table, dict) and path[at - 1] in table:
            del table[path[at - 1]]
            return path[:at]
        at -= 1
    return path
