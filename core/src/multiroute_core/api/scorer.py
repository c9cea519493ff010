"""The contract of a model scorer, and the short way to write one.

Called in two phases so that what does not depend on the request is computed once. Scorers are
synchronous and pure: no I/O, no clock, no unseeded randomness. One that raises, overruns or
returns NaN loses its vote for that decision and is named in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from multiroute_core.api.records import AttemptRecord
from multiroute_core.api.routing import Candidate, Column, Facts, Features, Live, Verdict, View

Term: TypeAlias = Literal["quality", "cost_usd", "latency_s", "penalty"]
"""Units: quality 0..1 (higher is better), US dollars, seconds, points (lower is better)."""

Rater: TypeAlias = Callable[[Features, Live], Column]
"""The second phase, bound to one view: called for each request."""


class Scorer(Protocol):
    """Gives each candidate a value in one unit, or abstains."""

    @property
    def term(self) -> Term:
        """The unit of this scorer's values."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """What of a request it looks at beyond counts: of text, live, metadata, session."""
        ...

    def prepare(self, view: View) -> Column | Rater:
        """Called once per profile and snapshot, on first use. A `Column` does not depend on the
        request; a function is then called for every request."""
        ...

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        """Words for the value of candidate `index`; called only when somebody reads a record."""
        ...


@runtime_checkable
class FilteringScorer(Protocol):
    """A scorer that also removes candidates."""

    def filter(self, view: View, features: Features, live: Live) -> tuple[Verdict, ...]:
        """Candidates to remove, with reasons. Called for every request, before scoring."""
        ...


@runtime_checkable
class FoldingScorer(Protocol):
    """A scorer that learns from what attempts came to."""

    def fold(self, state: Facts, outcome: AttemptRecord) -> Facts:
        """The state after one more attempt; called beside the request's way, in order."""
        ...


class PerCandidate(ABC):
    """A scorer by candidate: set `term` and write `rate`; the rest is here.

    >>> class Short(PerCandidate):
    ...     term = "penalty"
    ...     def rate(self, candidate, features):
    ...         return len(candidate.target.upstream_id) / 10
    """

    term: ClassVar[Term] = "penalty"
    reads: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def rate(self, candidate: Candidate, features: Features) -> float | None:
        """The value for one candidate in the unit of `term`; None abstains."""

    def prepare(self, view: View) -> Column | Rater:
        candidates = view.candidates

        def rated(features: Features, live: Live) -> Column:
            return Column(tuple([self.rate(candidate, features) for candidate in candidates]))

        return rated

    def why(self, view: View, features: Features, live: Live, index: int) -> str:
        value = self.rate(view.candidates[index], features)
        return "abstains" if value is None else f"{self.term} {value:g}"
