"""Model cards: what a listing shows of each name that a caller may send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from multiroute_core.api.price_math import sheet_at
from multiroute_core.api.pricing import PriceSheet
from multiroute_core.api.routing import Candidate
from multiroute_core.router.targets import Targets


class ModelCard(Struct, frozen=True):
    """One name and what stands behind it. Prices are USD per million tokens, None unknown; of
    several targets the first one's facts are shown."""

    id: str
    kind: Literal["profile", "alias", "model", "offering"]
    owned_by: str
    model: str = ""
    context: int | None = None
    max_output: int | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    capabilities: Mapping[str, bool] = {}
    targets: tuple[str, ...] = ()


def rate_usd(prices: tuple[PriceSheet, ...], unit: str, at: datetime) -> Decimal | None:
    """USD per million of a unit at an instant; None where there is no price."""
    sheet = sheet_at(prices, at)
    if sheet is None:
        return None
    for rate in sheet.rates:
        if rate.unit == unit:
            return rate.usd * 1_000_000 / rate.per
    return None


def card_of_candidates(
    name: str,
    kind: Literal["profile", "alias", "model"],
    owned_by: str,
    candidates: tuple[Candidate, ...],
    at: datetime,
) -> ModelCard:
    """The card of a name that leads to these candidates. Of a profile only the targets are told:
    its candidates differ."""
    targets = tuple(candidate.target.id for candidate in candidates)
    if kind == "profile" or not candidates:
        return ModelCard(name, kind, owned_by, targets=targets)
    first = candidates[0]
    return ModelCard(
        name,
        kind,
        owned_by,
        first.target.model,
        first.context,
        first.max_output,
        rate_usd(first.prices, "input", at),
        rate_usd(first.prices, "output", at),
        first.capabilities,
        targets,
    )


def model_cards(targets: Targets, at: datetime) -> Iterable[ModelCard]:
    """A card for each normalised model that some active provider serves."""
    names = {offering.model for _, offering in targets.known() if offering.model}
    names |= {name for name, table in targets.file.models.items() if table.serve}
    for name in sorted(names):
        candidates = tuple(targets.candidates(targets.serving(name)))
        if candidates:
            yield card_of_candidates(name, "model", name.partition("/")[0], candidates, at)
