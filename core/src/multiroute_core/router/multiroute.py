"""MultiRoute: the router of one project, in process; the gateway serves the same object."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CallError, CallFailed, ConfigError, ModelNotFound
from multiroute_core.api.events import Event
from multiroute_core.api.extension import DialectRoute
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
from multiroute_core.api.routing import Decision, View
from multiroute_core.api.store import RecordStore
from multiroute_core.engine import HttpUpstream, Limits, Plan, Run, Sink, Upstream
from multiroute_core.engine.native import (
    NativeOutcome,
    NativeRequest,
    NativeSink,
    pass_native,
)
from multiroute_core.ledger.recorder import Recorder
from multiroute_core.plugins import Lifecycle
from multiroute_core.project import Project
from multiroute_core.router.booking import Clock, call_record, native_record
from multiroute_core.router.cards import ModelCard, card_of_candidates, model_cards
from multiroute_core.router.decisions import Decisions
from multiroute_core.router.dialects import dialects_of
from multiroute_core.router.estimate import NOT_COUNTED, estimate
from multiroute_core.router.ids import IdMaker
from multiroute_core.router.inprocess import CollectSink, QueueSink
from multiroute_core.router.keys import KeyRing
from multiroute_core.router.native import native_instance, native_target
from multiroute_core.router.setup import Setup, build
from multiroute_core.router.stored import StoredDecision
from multiroute_core.router.targets import Targets
from multiroute_core.routing import Compiled
from multiroute_core.routing.filters import OF_THE_REQUEST


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
        self._call_ids = IdMaker("c")
        self._keys = KeyRing(setup.project.file)
        records = setup.store.records()
        assert records is not None
        self._records: RecordStore = records
        self._recorder = Recorder(records, tuple(setup.observers.items()))
        self._dialects = dialects_of(setup.extensions.values())
        self._targets = Targets(setup.project.file, setup.catalog, setup.instances, {})
        self._decisions = Decisions(setup, self._targets)
        self._take_instances()

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

    def _take_instances(self) -> None:
        """What the engine needs of each instance."""
        instances = self._setup.instances
        self._upstreams = {name: instance.upstream for name, instance in instances.items()}
        self._providers: Mapping[str, Provider] = {
            name: instance.provider
            for name, instance in instances.items()
            if instance.provider is not None
        }

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
        for name, extension in setup.extensions.items():
            await self._life.start(f"extension '{name}'", extension)
        for name, instance in setup.instances.items():
            provider = instance.provider
            assert provider is not None
            known = [instance.secret(label) for label in instance.credentials]
            await self._life.start(f"provider instance '{name}'", provider, secrets=known)
            instance.started()
            extra[name] = tuple(provider.offerings())
        self._targets = Targets(setup.project.file, setup.catalog, setup.instances, extra)
        self._decisions.refresh(self._targets)
        self._take_instances()
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

    @property
    def endpoints(self) -> Sequence[DialectRoute]:
        """Where extensions want calls answered."""
        extensions = self._setup.extensions.values()
        return tuple(route for extension in extensions for route in extension.endpoints())

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the active fallback strategies."""
        return self._setup.kernel.names("fallback")

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
                candidates = self._decisions.routes.profile(name).candidates
                cards.append(card_of_candidates(name, "profile", owner, candidates, at))
        for alias, target in file.aliases.items():
            leads_to = target if target in file.profiles else target.rpartition(":")[0]
            if not alias.endswith("*") and (allowed is None or leads_to in allowed):
                cards.append(ModelCard(alias, "alias", owner, target))
        if allowed is None:
            cards.extend(model_cards(self._targets, at))
        return tuple(cards)

    # ---- decisions -----------------------------------------------------------------------------

    def _anyone(self) -> Principal:
        return Principal("", self._setup.project.file.project.name)

    def explain(self, call: Call, principal: Principal | None = None) -> bytes:
        """The canonical record of the decision for a call that is not sent.

        Raises:
            CallError: the name means nothing here, or the caller may not use it.
        """
        return self._decisions.explain(call, principal or self._anyone())

    def explained(
        self, call: Call, principal: Principal | None = None
    ) -> tuple[DecisionRecord, View]:
        """As `explain`, but what the record is rendered from: to be kept and replayed."""
        return self._decisions.explained(call, principal or self._anyone())

    def render(self, record: DecisionRecord, view: View) -> bytes:
        """The canonical bytes of a stored decision. Raises ReplayMismatch: its profile is gone."""
        return self._decisions.render(record, view)

    def replay(self, record: DecisionRecord, view: View) -> bytes:
        """Decide again from what was stored; the canonical bytes of the new decision.

        Raises:
            ReplayMismatch: the project file or the plugins are not those of the decision.
        """
        return self._decisions.replay(record, view)

    async def stored(self, decision_id: str) -> StoredDecision:
        """A decision from the record store, with its view and what became of the call.

        `decision_id` may also be the id of a call.

        Raises:
            ModelNotFound: there is none of that id.
        """
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

    async def recent(self, limit: int = 20) -> Sequence[CallRecord]:
        """The newest calls, newest first, with everything given so far written down."""
        await self._recorder.flush()
        return await self._records.latest_calls(limit)

    # ---- answering -----------------------------------------------------------------------------

    async def answer(self, call: Call, principal: Principal, sink: Sink, call_id: str) -> None:
        """Answer a call into a sink.

        Raises:
            CallError: before anything went to the sink: the name is unknown, the caller may not
                use it, or no attempt succeeded. Afterwards faults go to `sink.fail`.
        """
        clock = Clock()
        route, compiled, decision, features = self._decisions.decide(call, principal)
        self._recorder.record(
            ViewRecord(compiled.view_id, compiled.view),
            self._decisions.record_of(call, route, decision),
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
            self._providers,
            self._dialects[call.wire],
            self._upstreams,
            now_s=time.monotonic,
            utc=lambda: datetime.now(UTC),
            on_attempt=self._attempted,
            on_start=self._decisions.started,
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
            if call.operation != "count_tokens" or error.kind not in NOT_COUNTED:
                raise
            await estimate(plan, call_id, sink)
            fault, outcome = None, "ok"
        finally:
            self._recorder.record(
                call_record(call, principal, run, decision, fault, outcome, clock)
            )

    def _attempted(self, attempt: AttemptRecord) -> None:
        self._recorder.record(attempt)
        self._decisions.ended(attempt)

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
        clock = Clock()
        holder = native_instance(self._setup.instances, instance, principal)
        assert holder.provider is not None
        limits = Limits()
        passed: NativeOutcome | Fault = Fault("client_closed", "the client left")
        try:
            passed = await pass_native(
                request,
                native_target(holder),
                holder.provider,
                holder.upstream,
                sink,
                connect_s=limits.connect_s,
                idle_s=limits.idle_s,
                deadline_s=limits.deadline_s,
            )
        except CallFailed as error:
            passed = error.fault
            raise
        finally:
            self._recorder.record(
                native_record(call_id, instance, request, principal, passed, clock)
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
        return self._anyone()


def _nobody(compiled: Compiled, decision: Decision) -> CallFailed:
    """Why no candidate is left, in words that help."""
    ids = [candidate.target.id for candidate in compiled.view.candidates]
    reasons = "; ".join(f"{ids[one.index]}: {one.reason}" for one in decision.removed[:5])
    message = "no candidate can serve this request"
    error = CallFailed(Fault("no_candidate", f"{message}: {reasons}" if reasons else message))
    error.decision_id = decision.id
    if decision.removed and all(one.filter in OF_THE_REQUEST for one in decision.removed):
        error.status = 400  # a 503 would have every SDK try again what cannot work
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
