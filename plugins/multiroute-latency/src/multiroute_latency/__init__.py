"""The `latency` scorer: how long an answer is expected to take at each candidate, in seconds.

    latency_s = time to first content + output tokens / tokens per second

measured where the view has the signals `first_content_s` and `tokens_per_s`, else the priors of
the settings: a target that was never tried is neither fast nor slow.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from multiroute_core.api.hookspecs import hookimpl
from multiroute_core.api.routing import Column, Features, Live, View
from multiroute_core.api.scorer import Rater, Scorer, Term


class Settings(BaseModel):
    """`[plugins.settings.latency]`: what is assumed of a target that was not measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_content_s: float = Field(default=1.0, gt=0.0)
    """Seconds until the first content."""

    tokens_per_s: float = Field(default=60.0, gt=0.0)
    """Output tokens a second after that."""


class Latency:
    """Predicts seconds for each candidate from its own past, or from the priors."""

    def __init__(self, settings: Settings) -> None:
        self._first_content_s = settings.first_content_s
        self._tokens_per_s = settings.tokens_per_s

    @property
    def term(self) -> Term:
        return "latency_s"

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    def prepare(self, view: View) -> Column | Rater:
        speeds = [self._speed(view, index)[:2] for index in range(len(view.candidates))]

        def rated(features: Features, live: Live) -> Column:
            out = features.output_tokens
            return Column(tuple([first + out * per_token for first, per_token in speeds]))

        return rated

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        first, per_token, measured = self._speed(view, index)
        return (
            f"first content after {first:.2f} s, then {1 / per_token:.0f} tokens/s "
            f"({'measured' if measured else 'assumed'})"
        )

    def _speed(self, view: View, index: int) -> tuple[float, float, bool]:
        """Seconds to the first content, seconds a token, and whether anything was measured."""
        signals: Mapping[str, float] = view.signals[index] if index < len(view.signals) else {}
        first = signals.get("first_content_s")
        rate = signals.get("tokens_per_s")
        usable = rate if rate is not None and rate > 0 else None
        return (
            self._first_content_s if first is None else first,
            1 / (usable or self._tokens_per_s),
            first is not None or usable is not None,
        )


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    return Settings


@hookimpl
def multiroute_make_scorer(name: str, settings: BaseModel | None) -> Scorer:
    return Latency(settings if isinstance(settings, Settings) else Settings())
