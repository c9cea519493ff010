"""MultiRoute: the router of one project, in process; the gateway serves the same object."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CallError, CallFailed, ConfigError, Forbidden, ModelNotFound
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault
from multiroute_core.api.guard import Principal
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.offering import Offering
from multiroute_core.api.provider import Provider
from multiroute_core.api.records import (
    AttemptRecord,
    CallRecord,
    DecisionRecord,
    RecordOutcome,
    ViewRecord,
)
from multiroute_core.api.reply import Reply, fold
from multiroute_core.api.routing import Decision, Features, Live, View
from multiroute_core.api.store import RecordStore
from multiroute_core.api.usage import Usage
from multiroute_core.engine import HttpUpstream, Limits, Plan, Run, Sink, Upstream
from multiroute_core.engine.native import NativeRequest, NativeSink, pass_native
from multiroute_core.ledger.recorder import Recorder
from multiroute_core.plugins import Lifecycle
from multiroute_core.project import Project
from multiroute_core.router.cards import ModelCard, card_of_candidates, model_cards
from multiroute_core.router.deciding import Decider, Route
from multiroute_core.router.dialects import core_dialects
from multiroute_core.router.ids import IdMaker
from multiroute_core.router.inprocess import CollectSink, QueueSink
from multiroute_core.router.keys import KeyRing
from multiroute_core.router.names import Names
from multiroute_core.router.native import native_instance, native_target
from multiroute_core.router.routes import Routes
from multiroute_core.router.setup import Setup, build
from multiroute_core.router.stored import ReplayMismatch, StoredDecision
from multiroute_core.router.targets import Targets
from multiroute_core.routing import Compiled, features_of, record_json
from multiroute_core.signals import SignalBook


class InstanceSummary(Struct, frozen=True):
    """One provider instance: what it is and how many targets it makes."""

    instance: str
    plugin: str
    base_url: str
    credentials: tuple[str, ...]
    targets: int


class MultiRoute:
    """A router. Made by `from_project`, used inside `async with`.

    Example:
        async with MultiRoute.from_project("multiroute.toml") as router:
            reply = await router.chat(model="balanced", messages=[...])
    """

    def __init__(self, setup: Setup, upstream: Upstream) -> None:
        self._setup = setup
        self._upstream = upstream
        self._life = Lifecycle()
        self._ready = False
        self._ids = IdMaker("d")
        self._call_ids = IdMaker("c")
        self._keys = KeyRing(setup.project.file)
        self._book = SignalBook()
        self._decider = Decider(
            setup.scorers,
            self._book,
            now_s=time.monotonic,
            utc_ms=lambda: time.time_ns() // 1_000_000,
        )
        self._in_flight: dict[str, int] = {}
        self._records: RecordStore | None = setup.store.records()
        assert self._records is not None
        self._recorder = Recorder(self._records, tuple(setup.observers.items()))
        self._dialects = core_dialects()
        self._lock = setup.lock
        self._with_text = any("text" in scorer.reads for scorer in setup.scorers.values())
        self._with_live = any("live" in scorer.reads for scorer in setup.scorers.values())
        self._board({})

    @classmethod
    def from_project(
        cls,
        path: str | Path | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        upstream: Upstream | None = None,
        search_path: Sequence[str] | None = None,
    ) -> Self:
        """A router for a project file (None: the one of this folder, else zero configuration).

        `upstream` replaces the HTTP client, `search_path` is searched for plugins instead of
        `sys.path`. Nothing is sent anywhere before `async with`.

        Raises:
            ProjectError: every mistake of the file and its plugins at once, with file and line.
            ConfigError: nothing can be made of what is there.
        """
        sender = upstream or HttpUpstream()
        return cls(build(path, sender, environ, search_path), sender)

    def _board(self, extra: Mapping[str, Sequence[Offering]]) -> None:
        """(Re)make what depends on the providers' offerings."""
        setup = self._setup
        self._targets = Targets(setup.project.file, setup.catalog, setup.instances, extra)
        self._names = Names(self._targets)
        self._routes = Routes(self._targets, setup)

    # ---- life ----------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def _start(self) -> None:
        setup = self._setup
        extra: dict[str, Sequence[Offering]] = {}
        await self._life.start("the store", setup.store)
        for name, observer in setup.observers.items():
            await self._life.start(f"observer '{name}'", observer)
        for name, instance in setup.instances.items():
            provider = instance.provider
            assert provider is not None
            known = [instance.secret(label) for label in instance.credentials]
            await self._life.start(f"provider instance '{name}'", provider, secrets=known)
            instance.started()
            extra[name] = tuple(provider.offerings())
        self._board(extra)
        await self._recorder.start()
        self._ready = True

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        self._ready = False
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._upstream.aclose)
            stack.push_async_callback(self._life.aclose)
            stack.push_async_callback(self._recorder.aclose)

    # ---- what is there -------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The loaded project."""
        return self._setup.project

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be said at the start: settings without effect yet, no keys, a sandbox."""
        return (*self._setup.warnings, *_cautions(self._setup))

    @property
    def zero_config(self) -> bool:
        """Whether there is no project file."""
        return self._setup.is_zero

    @property
    def ready(self) -> bool:
        """Whether calls can be answered."""
        return self._ready

    @property
    def has_keys(self) -> bool:
        """Whether callers must show a key."""
        return not self._keys.is_open

    @property
    def dialects(self) -> Mapping[Wire, Dialect]:
        """The client dialects by name."""
        return self._dialects

    def authenticate(self, headers: Pairs) -> Principal:
        """Who calls. Raises Unauthorized."""
        return self._keys.authenticate(headers)

    def summary(self) -> tuple[InstanceSummary, ...]:
        """The provider instances, in the order of the file."""
        counts: dict[str, int] = {}
        for instance, _ in self._targets.known():
            counts[instance] = counts.get(instance, 0) + 1
        return tuple(
            InstanceSummary(
                name,
                instance.plugin,
                instance.base_url,
                instance.credentials,
                counts.get(name, 0) * max(1, len(instance.credentials)),
            )
            for name, instance in self._setup.instances.items()
        )

    def models(self, principal: Principal | None = None) -> tuple[ModelCard, ...]:
        """Every name that this caller may send: profiles, aliases, models that are sold here."""
        at = datetime.now(UTC)
        file = self._setup.project.file
        owner = file.project.name
        allowed = None if principal is None else principal.profiles
        cards: list[ModelCard] = []
        for name in file.profiles:
            if allowed is None or name in allowed:
                candidates = self._routes.profile(name).candidates
                cards.append(card_of_candidates(name, "profile", owner, candidates, at))
        for alias, target in file.aliases.items():
            if not alias.endswith("*") and (allowed is None or target in allowed):
                cards.append(ModelCard(alias, "alias", owner, target))
        if allowed is None:
            cards.extend(model_cards(self._targets, at))
        return tuple(cards)

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
        return self._routes.of(meaning), meaning.via

    def _decide(
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

    def _record_of(self, call: Call, route: Route, decision: Decision) -> DecisionRecord:
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

    def explain(self, call: Call, principal: Principal | None = None) -> bytes:
        """The canonical record of the decision for a call that is not sent.

        Raises:
            CallError: the name means nothing here, or the caller may not use it.
        """
        who = principal or Principal("", self._setup.project.file.project.name)
        route, compiled, decision, _ = self._decide(call, who)
        return record_json(self._record_of(call, route, decision), compiled)

    def explained(
        self, call: Call, principal: Principal | None = None
    ) -> tuple[DecisionRecord, View]:
        """As `explain`, but what the record is rendered from: to be kept and replayed."""
        who = principal or Principal("", self._setup.project.file.project.name)
        route, compiled, decision, _ = self._decide(call, who)
        return self._record_of(call, route, decision), compiled.view

    def render(self, record: DecisionRecord, view: View) -> bytes:
        """The canonical bytes of a stored decision.

        Raises:
            ReplayMismatch: the profile is gone.
        """
        return record_json(record, self._compiled_for(record, view))

    def _compiled_for(self, record: DecisionRecord, view: View) -> Compiled:
        decision = record.decision
        try:
            route = self._routes.by_name(decision.profile)
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
                  ("plugins and catalog", record.lock, self._lock))  # fmt: skip
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

    async def stored(self, decision_id: str) -> StoredDecision:
        """A decision from the record store, with its view and what became of the call.

        `decision_id` may also be the id of a call.

        Raises:
            ModelNotFound: there is none of that id.
        """
        assert self._records is not None
        await self._recorder.flush()
        call = None
        record = await self._records.decision(decision_id)
        if record is None:
            call = await self._records.call(decision_id)
            if call is not None:
                record = await self._records.decision(call.decision_id)
        view = None if record is None else await self._records.view(record.decision.view_id)
        if record is None or view is None:
            raise ModelNotFound(
                f"no stored decision {decision_id!r}: is [stores] ledger the one that the gateway "
                "writes to? (memory: forgets at the end)"
            )
        if call is None:
            newest = await self._records.latest_calls(1000)
            call = next((one for one in newest if one.decision_id == record.decision.id), None)
        attempts = () if call is None else tuple(await self._records.attempts(call.call_id))
        return StoredDecision(record, view.view, call, attempts)

    # ---- answering -----------------------------------------------------------------------------

    async def answer(self, call: Call, principal: Principal, sink: Sink, call_id: str) -> None:
        """Answer a call into a sink.

        Raises:
            CallError: before anything went to the sink: the name is unknown, the caller may not
                use it, or no attempt succeeded. Afterwards faults go to `sink.fail`.
        """
        started = time.monotonic()
        at_ms = time.time_ns() // 1_000_000
        route, compiled, decision, features = self._decide(call, principal)
        self._recorder.record(
            ViewRecord(compiled.view_id, compiled.view), self._record_of(call, route, decision)
        )
        plan = Plan(
            tuple(compiled.view.candidates[index] for index in decision.plan),
            route.strategy,
            route.limits,
            decision.id,
            route.name,
            decision.seed,
            features,
        )
        run = Run(
            call,
            call_id,
            plan,
            self._providers(),
            self._dialects[call.wire],
            {name: instance.upstream for name, instance in self._setup.instances.items()},
            now_s=time.monotonic,
            utc=lambda: datetime.now(UTC),
            on_attempt=self._attempted,
            on_start=self._started,
        )
        fault: Fault | None = Fault("client_closed", "the client left")
        outcome: RecordOutcome = "cancelled"
        try:
            if not plan.candidates:
                raise _nobody(compiled, decision)
            fault = await run.run(sink)
            outcome = "ok" if fault is None else "fault"
        except CallFailed as error:
            fault, outcome = error.fault, "fault"
            raise
        finally:
            self._book_call(call, principal, run, decision, fault, outcome, at_ms, started)

    def _providers(self) -> Mapping[str, Provider]:
        return {
            name: instance.provider
            for name, instance in self._setup.instances.items()
            if instance.provider is not None
        }

    def _started(self, target: str) -> None:
        self._in_flight[target] = self._in_flight.get(target, 0) + 1

    def _attempted(self, attempt: AttemptRecord) -> None:
        left = self._in_flight.get(attempt.target, 1) - 1
        if left > 0:
            self._in_flight[attempt.target] = left
        else:
            self._in_flight.pop(attempt.target, None)
        self._recorder.record(attempt)
        self._decider.fold(attempt)

    def _book_call(
        self,
        call: Call,
        principal: Principal,
        run: Run,
        decision: Decision,
        fault: Fault | None,
        outcome: RecordOutcome,
        at_ms: int,
        started: float,
    ) -> None:
        answer = run.answer
        final = run.attempts[-1] if run.attempts else None
        usage: Usage | None = None
        cost: int | None = 0
        for attempt in run.attempts:
            if attempt.usage is not None:
                usage = attempt.usage if attempt.committed else usage
                known = cost is not None and attempt.cost_pusd is not None
                cost = (cost or 0) + (attempt.cost_pusd or 0) if known else None
        status = 200 if answer is not None else CallFailed(fault).status if fault else 200
        self._recorder.record(
            CallRecord(
                call_id=run.call_id,
                decision_id=decision.id,
                at_ms=at_ms,
                operation=call.operation,
                wire=call.wire,
                stream=call.stream,
                requested=call.model,
                profile=decision.profile,
                key=principal.key,
                project=principal.project,
                target="" if answer is None else answer.target,
                model="" if answer is None else answer.model,
                outcome=outcome,
                fault="" if fault is None else fault.kind,
                status=status,
                attempts=len(run.attempts),
                total_s=time.monotonic() - started,
                first_content_s=None if final is None else final.first_content_s,
                usage=usage,
                cost_pusd=cost,
                losses=() if answer is None else answer.losses,
                metadata=call.metadata,
            )
        )

    async def native(
        self,
        instance: str,
        request: NativeRequest,
        principal: Principal,
        sink: NativeSink,
        call_id: str,
    ) -> None:
        """Pass a request on to a provider's own API, below its base URL.

        Raises:
            CallError: before anything went to the sink: no such instance, not for this key, a path
                that may not be asked for, or no answer.
        """
        started = time.monotonic()
        at_ms = time.time_ns() // 1_000_000
        holder = native_instance(self._setup.instances, instance, principal)
        assert holder.provider is not None
        target = native_target(holder)
        limits = Limits()
        fault: Fault | None = Fault("client_closed", "the client left")
        outcome: RecordOutcome = "cancelled"
        usage: Usage | None = None
        status = 0
        try:
            passed = await pass_native(
                request,
                target,
                holder.provider,
                holder.upstream,
                sink,
                connect_s=limits.connect_s,
                idle_s=limits.idle_s,
                deadline_s=limits.deadline_s,
            )
            fault, usage, status = passed.fault, passed.usage, passed.head.status
            outcome = "ok" if fault is None and status < 400 else "fault"
        except CallFailed as error:
            fault, outcome, status = error.fault, "fault", error.status
            raise
        finally:
            self._recorder.record(
                CallRecord(
                    call_id=call_id,
                    decision_id="",
                    at_ms=at_ms,
                    operation="native",
                    wire="native",
                    stream=False,
                    requested=f"{instance}{request.path}"[:200],
                    profile="",
                    key=principal.key,
                    project=principal.project,
                    target=target.id,
                    model="",
                    outcome=outcome,
                    fault="" if fault is None else fault.kind,
                    status=status,
                    attempts=1,
                    total_s=time.monotonic() - started,
                    first_content_s=None,
                    usage=usage,
                    cost_pusd=None,
                )
            )

    # ---- in process ----------------------------------------------------------------------------

    def _call(self, stream: bool, fields: JsonObject) -> Call:
        return self._dialects["chat"].call("chat", {**fields, "stream": stream}, ())

    async def chat(self, **fields: Json) -> Reply:
        """A whole answer. `fields` are those of a chat completions request: model, messages, …

        Raises:
            CallError: the request is wrong, or no attempt gave a whole answer.
        """
        sink = CollectSink()
        await self.answer(self._call(False, fields), self._inside(), sink, self._call_ids())
        return fold(sink.events)

    @contextlib.asynccontextmanager
    async def stream(self, **fields: Json) -> AsyncIterator[AsyncIterator[Event]]:
        """A streamed answer: `async with router.stream(…) as events: async for event in events`.

        Leaving the block early cancels the upstream. Failures before the first content are raised
        on iteration; later ones come as a `Broken` event, last.
        """
        sink = QueueSink()
        call = self._call(True, fields)

        async def run() -> None:
            try:
                await self.answer(call, self._inside(), sink, self._call_ids())
            except CallError as error:
                await sink.finished(error)
            else:
                await sink.finished(None)

        task = asyncio.create_task(run())
        try:
            yield sink.events()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _inside(self) -> Principal:
        if not self._ready:
            raise ConfigError("the router is not started: use it inside `async with`")
        return Principal("", self._setup.project.file.project.name)


def _nobody(compiled: Compiled, decision: Decision) -> CallFailed:
    """Why no candidate is left, in words that help."""
    ids = [candidate.target.id for candidate in compiled.view.candidates]
    reasons = "; ".join(f"{ids[one.index]}: {one.reason}" for one in decision.removed[:5])
    message = "no candidate can serve this request"
    error = CallFailed(Fault("no_candidate", f"{message}: {reasons}" if reasons else message))
    error.decision_id = decision.id
    return error


def _cautions(setup: Setup) -> list[str]:
    said: list[str] = []
    file = setup.project.file
    if not file.keys:
        said.append("no [keys]: anyone who can reach the gateway may use it")
    for name, instance in setup.instances.items():
        if instance.facts.fallback_only:
            said.append(f"'{name}' is a sandbox: its answers are not a model's")
    return said

