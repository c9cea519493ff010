"""Prices as the rest of the core asks for them: exact for booking, linear for comparing.

The arithmetic is part of the public surface (`multiroute_core.api.price_math`), because cost
scorers need it too; this module adds what needs an offering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from multiroute_core.api.offering import Offering
from multiroute_core.api.price_math import (
    Cost,
    Line,
    Linear,
    linear,
    price_of as price_of_sheets,
    sheet_at,
    thresholds,
    units_of,
)
from multiroute_core.api.pricing import PriceSheet
from multiroute_core.api.usage import Usage

__all__ = ["Cost", "Line", "Linear", "linear", "price_of", "sheet_at", "thresholds", "units_of"]


def price_of(
    priced: Offering | Sequence[PriceSheet],
    usage: Usage,
    at: datetime,
    service_tier: str | None = None,
    region: str | None = None,
    others: Mapping[str, Sequence[PriceSheet]] = MappingProxyType({}),
) -> Cost:
    """What `usage` costs at an offering (or by its sheets) at the aware instant `at`.

    The offering's own region holds where neither the argument nor the usage names one.
    """
    if isinstance(priced, Offering):
        region = region or usage.region or priced.region
        priced = priced.prices
    return price_of_sheets(priced, usage, at, service_tier, region, others)
