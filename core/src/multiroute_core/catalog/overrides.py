"""What a project says about a model that differs from the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api.offering import ModelFacts, Offering, Quality
from multiroute_core.api.pricing import PriceSheet, Rate

_LIMITS: Final = ("context", "max_output")


class ModelOverride(Struct, frozen=True, omit_defaults=True):
    """One `[models."lab/name"]` table.

    `price`: USD per 1M tokens by unit; it replaces all sheets, and 0 means free. `quality`: 0..1
    by use case; with "default" it replaces what the catalog says, without it adds to it.
    `capabilities`: true or false by name, and the numbers `context` and `max_output` in tokens.
    """

    price: Mapping[str, Decimal] | None = None
    quality: Mapping[str, float] = MappingProxyType({})
    capabilities: Mapping[str, bool | int] = MappingProxyType({})

    def facts(self, model: ModelFacts) -> ModelFacts:
        """The model's facts with this quality laid over them; a user's word has confidence 1."""
        if not self.quality:
            return model
        told = {case: Quality(value, 1.0, 0) for case, value in self.quality.items()}
        merged = told if "default" in told else {**model.quality, **told}
        return replace(model, quality=MappingProxyType(merged))

    def offering(self, offering: Offering) -> Offering:
        """The offering with this price and these capabilities laid over it."""
        can = {name: bool(is_) for name, is_ in self.capabilities.items() if name not in _LIMITS}
        prices = offering.prices
        if self.price is not None:
            prices = (PriceSheet(tuple(Rate(unit, usd) for unit, usd in self.price.items())),)
        return replace(
            offering,
            prices=prices,
            context=self._limit("context", offering.context),
            max_output=self._limit("max_output", offering.max_output),
            capabilities=MappingProxyType({**offering.capabilities, **can}),
            disputed=tuple(
                name
                for name in offering.disputed
                if not (self.price is not None and name in self.price)
                and name not in self.capabilities
            ),
        )

    def _limit(self, name: str, known: int | None) -> int | None:
        told = self.capabilities.get(name)
        return known if told is None else int(told)
