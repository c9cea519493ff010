"""Deciding: profiles compiled on snapshots, as fresh as they need to be."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from multiroute_core.api.fallback import FallbackStrategy
from multiroute_core.api.json import EMPTY, JsonObject, plain
from multiroute_core.api.records import AttemptRecord
from multiroute_core.api.routing import Candidate, Facts, View
from multiroute_core.api.scorer import FoldingScorer, Scorer
from multiroute_core.engine.lease import Limits
from multiroute_core.routing import Compiled, Policy
from multiroute_core.signals import SignalBook

SNAPSHOT_S = 0.25
"""A view is renewed at most this often, and only if what it shows has changed."""
PRICE_CHECK_S = 60.0
"""A view is renewed at least this often: prices may change with the time of day."""
KEPT = 512
"""Compiled (profile, scope) pairs that are kept; the least used goes first."""
BENCH_AFTER = 3
"""Lost votes in a row after which a scorer is set aside until the next reload."""


class Route(Struct, frozen=True):
    """How calls of one profile (or one model named directly) are routed."""

    name: str
    policy: Policy
    candidates: tuple[Candidate, ...]
    scorers: tuple[str, ...]
    strategy: FallbackStrategy
    limits: Limits
    settings: JsonObject = EMPTY


def view_id(view: View) -> str:
    """The content address of a view."""
    data = msgspec.json.encode(view, enc_hook=plain, order="sorted")
    return hashlib.sha256(data).hexdigest()[:32]


class Decider:
    """Compiles routes on snapshots of the signals; counts scorers' lost votes."""

    def __init__(
        self,
        scorers: Mapping[str, Scorer],
        book: SignalBook,
        *,
        now_s: Callable[[], float],
        utc_ms: Callable[[], int],
    ) -> None:
        self._scorers = scorers
        self._book = book
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._kept: OrderedDict[tuple[str, frozenset[str] | None], _Kept] = OrderedDict()
        self._states: dict[str, Facts] = {
            name: EMPTY for name, one in scorers.items() if isinstance(one, FoldingScorer)
        }
        self._strikes: dict[str, int] = {}
        self.benched: dict[str, str] = {}
        self.version = 0

    def compiled(self, route: Route, instances: frozenset[str] | None = None) -> Compiled:
        """The route on a current snapshot, for a caller who may use these instances."""
        key = (route.name, instances)
        kept = self._kept.get(key)
        now = self._now_s()
        if kept is not None and kept.route is route:
            self._kept.move_to_end(key)
            age = now - kept.taken_at_s
            changed = self._version != kept.version
            if age < (SNAPSHOT_S if changed else PRICE_CHECK_S):
                return kept.compiled
        compiled = self._compile(route, instances)
        self._kept[key] = _Kept(route, compiled, now, self._version)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return compiled

    @property
    def _version(self) -> int:
        return self._book.version + self.version

    def _compile(self, route: Route, instances: frozenset[str] | None) -> Compiled:
        candidates = route.candidates
        if instances is not None:
            candidates = tuple(c for c in candidates if c.target.instance in instances)
        states: dict[str, Any] = {
            name: self._states[name] for name in route.scorers if name in self._states
        }
        view = View(
            profile=route.name,
            use_case=route.policy.use_case,
            candidates=candidates,
            signals=tuple(self._book.of(candidate.target.id) for candidate in candidates),
            at_ms=self._utc_ms(),
            state=states or EMPTY,
        )
        return self.on_view(route, view, view_id(view), self.benched)

    def on_view(
        self, route: Route, view: View, address: str, excluded: Mapping[str, str]
    ) -> Compiled:
        """The route compiled on a given view: for replay and for reading records."""
        scorers = [(name, self._scorers[name]) for name in route.scorers if name in self._scorers]
        return Compiled(view, address, route.policy, scorers, excluded)

    def fold(self, attempt: AttemptRecord) -> None:
        """Let signals and learning scorers take note of an attempt."""
        self._book.add(attempt)
        for name, state in list(self._states.items()):
            scorer = self._scorers[name]
            if name in self.benched or not isinstance(scorer, FoldingScorer):
                continue
            try:
                new = scorer.fold(state, attempt)
            except Exception as error:  # noqa: BLE001 - a plugin that raises loses its say
                self._strike(name, f"its fold raised {type(error).__name__}")
                continue
            if new is not state:
                self._states[name] = new
                self.version += 1

    def votes(self, route: Route, lost: Sequence[tuple[str, str]]) -> None:
        """Count lost votes; a scorer that loses `BENCH_AFTER` in a row is benched."""
        if not lost and not self._strikes:
            return
        losers = dict(lost)
        for name in route.scorers:
            if name in losers:
                if name not in self.benched:
                    self._strike(name, losers[name])
            else:
                self._strikes.pop(name, None)

    def _strike(self, name: str, why: str) -> None:
        count = self._strikes.get(name, 0) + 1
        self._strikes[name] = count
        if count >= BENCH_AFTER:
            self.benched[name] = f"benched after {count} faults in a row; the last: {why}"
            self._kept.clear()


class _Kept(Struct, frozen=True):
    route: Route
    compiled: Compiled
    taken_at_s: float
    version: int
