"""Price sheets: what an offering costs, exact, with the conditions under which it does."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Tier(Struct, frozen=True, gc=False):
    """Above `above` input tokens of one request, the whole request is priced at `usd`."""

    above: int
    usd: Decimal


class Rate(Struct, frozen=True, gc=False):
    """`usd` for each `per` units. Unit names are listed in `docs/reference/catalog.md`."""

    unit: str
    usd: Decimal
    per: int = 1_000_000
    tiers: tuple[Tier, ...] = ()


class PriceSheet(Struct, frozen=True, gc=False):
    """Rates and when they hold. Of the sheets that apply, the last one wins.

    `start`/`until`: ISO dates (UTC, start included, until excluded). `window`: UTC times of day
    "HH:MM-HH:MM", possibly over midnight. `service_tier`, `region`: None holds for all.
    """

    rates: tuple[Rate, ...]
    start: str | None = None
    until: str | None = None
    window: str | None = None
    service_tier: str | None = None
    region: str | None = None
