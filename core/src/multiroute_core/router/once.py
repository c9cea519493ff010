"""What routes where no fallback plugin is named: the best candidate, once."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.fallback import LeaseView, Leg, Outcome, Step, Stop, Try
from multiroute_core.api.routing import Candidate


class Once:
    """One attempt at the first candidate."""

    needs_reply = False
    uses: frozenset[str] = frozenset()

    def next_step(
        self, plan: Sequence[Candidate], history: Sequence[Outcome], lease: LeaseView, seed: int
    ) -> Step:
        """The first candidate, then nothing."""
        if history or not plan:
            return Stop("no fallback strategy is active")
        return Try((Leg(0),))
