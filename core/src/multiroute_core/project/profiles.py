"""`extends`: profiles merged with their parents, before they are validated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from multiroute_core.project.locate import Locator, Mark
from multiroute_core.project.problems import Loc, Problem, did_you_mean

_DROPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "candidates": ("split", "weights"),
        "order": ("score",),
        "score": ("order",),
        "split": ("candidates", "order", "score", "weights", "rules"),
    }
)
"""What a profile's own key takes the place of, among what it would inherit."""


class Merged(NamedTuple):
    """Profiles with their parents merged in.

    `locator` also knows where each inherited value was written. `unresolved` names the profiles
    that stand as they were written, because their chain of parents has a mistake.
    """

    profiles: dict[str, object]
    locator: Locator
    problems: tuple[Problem, ...]
    unresolved: frozenset[str]


def merge_profiles(written: Mapping[str, object], locator: Locator) -> Merged:
    """Resolves `extends`: tables merge key by key, lists and values of the child replace.

    A child's `order` replaces an inherited `score`, its `split` the inherited candidates, and the
    other way round; another strategy in `fallback.use` drops the keys of the parent's strategy.
    Unknown parents and cycles are problems.
    """
    merge = _Merge(written, locator)
    for name in written:
        merge.resolve(name)
    return Merged(
        {name: merge.done.get(name, table) for name, table in written.items()},
        locator.with_marks(merge.marks),
        tuple(dict.fromkeys(merge.problems)),
        frozenset(written) - frozenset(merge.done),
    )


class _Merge:
    def __init__(self, written: Mapping[str, object], locator: Locator) -> None:
        self.written = written
        self.locator = locator
        self.done: dict[str, object] = {}
        self.marks: dict[Loc, Mark] = {}
        self.problems: list[Problem] = []

    def parent(self, name: str) -> str | None:
        table = self.written.get(name)
        extends = table.get("extends") if isinstance(table, Mapping) else None
        return extends if isinstance(extends, str) else None

    def resolve(self, name: str) -> None:
        """Merges the profile's whole chain, the eldest first; does nothing if it is not sound."""
        chain = [name]
        while (parent := self.parent(chain[-1])) is not None and parent not in self.done:
            loc = ("profiles", chain[-1], "extends")
            if parent not in self.written:
                hint = did_you_mean(parent, (n for n in self.written if n != chain[-1]))
                message = f"'extends' names an unknown profile '{parent}'"
                self.problems.append(self.locator.problem(loc, message, hint))
                return
            if parent in chain:
                cycle = chain[chain.index(parent) :]
                first = min(range(len(cycle)), key=lambda at: list(self.written).index(cycle[at]))
                cycle = cycle[first:] + cycle[:first]
                path = " → ".join([*cycle, cycle[0]])
                message = f"'extends' goes round in a circle: {path}"
                loc = ("profiles", cycle[0], "extends")
                self.problems.append(
                    self.locator.problem(loc, message, "one of them must not extend")
                )
                return
            chain.append(parent)
        for child in reversed(chain):
            self.done.setdefault(child, self.with_parent(child))

    def with_parent(self, child: str) -> object:
        parent, own = self.parent(child), self.written[child]
        inherited = self.done.get(parent) if parent is not None else None
        if not isinstance(own, Mapping) or not isinstance(inherited, Mapping):
            return own
        dropped = {key for stated in own for key in _DROPS.get(str(stated), ())} - set(own)
        inherited = {k: v for k, v in inherited.items() if k != "extends" and k not in dropped}
        if _use(own.get("fallback")) not in {None, _use(inherited.get("fallback"))}:
            inherited.pop("fallback", None)
        return self.merged(inherited, own, ("profiles", str(parent)), ("profiles", child))

    def merged(
        self, parent: Mapping[str, object], child: Mapping[str, object], above: Loc, loc: Loc
    ) -> dict[str, object]:
        result = dict(child)
        for key, value in parent.items():
            own = child.get(key)
            if key not in child:
                result[key] = value
                self.inherit(value, (*above, key), (*loc, key))
            elif isinstance(value, Mapping) and isinstance(own, Mapping):
                result[key] = self.merged(value, own, (*above, key), (*loc, key))
        return result

    def inherit(self, value: object, above: Loc, loc: Loc) -> None:
        """Marks an inherited value and all below it with the place where it was written."""
        mark = self.marks.get(above) or self.locator.mark(above)
        self.marks[loc] = mark
        for key, item in _items(value):
            self.inherit(item, (*above, key), (*loc, key))


def _use(fallback: object) -> object:
    return fallback.get("use") if isinstance(fallback, Mapping) else None


def _items(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
