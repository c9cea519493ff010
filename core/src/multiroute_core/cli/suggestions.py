"""Which of a provider's models a new project file begins with: a suggestion, to be edited."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiroute_core.api import Offering
    from multiroute_core.catalog.catalog import Catalog

_BANDS_USD = ((Decimal(5), Decimal(30)), (Decimal(0), Decimal(5)))
"""Output prices, USD per million tokens, above … up to: one everyday model, one small one."""
_FREE_AT_MOST = 4


def suggested_models(catalog: Catalog, plugin: str) -> tuple[str, ...]:
    """Up to two model ids of a provider: the newest general model of each price band.

    General: answers chat with text, takes tools, has a known price and no mark against it. Where
    nothing costs anything (a local server's models, a sandbox's), up to four of those.
    """
    offerings = [one for one in catalog.offerings.get(plugin, {}).values() if _is_general(one)]
    chosen = [
        newest.model
        for above, most in _BANDS_USD
        if (newest := _newest((o for o in offerings if above < _output_usd(o) <= most), catalog))
    ]
    free = [one.model for one in offerings if _output_usd(one) == 0][:_FREE_AT_MOST]
    return tuple(dict.fromkeys(chosen or free))


def _is_general(offering: Offering) -> bool:
    marks = [flag for flag in offering.flags if flag != "not-a-model"]
    return (
        bool(offering.model)
        and "chat" in offering.operations
        and not marks
        and offering.capabilities.get("tools") is True
        and set(offering.modalities_out) <= {"text"}
    )


def _output_usd(offering: Offering) -> Decimal:
    """USD per million output tokens of the plain sheet; -1 where none states it."""
    for sheet in offering.prices:
        if sheet.service_tier is None and sheet.region is None:
            for rate in sheet.rates:
                if rate.unit == "output":
                    return rate.usd * 1_000_000 / rate.per
    return Decimal(-1)


def _newest(offerings: Iterable[Offering], catalog: Catalog) -> Offering | None:
    """By the date of the model's release; of one day the cheaper, then by name."""

    def rank(offering: Offering) -> tuple[str, Decimal, str]:
        model = catalog.model(offering.model)
        return ((model.released if model else None) or "", -_output_usd(offering), offering.model)

    return max(offerings, key=rank, default=None)
