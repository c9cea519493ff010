"""The kinds of plugin: their entry-point groups, factories and Protocols."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from multiroute_core.api import (
    Extension,
    FallbackStrategy,
    Guard,
    Observer,
    Provider,
    Scorer,
    Store,
)

CodeKind: TypeAlias = Literal[
    "provider", "scorer", "fallback", "observer", "store", "guard", "extension"
]
"""Kinds with a module of hooks."""

Kind: TypeAlias = Literal[CodeKind, "catalog"]
"""`catalog` is data only: nothing of it is ever imported."""

CODE_KINDS: Final[tuple[CodeKind, ...]] = get_args(CodeKind)
KINDS: Final[tuple[Kind, ...]] = (*CODE_KINDS, "catalog")

GROUP_PREFIX: Final = "multiroute."
GROUPS: Final[Mapping[Kind, str]] = MappingProxyType(
    {kind: f"{GROUP_PREFIX}{kind}s" for kind in KINDS}
)
KIND_OF_GROUP: Final[Mapping[str, Kind]] = MappingProxyType(
    {group: kind for kind, group in GROUPS.items()}
)

FACTORIES: Final[Mapping[CodeKind, str]] = MappingProxyType(
    {kind: f"multiroute_make_{kind}" for kind in CODE_KINDS}
)

PROTOCOLS: Final[Mapping[CodeKind, type]] = MappingProxyType(
    {
        "provider": Provider,
        "scorer": Scorer,
        "fallback": FallbackStrategy,
        "observer": Observer,
        "store": Store,
        "guard": Guard,
        "extension": Extension,
    }
)
