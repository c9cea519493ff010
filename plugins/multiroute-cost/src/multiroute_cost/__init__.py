"""The `cost` scorer: what a request is expected to cost at each candidate, in US dollars.

    cost_usd = input tokens × input price + output tokens × output price

from the price sheet that holds at the view's instant, with the tier that the input size reaches.
A candidate whose price is unknown gets no value: unknown is never free.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from multiroute_core.api.hookspecs import hookimpl
from multiroute_core.api.price_math import Linear, linear, thresholds
from multiroute_core.api.routing import Candidate, Column, Features, Live, View
from multiroute_core.api.scorer import Rater, Scorer, Term

_UNKNOWN = "no price is known"


class Settings(BaseModel):
    """`[plugins.settings.cost]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cached_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of input tokens that is expected to be read from a prompt cache, 0..1."""


class Cost:
    """Predicts US dollars for each candidate; floats, for comparing only."""

    def __init__(self, settings: Settings) -> None:
        self._cached_share = settings.cached_share

    @property
    def term(self) -> Term:
        return "cost_usd"

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    def prepare(self, view: View) -> Column | Rater:
        at = _instant(view)
        steps = [_steps(candidate, at, self._cached_share) for candidate in view.candidates]
        if not any(steps):
            return Column((None,) * len(steps), abstain=_UNKNOWN)
        base = [found[0][1:] if found else None for found in steps]
        first_tier = min((found[1][0] for found in steps if len(found) > 1), default=None)
        abstain = "" if all(steps) else _UNKNOWN

        def rated(features: Features, live: Live) -> Column:
            size, out = features.input_tokens, features.output_tokens
            prices = base
            if first_tier is not None and size > first_tier:
                prices = [_reached(found, size) for found in steps]
            values = [None if usd is None else size * usd[0] + out * usd[1] for usd in prices]
            return Column(tuple(values), abstain=abstain)

        return rated

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        candidate = view.candidates[index]
        usd = linear(candidate.prices, _instant(view), features.input_tokens)
        if usd is None:
            return _UNKNOWN
        return (
            f"{features.input_tokens} in at {_input(usd, self._cached_share) * 1e6:g} and "
            f"{features.output_tokens} out at {usd.output * 1e6:g} USD per 1M tokens"
        )


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    return Settings


@hookimpl
def multiroute_make_scorer(name: str, settings: BaseModel | None) -> Scorer:
    return Cost(settings if isinstance(settings, Settings) else Settings())


def _instant(view: View) -> datetime:
    return datetime.fromtimestamp(view.at_ms / 1000, UTC)


def _steps(
    candidate: Candidate, at: datetime, cached_share: float
) -> tuple[tuple[int, float, float], ...]:
    """(input size above which it holds, USD per input token, USD per output token), ascending."""
    steps = []
    for above in (-1, *thresholds(candidate.prices, at)):
        usd = linear(candidate.prices, at, above + 1)
        if usd is None:
            return ()
        steps.append((above, _input(usd, cached_share), usd.output))
    return tuple(steps)


def _input(usd: Linear, cached_share: float) -> float:
    return usd.input * (1 - cached_share) + usd.cached * cached_share


def _reached(steps: tuple[tuple[int, float, float], ...], size: int) -> tuple[float, float] | None:
    reached = None
    for above, in_usd, out_usd in steps:
        if size > above:
            reached = (in_usd, out_usd)
    return reached
