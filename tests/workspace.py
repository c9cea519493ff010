"""The distributions of this checkout, read from their pyproject.toml files."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Distribution:
    """One folder that builds a distribution of its own."""

    name: str
    folder: Path
    dependencies: tuple[str, ...]
    entry_points: tuple[tuple[str, str, str], ...]
    """(group, name, value)"""

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def package_folder(self) -> Path:
        return self.folder / "src" / self.package

    @property
    def has_code(self) -> bool:
        """False for a distribution that only depends on others (the starter set)."""
        return (self.folder / "src").is_dir()

    @property
    def is_core(self) -> bool:
        return self.folder.name == "core"


def distributions(root: Path) -> tuple[Distribution, ...]:
    """Core first, then everything under plugins/ and contrib/ by name."""
    found = [root / "core" / "pyproject.toml"]
    for parent in ("plugins", "contrib"):
        found += sorted((root / parent).glob("*/pyproject.toml"))
    return tuple(_read(path) for path in found)


def _read(path: Path) -> Distribution:
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return Distribution(
        name=project["name"],
        folder=path.parent,
        dependencies=tuple(project.get("dependencies", ())),
        entry_points=tuple(
            (group, name, value)
            for group, entries in sorted(project.get("entry-points", {}).items())
            for name, value in sorted(entries.items())
        ),
    )


def python_files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*.py")) if "__pycache__" not in p.parts)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything that a file imports, at any depth of nesting.

    `from a.b import c` gives "a.b.c": whether c is a module or a name makes no difference to who
    may reach it. Below a src folder a relative import is resolved; elsewhere it keeps its dots.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, (_base(path, node.level), node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _base(path: Path, level: int) -> str:
    """The package that `level` leading dots stand for in the file."""
    if level == 0:
        return ""
    if "src" not in path.parts:
        return "." * level
    start = len(path.parts) - path.parts[::-1].index("src")
    return ".".join(path.parts[start:-level])
