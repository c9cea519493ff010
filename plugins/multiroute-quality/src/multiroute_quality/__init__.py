"""The `quality` scorer: how good each candidate is for the profile's use case, 0..1.

From the catalog, where the project has not said otherwise: the use case, else "default", else the
mean of what is known with less confidence. A model that nobody measured gets no value.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from multiroute_core.api.hookspecs import hookimpl
from multiroute_core.api.offering import Quality
from multiroute_core.api.routing import Column, Features, Live, View
from multiroute_core.api.scorer import Rater, Scorer, Term

_UNKNOWN = "no quality is known"


class Settings(BaseModel):
    """`[plugins.settings.quality]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    other_use_cases: float = Field(default=0.5, ge=0.0, le=1.0)
    """What confidence in other use cases counts for this one, 0..1; 0: they say nothing."""


class CatalogQuality:
    """Reads each candidate's quality; nothing depends on the request."""

    def __init__(self, settings: Settings) -> None:
        self._other = settings.other_use_cases

    @property
    def term(self) -> Term:
        return "quality"

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    def prepare(self, view: View) -> Column | Rater:
        found = [self._of(candidate.quality, view.use_case) for candidate in view.candidates]
        return Column(
            values=tuple([None if one is None else one[0] for one in found]),
            confidence=tuple([0.0 if one is None else one[1] for one in found]),
            abstain="" if all(found) else _UNKNOWN,
        )

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        quality = view.candidates[index].quality
        found = self._of(quality, view.use_case)
        if found is None:
            return _UNKNOWN
        for case in (view.use_case, "default"):
            if case in quality:
                rows = quality[case].rows
                origin = f"{rows} benchmark rows" if rows else "the project file"
                return f"{found[0]:.3f} for {case}, from {origin}"
        return f"{found[0]:.3f}, the mean of {', '.join(sorted(quality))}"

    def _of(self, quality: Mapping[str, Quality], use_case: str) -> tuple[float, float] | None:
        known = quality.get(use_case) or quality.get("default")
        if known is not None:
            return known.value, known.confidence
        if not quality or self._other == 0:
            return None
        value = weight = 0.0
        for case in sorted(quality):
            value += quality[case].value * quality[case].confidence
            weight += quality[case].confidence
        if weight == 0:
            return None
        return value / weight, self._other * weight / len(quality)


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    return Settings


@hookimpl
def multiroute_make_scorer(name: str, settings: BaseModel | None) -> Scorer:
    return CatalogQuality(settings if isinstance(settings, Settings) else Settings())
