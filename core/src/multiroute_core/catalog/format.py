"""The catalog's files: `offerings.json` beside each provider plugin, `models.json` for models.

Both are JSON with provenance at the head and one row a line. They are decoded straight into typed
values; a file of another schema is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, field

from multiroute_core.api.content import Wire
from multiroute_core.api.errors import ConfigError
from multiroute_core.api.offering import ModelFacts, Offering
from multiroute_core.api.pricing import PriceSheet, Rate, Tier
from multiroute_core.catalog.normalise import NameRules

SCHEMA: Final = 1


class Source(Struct, frozen=True, omit_defaults=True):
    """Where facts come from: a name, the date of the version read ("" unknown), its licence."""

    name: str
    date: str = ""
    licence: str = ""


class OfferingsFile(Struct, frozen=True):
    """What a provider sells, read from one `offerings.json`.

    `source` names the entry of `sources` that prices come from, `exceptions` those offerings whose
    prices come from another. `disputes`: by offering id and field, what each source says.
    """

    provider: str
    offerings: tuple[Offering, ...]
    sources: Mapping[str, Source]
    source: str
    as_of: str
    exceptions: Mapping[str, str]
    disputes: Mapping[str, Mapping[str, Mapping[str, str]]]


class ModelsFile(Struct, frozen=True):
    """Facts about models, read from one `models.json`: rows, name rules and aliases."""

    schema: int
    models: tuple[ModelFacts, ...]
    sources: Mapping[str, Source] = MappingProxyType({})
    as_of: str = ""
    rules: NameRules = field(default_factory=NameRules)
    aliases: dict[str, str] = {}


class _Sheet(Struct, frozen=True, forbid_unknown_fields=True):
    usd: dict[str, Decimal]
    per: dict[str, int] = {}
    above: dict[int, dict[str, Decimal]] = {}
    start: str | None = None
    until: str | None = None
    window: str | None = None
    service_tier: str | None = None
    region: str | None = None

    def sheet(self) -> PriceSheet:
        per, above = self.per, self.above
        rates = tuple(
            [
                Rate(
                    unit,
                    usd,
                    per.get(unit, 1_000_000),
                    tuple([Tier(size, usds[unit]) for size, usds in above.items() if unit in usds])
                    if above
                    else (),
                )
                for unit, usd in self.usd.items()
            ]
        )
        return PriceSheet(
            rates, self.start, self.until, self.window, self.service_tier, self.region
        )


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    model: str = ""
    snapshot: str | None = None
    context: int | None = None
    max_output: int | None = None
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    modalities_in: tuple[str, ...] = field(default=(), name="in")
    modalities_out: tuple[str, ...] = field(default=(), name="out")
    operations: tuple[str, ...] = ("chat",)
    wires: tuple[Wire, ...] = ()
    region: str | None = None
    flags: tuple[str, ...] = ()
    prices: tuple[_Sheet, ...] = ()
    source: str = ""
    disputed: dict[str, dict[str, str]] = {}

    def offering(self) -> Offering:
        capabilities = dict.fromkeys(self.can, True)
        capabilities.update(dict.fromkeys(self.cannot, False))
        return Offering(
            id=self.id,
            model=self.model,
            snapshot=self.snapshot,
            prices=tuple([sheet.sheet() for sheet in self.prices]),
            context=self.context,
            max_output=self.max_output,
            capabilities=MappingProxyType(capabilities),
            modalities_in=self.modalities_in,
            modalities_out=self.modalities_out,
            operations=self.operations,
            wires=self.wires,
            region=self.region,
            flags=self.flags,
            disputed=tuple(self.disputed),
        )


class _Offerings(Struct, frozen=True):
    schema: int
    provider: str
    offerings: tuple[_Row, ...]
    sources: dict[str, Source] = {}
    source: str = ""
    as_of: str = ""


class _Head(Struct, frozen=True):
    schema: int = 0


def read_offerings(data: bytes, where: str) -> OfferingsFile:
    """The offerings of one file; `where` names it in errors.

    Raises ConfigError for another schema or a row that does not fit, saying which.
    """
    file = _decoded(data, where, _Offerings)
    return OfferingsFile(
        provider=file.provider,
        offerings=tuple([row.offering() for row in file.offerings]),
        sources=file.sources,
        source=file.source,
        as_of=file.as_of,
        exceptions={row.id: row.source for row in file.offerings if row.source},
        disputes={row.id: row.disputed for row in file.offerings if row.disputed},
    )


def read_models(data: bytes, where: str) -> ModelsFile:
    """The facts about models of one file; `where` names it in errors.

    Raises ConfigError for another schema or a row that does not fit, saying which.
    """
    return _decoded(data, where, ModelsFile)


_File = TypeVar("_File", _Offerings, ModelsFile)


def _decoded(data: bytes, where: str, kind: type[_File]) -> _File:
    try:
        file = msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as exc:
        _check_schema(data, where)
        raise ConfigError(f"{where}: not a catalog file: {exc}") from exc
    if file.schema != SCHEMA:
        _refuse(where, file.schema)
    return file


def _check_schema(data: bytes, where: str) -> None:
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.DecodeError:
        return
    if head.schema != SCHEMA:
        _refuse(where, head.schema)


def _refuse(where: str, schema: int) -> None:
    raise ConfigError(
        f"{where}: catalog schema {schema or 'missing'}, but this core reads schema {SCHEMA}: "
        "install a version of the plugin that fits this core"
    )
