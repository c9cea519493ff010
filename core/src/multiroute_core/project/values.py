"""The scalar types of the project file: names, durations, money, addresses, hashes.

Every refusal says what to write instead and never repeats the value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

V = TypeVar("V")

SECRET_HINT = 'put it in an environment variable and write { env = "NAME" }'


class Table(BaseModel):
    """A table of the project file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )
    elsewhere: ClassVar[str] = ""  # the hint for an unknown key that is near to none of ours


def refuse(message: str, hint: str = "", *, is_sentence: bool = False) -> NoReturn:
    """Stops validation with our own words. The message must not hold the value.

    The message continues "'key' …", or stands alone with `is_sentence`.

    Raises:
        PydanticCustomError: always; `problems_from_validation` reads message and hint from it.
    """
    code: Literal["project_sentence", "project"] = "project_sentence" if is_sentence else "project"
    raise PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


# ---- frozen containers


def deep_freeze(value: object) -> object:
    """The value with every dict as a read-only mapping and every list as a tuple."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: deep_freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(deep_freeze(item) for item in value)
    return value


def thaw(value: object) -> object:
    """The value with plain dicts and lists again."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def _freeze_document(value: object) -> object:
    """As deep_freeze, with Decimals as floats: what stands there is read as JSON."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: _freeze_document(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_freeze_document(item) for item in value)
    return float(value) if isinstance(value, Decimal) else value


def _freeze_mapping(value: Mapping[str, V]) -> Mapping[str, V]:
    return MappingProxyType(dict(value))


def empty_mapping() -> Mapping[str, Any]:
    """A read-only mapping without entries."""
    return MappingProxyType({})


Options: TypeAlias = Annotated[
    Mapping[StrictStr, object], AfterValidator(deep_freeze), PlainSerializer(thaw)
]
"""Keys that a plugin's own settings model validates later."""
Document: TypeAlias = Annotated[
    Mapping[StrictStr, object], AfterValidator(_freeze_document), PlainSerializer(thaw)
]
"""A JSON document written as TOML."""
Frozen = AfterValidator(_freeze_mapping)
Dumped = PlainSerializer(dict)


# ---- names

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def _name(value: str) -> str:
    if not _NAME.match(value):
        refuse(
            "is not a valid name",
            "letters, digits, '-', '_' and '.'; a colon would split it where callers send it",
        )
    return value


def _model_id(value: str) -> str:
    if not value or re.search(r"[\s:*]", value):
        refuse(
            "is not a valid model id",
            "write lab/name or lab/name@snapshot, without blanks, ':' or '*'",
        )
    return value


def _text(value: str) -> str:
    if not value.strip():
        refuse("must not be empty")
    return value


Name: TypeAlias = Annotated[StrictStr, AfterValidator(_name)]
ModelId: TypeAlias = Annotated[StrictStr, AfterValidator(_model_id)]
Text: TypeAlias = Annotated[StrictStr, AfterValidator(_text)]
Flag: TypeAlias = StrictBool
Count: TypeAlias = Annotated[StrictInt, Field(gt=0)]

Named: TypeAlias = Annotated[Mapping[Name, V], Frozen, Dumped]
ByModel: TypeAlias = Annotated[Mapping[ModelId, V], Frozen, Dumped]
ByText: TypeAlias = Annotated[Mapping[Text, V], Frozen, Dumped]


# ---- numbers


def _number(message: str) -> Callable[[object], Decimal]:
    def parse(value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            refuse(message, "write the number without quotes")
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if not number.is_finite():
            refuse(message, "infinity and nan are not numbers here")
        return number

    return parse


def _money(value: object) -> Decimal:
    amount = _number("must be an amount of USD")(value)
    if amount < 0:
        refuse("must not be negative")
    return amount


def _float(value: object) -> float:
    number = float(_number("must be a number")(value))
    if math.isinf(number):
        refuse("must be a number of ordinary size")
    return number


Money: TypeAlias = Annotated[
    Decimal, PlainValidator(_money), WithJsonSchema({"type": "number", "minimum": 0})
]
"""USD, exact; not negative."""
PositiveMoney: TypeAlias = Annotated[
    Decimal,
    PlainValidator(_money),
    Field(gt=0),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
Fraction: TypeAlias = Annotated[
    float,
    BeforeValidator(_float),
    Field(ge=0, le=1),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
"""0..1."""
PositiveNumber: TypeAlias = Annotated[
    float,
    BeforeValidator(_float),
    Field(gt=0),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)\Z", re.ASCII)
_UNIT_S = MappingProxyType(
    {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600),
     "d": Decimal(86400)}
)  # fmt: skip


def parse_duration(value: object) -> float:
    """Seconds of a duration such as `"250ms"`, `"8s"`, `"2m"`, `"1h"`; above zero.

    Raises:
        PydanticCustomError: a number without unit, another type, or zero.

    >>> parse_duration("250ms")
    0.25
    """
    hint = 'write a number and a unit in quotes: "250ms", "8s", "2m", "1h" or "1d"'
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        refuse("is a number without a unit", hint)
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        refuse("must be a duration", hint)
    seconds = float(Decimal(match[1]) * _UNIT_S[match[2]])
    if seconds <= 0:
        refuse("must be longer than zero", hint)
    return seconds


Duration: TypeAlias = Annotated[
    float, PlainValidator(parse_duration), WithJsonSchema({"type": "string", "pattern":
    r"^\d+(\.\d+)?(ms|s|m|h|d)$", "examples": ["8s", "250ms"]})
]  # fmt: skip
"""Seconds."""


# ---- addresses


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the gateway listens; port 0 lets the system choose one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        is_v4 = re.match(r"127(\.\d+){3}\Z", self.host) is not None
        return is_v4 or self.host in {"localhost", "::1"}

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):(\d{1,5})\Z", re.ASCII)


def _listen(value: object) -> Listen:
    match = _LISTEN.match(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > 65535:
        refuse("must be an address and a port", 'for example "127.0.0.1:4300" or "[::1]:4300"')
    return Listen(match[1] or match[2], int(match[3]))


ListenAddress: TypeAlias = Annotated[
    Listen, PlainValidator(_listen), PlainSerializer(str), WithJsonSchema({"type": "string"})
]

_SECRET_PARAMETER = re.compile(r"(pass(word|wd)?|secret|token|api_?key|key|sig(nature)?)\Z", re.I)


def has_secret_in_url(url: str) -> bool:
    """Whether a URL carries a password or a query value whose name says secret."""
    try:
        parts = urlsplit(url)
        names = [name for name, _ in parse_qsl(parts.query)]
        return parts.password is not None or any(_SECRET_PARAMETER.match(n) for n in names)
    except ValueError:
        return False


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        has_user = "@" in parts.netloc
    except ValueError:
        is_url = has_user = False
    if not is_url or re.search(r"\s", value):
        refuse("must be a URL", "it begins with http:// or https:// and names a host")
    if has_user or has_secret_in_url(value):
        refuse("holds a user name or secret", "take it out of the URL; keys belong in api_keys")
    return value


BaseUrl: TypeAlias = Annotated[StrictStr, AfterValidator(_base_url)]


@dataclass(frozen=True, slots=True)
class Serve:
    """One upstream model of one provider instance, written `instance:upstream-id`."""

    instance: str
    upstream_id: str

    def __str__(self) -> str:
        return f"{self.instance}:{self.upstream_id}"


def _serve(value: object) -> Serve:
    instance, colon, upstream = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (instance and colon and upstream) or re.search(r"\s", f"{instance}{upstream}"):
        refuse("must name an instance and a model", 'write "instance:upstream-id"')
    return Serve(instance, upstream)


ServeEntry: TypeAlias = Annotated[
    Serve, PlainValidator(_serve), PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^[^:\\s]+:\\S+$"}),
]  # fmt: skip


# ---- hashes


def _key_hash(value: str) -> str:
    if not re.match(r"sha256:[0-9A-Fa-f]{64}\Z", value):
        refuse(
            "must be 'sha256:' and 64 hex digits",
            "`multiroute keys new NAME` makes a key and prints this line; "
            "the key itself does not belong in the file",
        )
    return value.lower()


KeyHash: TypeAlias = Annotated[StrictStr, AfterValidator(_key_hash)]
