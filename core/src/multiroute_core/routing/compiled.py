"""A profile made ready to decide: one view, its policy and its scorers, first phase done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import cast

from multiroute_core.api.price_math import linear
from multiroute_core.api.routing import Column, Decision, Features, Live, Verdict, View
from multiroute_core.api.scorer import FilteringScorer, Rater, Scorer, Term
from multiroute_core.routing.filters import (
    removed_by_continuation,
    removed_by_needs,
    removed_by_operation,
    removed_by_size,
)
from multiroute_core.routing.policy import Policy
from multiroute_core.routing.rendezvous import uniform, weight
from multiroute_core.routing.terms import (
    UNIT,
    UNKNOWN_INPUT_USD,
    UNKNOWN_OUTPUT_USD,
    check_column,
    utilities,
)

_KEPT_NEEDS = 256
"""Distinct sets of needs whose filter outcome is kept: bounded, cleared when full."""


class Compiled:
    """Decides for one profile on one view.

    `scorers` are (name, scorer) in the profile's order. `excluded` are scorers that take no part,
    with the reason that goes into the record (benched, say).
    """

    def __init__(
        self,
        view: View,
        view_id: str,
        policy: Policy,
        scorers: Sequence[tuple[str, Scorer]],
        excluded: Mapping[str, str] | None = None,
    ) -> None:
        self.view = view
        self.view_id = view_id
        self.policy = policy
        self.scorers = tuple(scorers)
        self._needs: dict[tuple[str, ...], tuple[Verdict, ...]] = {}
        self._lost: list[tuple[str, str]] = []
        self._fixed: list[tuple[str, Term, Column]] = []
        self._raters: list[tuple[str, Term, Rater]] = []
        self._filters: list[tuple[str, FilteringScorer]] = []
        self._ties = [weight("", candidate.target.id) for candidate in view.candidates]
        for name, scorer in self.scorers:
            reason = (excluded or {}).get(name)
            if reason is None:
                self._prepare(name, scorer)
            else:
                self._lost.append((name, reason))

    def _prepare(self, name: str, scorer: Scorer) -> None:
        try:
            prepared: object = scorer.prepare(self.view)
        except Exception as error:  # noqa: BLE001 - a plugin that raises loses its vote
            self._lost.append((name, f"it raised {type(error).__name__} in prepare"))
            return
        if isinstance(scorer, FilteringScorer):
            self._filters.append((name, scorer))
        if isinstance(prepared, Column):
            wrong = check_column(prepared, scorer.term, len(self.view.candidates))
            if wrong:
                self._lost.append((name, wrong))
            else:
                self._fixed.append((name, scorer.term, prepared))
        elif callable(prepared):
            self._raters.append((name, scorer.term, cast("Rater", prepared)))
        else:
            kind = type(prepared).__name__
            self._lost.append((name, f"prepare returned {kind}, neither a Column nor a function"))

    def columns(
        self, features: Features, live: Live, lost: list[tuple[str, str]]
    ) -> list[tuple[str, Term, Column]]:
        """Every scorer's column for a request; those that fail are added to `lost`."""
        if not self._raters:
            return self._fixed
        found = list(self._fixed)
        count = len(self.view.candidates)
        for name, term, rater in self._raters:
            try:
                column = rater(features, live)
                wrong = check_column(column, term, count)
            except Exception as error:  # noqa: BLE001 - a plugin that raises loses its vote
                lost.append((name, f"it raised {type(error).__name__}"))
                continue
            if wrong:
                lost.append((name, wrong))
            else:
                found.append((name, term, column))
        return found

    def decide(
        self,
        decision_id: str,
        features: Features,
        live: Live,
        seed: int,
        via: tuple[str, ...] = (),
    ) -> Decision:
        """The candidates that can serve this request, best first, and why the others cannot."""
        lost = list(self._lost)
        removed = {verdict.index: verdict for verdict in self._removed(features)}
        for name, scorer in self._filters:
            self._ask_filter(name, scorer, features, live, removed, lost)
        count = len(self.view.candidates)
        values: Sequence[int]
        if self.policy.order == "score":
            columns = self.columns(features, live, lost)
            values, qualities = utilities(
                self.view, self.policy, features, [(term, column) for _, term, column in columns]
            )
            self._by_quality(qualities, removed)
        else:
            values = self._values(features, seed)
        left = [index for index in range(count) if index not in removed]
        plan = self._ordered(left, values, features.session)
        return Decision(
            id=decision_id,
            profile=self.policy.name,
            view_id=self.view_id,
            seed=seed,
            features=features,
            live=live,
            plan=tuple(plan),
            utilities=tuple([values[index] / UNIT for index in plan]),
            removed=tuple(removed[index] for index in sorted(removed)),
            votes_lost=tuple(lost),
            via=via,
            reason="" if plan else "no candidate can serve this request",
        )

    def _removed(self, features: Features) -> list[Verdict]:
        key = (features.operation, *features.needs)
        by_needs = self._needs.get(key)
        if by_needs is None:
            if len(self._needs) >= _KEPT_NEEDS:
                self._needs.clear()
            by_needs = (
                *removed_by_needs(self.view, self.policy, features.needs),
                *removed_by_operation(self.view, features.operation),
            )
            self._needs[key] = by_needs
        removed = [*removed_by_size(self.view, features), *by_needs]
        if features.continues is not None:
            removed.extend(removed_by_continuation(self.view, features.continues))
        return removed

    def _ask_filter(
        self,
        name: str,
        scorer: FilteringScorer,
        features: Features,
        live: Live,
        removed: dict[int, Verdict],
        lost: list[tuple[str, str]],
    ) -> None:
        try:
            verdicts = [
                Verdict(int(verdict.index), f"{name}.{verdict.filter}", str(verdict.reason))
                for verdict in scorer.filter(self.view, features, live)
            ]
        except Exception as error:  # noqa: BLE001 - a plugin that raises loses its vote
            lost.append((name, f"it raised {type(error).__name__} in filter"))
            return
        for verdict in verdicts:
            if 0 <= verdict.index < len(self.view.candidates):
                removed.setdefault(verdict.index, verdict)

    def _by_quality(self, qualities: Sequence[int | None], removed: dict[int, Verdict]) -> None:
        policy = self.policy
        floor = None if policy.floor is None else round(policy.floor * UNIT)
        for index, quality in enumerate(qualities):
            if index in removed:
                continue
            if quality is None:
                if policy.unknown_quality == "drop":
                    reason = "nothing is known of its quality, and the profile drops such models"
                    removed[index] = Verdict(index, "unknown_quality", reason)
            elif floor is not None and quality < floor:
                reason = f"its quality {quality / UNIT:.3f} is below the floor {policy.floor}"
                removed[index] = Verdict(index, "floor", reason)

    def _values(self, features: Features, seed: int) -> list[int]:
        """What orders the candidates where the profile asks for no score; larger is earlier."""
        candidates = self.view.candidates
        if self.policy.order == "priority":
            return [-candidate.priority * UNIT for candidate in candidates]
        if self.policy.order == "weight":
            # Efraimidis and Spirakis (2006): u^(1/w) draws without replacement by weight.
            return [
                round(math.log(uniform(seed, candidate.target.id)) / candidate.weight * UNIT)
                if candidate.weight > 0
                else -(10**6) * UNIT
                for candidate in candidates
            ]
        at = datetime.fromtimestamp(self.view.at_ms / 1000, UTC)
        values: list[int] = []
        for candidate in candidates:
            price = linear(candidate.prices, at)
            per_input, per_output = (
                (UNKNOWN_INPUT_USD, UNKNOWN_OUTPUT_USD)
                if price is None
                else (price.input, price.output)
            )
            usd = features.input_tokens * per_input + features.output_tokens * per_output
            values.append(-round(usd * UNIT))
        return values

    def _ordered(self, left: list[int], values: Sequence[int], session: str | None) -> list[int]:
        """Best first; equals by rendezvous, so that a session keeps its target."""
        left.sort(key=lambda index: -values[index])
        if all(values[one] != values[other] for one, other in pairwise(left)):
            return left
        ties = self._ties
        if session:
            ties = [weight(session, candidate.target.id) for candidate in self.view.candidates]
        left.sort(key=lambda index: (-values[index], -ties[index]))
        return left
