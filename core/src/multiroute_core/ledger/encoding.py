"""Records as bytes: JSON with a `type` tag, one byte form for one record.

The reader takes its types from the structs themselves. It leaves out fields that it does not know
(a newer writer's) and fills those that are absent with their defaults (an older writer's), and
what it returns is read-only at any depth.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin

import msgspec
import msgspec.structs

from multiroute_core.api import (
    AttemptRecord,
    CallRecord,
    DecisionRecord,
    Record,
    ViewRecord,
    deep_frozen,
    plain,
)

_Reader: TypeAlias = Callable[[object], object]

_ENCODER: Final = msgspec.json.Encoder(
    enc_hook=plain, decimal_format="string", order="deterministic"
)
_TYPES: Final[Mapping[str, type[msgspec.Struct]]] = types.MappingProxyType(
    {
        "attempt": AttemptRecord,
        "call": CallRecord,
        "decision": DecisionRecord,
        "view": ViewRecord,
    }
)
# The contract's alias for any JSON refers to itself, which nothing resolves: here it is Any.
_JSON_NAMES: Final[Mapping[str, object]] = types.MappingProxyType(
    {"Json": Any, "JsonObject": Mapping[str, Any]}
)


class NotARecord(ValueError):
    """The bytes are no record of ours; the message says where, and never holds a value."""


def encode(record: Record) -> bytes:
    """The record as JSON: equal records give equal bytes. Decimals are strings.

    Raises:
        TypeError, ValueError: it holds what is not JSON (an object, half a surrogate pair).
    """
    return _ENCODER.encode(record)


def decode(data: bytes | str) -> Record:
    """The record that `encode` wrote.

    Raises:
        NotARecord: not JSON, an unknown type, a field that is missing or of another type.
    """
    try:
        doc = msgspec.json.decode(data)
    except msgspec.DecodeError as exc:
        raise NotARecord("a record must be one JSON document") from exc
    kind = _TYPES.get(str(doc.get("type"))) if isinstance(doc, dict) else None
    if kind is None:
        raise NotARecord(f"the type of a record must be one of {', '.join(_TYPES)}")
    return cast("Record", _struct(kind)(doc))


def _refuse(wanted: str) -> typing.NoReturn:
    raise NotARecord(f"must be {wanted}")


@cache
def _reader(annotation: object) -> _Reader:
    """How a value of this type is read back."""
    if annotation is Any:
        return cast("_Reader", deep_frozen)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _struct(annotation)
    if origin is Literal:
        return _literal(arguments)
    if origin in (Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not types.NoneType]
        return _optional(_reader(inner))
    if origin is tuple and arguments[-1] is Ellipsis:
        return _row(_reader(arguments[0]))
    if origin is tuple:
        return _pair(tuple(_reader(argument) for argument in arguments))
    if origin is Mapping:
        return _mapping(_reader(arguments[1]))
    return _SCALARS[cast("type", annotation)]


@cache
def _struct(kind: type[msgspec.Struct]) -> _Reader:
    readers: dict[str, _Reader] = {}
    required = {field.name for field in _fields(kind) if field.required}

    def read(value: object) -> object:
        if not isinstance(value, dict):
            _refuse("an object")
        if not readers:  # on first use: a struct may hold itself
            hints = typing.get_type_hints(kind, localns=dict(_JSON_NAMES))
            readers.update({field.name: _reader(hints[field.name]) for field in _fields(kind)})
        if not required <= value.keys():
            raise NotARecord(f"{kind.__name__} lacks {', '.join(sorted(required - value.keys()))}")
        given: dict[str, object] = {}
        for name in readers.keys() & value.keys():
            try:
                given[name] = readers[name](value[name])
            except NotARecord as exc:
                raise NotARecord(f"{kind.__name__}.{name}: {exc}") from exc
        return kind(**given)

    return read


class _Field(typing.NamedTuple):
    name: str
    required: bool


def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    names = kind.__struct_fields__
    optional = len(kind.__struct_defaults__)
    return tuple(_Field(name, at < len(names) - optional) for at, name in enumerate(names))


def _literal(words: tuple[object, ...]) -> _Reader:
    def read(value: object) -> object:
        if value not in words:
            _refuse(f"one of {', '.join(map(str, words))}")
        return value

    return read


def _optional(inner: _Reader) -> _Reader:
    return lambda value: None if value is None else inner(value)


def _row(inner: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            _refuse("a list")
        return tuple(inner(item) for item in value)

    return read


def _pair(inner: tuple[_Reader, ...]) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, list) or len(value) != len(inner):
            _refuse(f"a list of {len(inner)}")
        return tuple(reader(item) for reader, item in zip(inner, value, strict=True))

    return read


def _mapping(inner: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, dict):
            _refuse("an object")
        return types.MappingProxyType({name: inner(item) for name, item in value.items()})

    return read


def _scalar(kind: type, words: str) -> _Reader:
    def read(value: object) -> object:
        if type(value) is not kind:
            _refuse(words)
        return value

    return read


def _float(value: object) -> object:
    if type(value) not in (int, float):
        _refuse("a number")
    return float(cast("float", value))


def _decimal(value: object) -> object:
    try:
        return Decimal(value if isinstance(value, str) else "")
    except InvalidOperation:
        _refuse("a decimal number as text")


_SCALARS: Final[Mapping[type, _Reader]] = types.MappingProxyType(
    {
        str: _scalar(str, "text"),
        int: _scalar(int, "a whole number"),
        bool: _scalar(bool, "true or false"),
        float: _float,
        Decimal: _decimal,
    }
)
