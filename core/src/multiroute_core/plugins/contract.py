"""The contract range: which versions of core a distribution says that it works with."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

CORE_DISTRIBUTION = "multiroute-core"

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def declared_range(requires: Iterable[str]) -> str | None:
    """The specifier of core in a distribution's `Requires-Dist` lines; None: core is not there.

    Names are normalised, lines whose marker does not hold here are passed over, several lines
    must all hold. "" is any version.

    Raises:
        ValueError: the line for core is no valid requirement.

    >>> declared_range(["httpx", "Multiroute_Core >=0.1,<1", "multiroute-core>9; extra=='x'"])
    '<1,>=0.1'
    >>> declared_range(["httpx"]) is None
    True
    """
    found: SpecifierSet | None = None
    for line in requires:
        name = _NAME.match(line)
        if name is None or canonicalize_name(name[1]) != CORE_DISTRIBUTION:
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement as exc:
            raise ValueError(f"Requires-Dist {line!r} is not a valid requirement") from exc
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = requirement.specifier if found is None else found & requirement.specifier
    return None if found is None else str(found)


def is_within(version: str, specifier: str) -> bool:
    """Whether this version of core is in the range; pre-releases count.

    >>> is_within("0.2.0rc1", ">=0.1,<1"), is_within("1.0", ">=0.1,<1")
    (True, False)
    """
    return SpecifierSet(specifier).contains(version, prereleases=True)
