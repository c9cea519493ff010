"""JSON values as the contract passes them: read-only, unknown fields kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
    """A JSON value seen through read-only types: plugins read it, nobody writes to it."""
else:
    # A recursive alias cannot be resolved at run time, where decoders read the annotations.
    Json = Any

JsonObject: TypeAlias = Mapping[str, Json]

EMPTY: JsonObject = MappingProxyType({})
"""The one shared empty mapping, for defaults."""


def frozen(fields: Mapping[str, Json]) -> JsonObject:
    """A read-only view of `fields` (shallow: nested values are read-only by type).

    >>> frozen({"a": 1})["a"]
    1
    """
    return MappingProxyType(dict(fields)) if fields else EMPTY


def deep_frozen(value: Json) -> Json:
    """A copy in which a write at any depth raises: mappings become proxies, lists tuples.

    >>> deep_frozen({"a": [1, {"b": 2}]})["a"][1]["b"]
    2
    """
    if isinstance(value, Mapping):
        return MappingProxyType({k: deep_frozen(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(deep_frozen(v) for v in value)
    return value


def plain(value: object) -> object:
    """What a JSON encoder asks for a type that it does not know: mapping proxies become dicts.

    For `orjson.dumps(default=plain)` and `msgspec.json.encode(enc_hook=plain)`.

    Raises:
        TypeError: for any other type.
    """
    if isinstance(value, MappingProxyType):
        return dict(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
