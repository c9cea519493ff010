"""Discovery: which plugins are installed, told from metadata alone. Nothing is imported.

One scan of the installed distributions gives an `Inventory`. A name that two distributions claim
stays in it as a `Conflict`, so that `plugin list` can show it; selecting such a name is an error
(`selection.py`), because then there is no telling which of the two would run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from importlib_metadata import Distribution, EntryPoint
from packaging.utils import canonicalize_name

from multiroute_core.plugins.contract import CORE_DISTRIBUTION, declared_range
from multiroute_core.plugins.kinds import GROUP_PREFIX, GROUPS, KIND_OF_GROUP, Kind

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_BUILT_IN: frozenset[tuple[Kind, str]] = frozenset({("store", "memory")})


@dataclass(frozen=True, slots=True)
class Found:
    """One entry point of an installed distribution.

    `distribution` is normalised (`multiroute-acme`). `requires_core` is the specifier of core in
    its metadata, None where it does not depend on core. `root` is the folder that holds its
    metadata. `search_path` is what was searched, None for `sys.path`. `defect` says why it can
    never be used, "" if nothing is known against it.
    """

    kind: Kind
    name: str
    module: str
    distribution: str
    version: str
    requires_core: str | None
    root: Path
    search_path: tuple[str, ...] | None = None
    defect: str = ""

    @property
    def group(self) -> str:
        """The entry-point group."""
        return GROUPS[self.kind]

    @property
    def package(self) -> str:
        """The top-level import name."""
        return self.module.partition(".")[0]

    @property
    def origin(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name of one group that is claimed more than once."""

    kind: Kind
    name: str
    claims: tuple[Found, ...]

    def __str__(self) -> str:
        origins = dict.fromkeys(claim.origin for claim in self.claims)
        if len(origins) == 1:
            return f"{self.kind} '{self.name}' is claimed twice by {next(iter(origins))}"
        return f"{self.kind} '{self.name}' is claimed by {' and by '.join(origins)}"


@dataclass(frozen=True)
class Inventory:
    """What is installed, in order of group, name and distribution.

    `strays` are (group, distribution) of entry points in groups under `multiroute.` that no kind
    of plugin has: a misspelt group, or one of a newer core.
    """

    found: tuple[Found, ...]
    strays: tuple[tuple[str, str], ...] = ()

    @cached_property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Names that are claimed more than once."""
        grouped = groupby(self.found, key=lambda found: (found.kind, found.name))
        claims = [(key, tuple(group)) for key, group in grouped]
        return tuple(Conflict(*key, group) for key, group in claims if len(group) > 1)

    def of(self, kind: Kind) -> tuple[Found, ...]:
        """The usable plugins of one kind: no conflict, no defect."""
        taken = {(conflict.kind, conflict.name) for conflict in self.conflicts}
        return tuple(
            found
            for found in self.found
            if found.kind == kind and not found.defect and (kind, found.name) not in taken
        )

    def named(self, name: str) -> tuple[Found, ...]:
        """Everything under this name, in whatever group, conflicts and defects included."""
        return tuple(found for found in self.found if found.name == name)

    def conflict(self, found: Found) -> Conflict | None:
        """The conflict that this one is part of."""
        return next(
            (c for c in self.conflicts if c.kind == found.kind and c.name == found.name), None
        )


def discover(search_path: Sequence[str] | None = None) -> Inventory:
    """List the installed plugins without importing any.

    `search_path`: folders to look in, None for `sys.path`. Of two installations of one
    distribution the first on the path counts, as it does for imports. Reads one small file for
    each installed distribution, and the metadata of those that have plugins.
    """
    path = None if search_path is None else tuple(search_path)
    scan = Distribution.discover() if path is None else Distribution.discover(path=list(path))
    seen: set[str] = set()
    found: list[Found] = []
    strays: set[tuple[str, str]] = set()
    for distribution in scan:
        # The cheap look first: parsing everybody's metadata would take ten times as long.
        if GROUP_PREFIX not in (distribution.read_text("entry_points.txt") or ""):
            continue
        try:
            name = canonicalize_name(distribution.name)
        except (FileNotFoundError, KeyError):
            continue  # the rest of a broken uninstall: entry points without metadata
        if name in seen:
            continue
        seen.add(name)
        ours, others = _claims_of(distribution, name, path)
        found.extend(ours)
        strays.update((group, name) for group in others)
    order = sorted(found, key=lambda f: (f.group, f.name, f.distribution, f.module))
    return Inventory(tuple(order), tuple(sorted(strays)))


def _claims_of(
    distribution: Distribution, name: str, path: tuple[str, ...] | None
) -> tuple[list[Found], set[str]]:
    """What one distribution claims, and the groups of ours-by-name that we do not know."""
    version, root = distribution.version, Path(str(distribution.locate_file("")))
    requires_core, requires_defect = None, ""
    try:
        requires_core = declared_range(distribution.requires or ())
    except ValueError as exc:
        requires_defect = str(exc)
    ours: list[Found] = []
    strays: set[str] = set()
    for entry_point in distribution.entry_points:
        kind = KIND_OF_GROUP.get(entry_point.group)
        if kind is None:
            if entry_point.group.startswith(GROUP_PREFIX):
                strays.add(entry_point.group)
            continue
        defects = [requires_defect, *_entry_point_defects(kind, entry_point)]
        ours.append(
            Found(
                kind=kind,
                name=entry_point.name,
                module=entry_point.value,
                distribution=name,
                version=version,
                requires_core=requires_core,
                root=root,
                search_path=path,
                defect="; ".join(filter(None, defects)),
            )
        )
    return ours, strays


def _entry_point_defects(kind: Kind, entry_point: EntryPoint) -> Iterator[str]:
    if not _NAME.match(entry_point.name):
        yield f"the name {entry_point.name!r} is not lower-case letters, digits, '-', '_' and '.'"
    if (kind, entry_point.name) in _BUILT_IN:
        yield f"the {kind} '{entry_point.name}' belongs to {CORE_DISTRIBUTION}"
    parts = entry_point.value.split(".")
    if not all(part.isidentifier() for part in parts):
        yield f"its entry point {entry_point.value!r} does not name a module"
