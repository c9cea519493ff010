"""Project: a loaded project file, with the place of each of its values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from multiroute_core.project.locate import Locator
from multiroute_core.project.problems import Loc, Problem
from multiroute_core.project.schema import ProjectFile


@dataclass(frozen=True)
class Project:
    """What `load_project` gives.

    `file`: the checked values, profiles with their parents merged in. `data`: the parsed values as
    written, all files merged, secrets as references. `path` is None for settings that were built
    in memory. `folder`: what relative paths in the file are relative to. `sources`: every file
    read, the main one first. `warnings`: what does not stop the start (severity "warning") and
    what the plugin kernel has still to decide ("deferred").
    """

    file: ProjectFile
    path: Path | None
    folder: Path
    sources: tuple[Path, ...]
    locator: Locator
    data: Mapping[str, object]
    digest: str
    warnings: tuple[Problem, ...] = ()

    def where(self, loc: Loc) -> str:
        """`file:line` of a key path, or of its nearest existing parent."""
        return self.locator.where(loc)


def digest_of(data: Mapping[str, object]) -> str:
    """SHA-256 (hex) over the parsed content.

    Comments, order of keys, number spelling and the spread over included files do not change it;
    it holds no secrets, because the file holds references to them.
    """
    content = {key: value for key, value in data.items() if key != "include"}
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> object:
    match value:
        case Mapping():
            return {str(key): _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
        case bool() | str() | None:
            return value
        case int() | float() | Decimal():
            number = Decimal(str(value))
            return {"number": str(number.normalize() if number.is_finite() else number)}
        case _:  # dates and times
            return {type(value).__name__: str(value)}
