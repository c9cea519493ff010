"""Decisions of one runtime: made, written down, rendered and made again."""

from __future__ import annotations

import random
import time

from msgspec.structs import replace

from multiroute_core.api.call import Call
from multiroute_core.api.errors import Forbidden
from multiroute_core.api.guard import Principal
from multiroute_core.api.records import AttemptRecord, DecisionRecord
from multiroute_core.api.routing import Decision, Features, Live, View
from multiroute_core.router.deciding import Decider, Route
from multiroute_core.router.ids import IdMaker
from multiroute_core.router.names import Names
from multiroute_core.router.routes import Routes
from multiroute_core.router.setup import Setup
from multiroute_core.router.stored import ReplayMismatch
from multiroute_core.router.targets import Targets
from multiroute_core.routing import Compiled, features_of, record_json
from multiroute_core.signals import SignalBook


class Decisions:
    """Decides for one runtime. `refresh` takes up what providers told of at their start."""

    def __init__(self, setup: Setup, targets: Targets) -> None:
        self._setup = setup
        self._ids = IdMaker("d")
        self._decider = Decider(
            setup.scorers,
            SignalBook(),
            now_s=time.monotonic,
            utc_ms=lambda: time.time_ns() // 1_000_000,
        )
        self._in_flight: dict[str, int] = {}
        self._lock = setup.lock
        self._with_text = any("text" in scorer.reads for scorer in setup.scorers.values())
        self._with_live = any("live" in scorer.reads for scorer in setup.scorers.values())
        self.refresh(targets)

    def refresh(self, targets: Targets) -> None:
        """(Re)make what depends on the providers' offerings."""
        self._names = Names(targets)
        self.routes = Routes(targets, self._setup)

    # ---- what became of decisions --------------------------------------------------------------

    def started(self, target: str) -> None:
        """An attempt has begun."""
        self._in_flight[target] = self._in_flight.get(target, 0) + 1

    def ended(self, attempt: AttemptRecord) -> None:
        """An attempt has ended: signals and learning scorers take note."""
        left = self._in_flight.get(attempt.target, 1) - 1
        if left > 0:
            self._in_flight[attempt.target] = left
        else:
            self._in_flight.pop(attempt.target, None)
        self._decider.fold(attempt)

    # ---- deciding ------------------------------------------------------------------------------

    def _route(self, call: Call, principal: Principal) -> tuple[Route, tuple[str, ...]]:
        meaning = self._names.resolve(call.model)
        allowed = principal.profiles
        if allowed is not None and meaning.profile not in allowed:
            raise Forbidden(
                f"this key may not use {meaning.profile or 'models by name'!r}: "
                f"it may use {', '.join(sorted(allowed))}",
                param="model",
            )
        return self.routes.of(meaning), meaning.via

    def decide(
        self, call: Call, principal: Principal
    ) -> tuple[Route, Compiled, Decision, Features]:
        route, via = self._route(call, principal)
        compiled = self._decider.compiled(route, principal.instances)
        features = features_of(call, with_text=self._with_text)
        live = Live()
        if self._with_live:
            ids = [candidate.target.id for candidate in compiled.view.candidates]
            in_flight = tuple(self._in_flight.get(target, 0) for target in ids)
            live = Live(in_flight)
        seed = random.getrandbits(32)
        decision = compiled.decide(self._ids(), features, replace(live, seed=seed), seed, via)
        self._decider.votes(route, decision.votes_lost)
        return route, compiled, decision, features

    def record_of(self, call: Call, route: Route, decision: Decision) -> DecisionRecord:
        features = decision.features
        if features.text is not None:
            decision = replace(decision, features=replace(features, text=None))
        return DecisionRecord(
            decision,
            call.model,
            time.time_ns() // 1_000_000,
            self._setup.project.digest,
            self._lock,
            route.settings,
        )

    def explain(self, call: Call, principal: Principal) -> bytes:
        """The canonical record of the decision for a call that is not sent.

        Raises:
            CallError: the name means nothing here, or the caller may not use it.
        """
        route, compiled, decision, _ = self.decide(call, principal)
        return record_json(self.record_of(call, route, decision), compiled)

    def explained(self, call: Call, principal: Principal) -> tuple[DecisionRecord, View]:
        """As `explain`, but what the record is rendered from: to be kept and replayed."""
        route, compiled, decision, _ = self.decide(call, principal)
        return self.record_of(call, route, decision), compiled.view

    def render(self, record: DecisionRecord, view: View) -> bytes:
        """The canonical bytes of a stored decision.

        Raises:
            ReplayMismatch: the profile is gone.
        """
        return record_json(record, self._compiled_for(record, view))

    def _compiled_for(self, record: DecisionRecord, view: View) -> Compiled:
        decision = record.decision
        try:
            route = self.routes.by_name(decision.profile)
        except KeyError:
            message = f"the profile {decision.profile!r} of this decision is not in the project"
            raise ReplayMismatch(message) from None
        # What was lost by circumstance (an overrun, the bench) is lost again; what a scorer's own
        # code does, it does again.
        excluded = {n: why for n, why in decision.votes_lost if why.startswith("benched")}
        return self._decider.on_view(route, view, decision.view_id, excluded)

    def replay(self, record: DecisionRecord, view: View) -> bytes:
        """Decide again from what was stored; the canonical bytes of the new decision.

        Raises:
            ReplayMismatch: the project file or the plugins are not those of the decision.
        """
        wanted = (("project file", record.config, self._setup.project.digest),
                  ("active plugins", record.lock, self._lock))  # fmt: skip
        for what, old, new in wanted:
            if old != new:
                raise ReplayMismatch(
                    f"the {what} changed since this decision: it was made with {old[:23]}…, "
                    f"here is {new[:23]}…"
                )
        old_decision = record.decision
        compiled = self._compiled_for(record, view)
        decision = compiled.decide(
            old_decision.id,
            old_decision.features,
            old_decision.live,
            old_decision.seed,
            old_decision.via,
        )
        return record_json(replace(record, decision=decision), compiled)
