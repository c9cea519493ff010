"""Run: one call from its decision to its answer, over as many attempts as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api.call import Call
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import CallFailed
from multiroute_core.api.fallback import FallbackStrategy, Leg, Outcome, Step, Stop, Try
from multiroute_core.api.faults import Fault
from multiroute_core.api.price_math import price_of
from multiroute_core.api.provider import Provider
from multiroute_core.api.records import AttemptRecord
from multiroute_core.api.routing import Candidate, Features
from multiroute_core.api.usage import Usage
from multiroute_core.engine.attempt import Attempt
from multiroute_core.engine.lease import Lease, Limits
from multiroute_core.engine.sink import Answer, Sink
from multiroute_core.engine.transport import Upstream
from multiroute_core.routing.features import CHARS_PER_TOKEN

MAX_STEPS = 64
"""A strategy that is asked more often than this for one call does not end by itself."""


class Plan(Struct, frozen=True):
    """What a call is run by: candidates best first, the strategy, and the limits."""

    candidates: tuple[Candidate, ...]
    strategy: FallbackStrategy
    limits: Limits
    decision_id: str
    profile: str
    seed: int
    features: Features


class Run:
    """Carries one call out. `attempts` grows as attempts end, also when the run is cancelled."""

    def __init__(
        self,
        call: Call,
        call_id: str,
        plan: Plan,
        providers: Mapping[str, Provider],
        dialect: Dialect,
        upstreams: Mapping[str, Upstream],
        *,
        now_s: Callable[[], float],
        utc: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_attempt: Callable[[AttemptRecord], None],
        on_start: Callable[[str], None],
    ) -> None:
        self.call = call
        self.call_id = call_id
        self.plan = plan
        self.answer: Answer | None = None
        self.attempts: list[AttemptRecord] = []
        self._providers = providers
        self._dialect = dialect
        self._upstreams = upstreams
        self._now_s = now_s
        self._utc = utc
        self._sleep = sleep
        self._on_attempt = on_attempt
        self._on_start = on_start
        self._lease = Lease(plan.limits, now_s)
        self._history: list[Outcome] = []

    async def run(self, sink: Sink) -> Fault | None:
        """Answer the call into `sink`. The fault if the answer broke after it was committed.

        Raises:
            CallFailed: no attempt gave an answer; nothing was sent to the sink.
        """
        for _ in range(MAX_STEPS):
            step = self._ask()
            if not isinstance(step, Try):
                break
            leg = step.legs[0]
            attempt, fault = await self._leg(leg)
            if attempt is None:
                self._outcome(leg, fault, 0.0, None)
                continue
            try:
                if fault is None:
                    return await self._commit(attempt, leg, sink)
                self._end_attempt(attempt, leg, fault, committed=False)
            finally:
                self._abandoned(attempt, leg)
                await attempt.aclose()
        raise self._failed()

    def _ask(self) -> Step:
        plan = self.plan
        view = self._lease.view(len(plan.candidates))
        if view.attempts_left == 0 or view.remaining_s <= 0:
            return Stop("the lease is used up")
        try:
            step = plan.strategy.next_step(
                plan.candidates, tuple(self._history), view, plan.seed
            )
        except Exception as error:  # noqa: BLE001 - a strategy that raises ends the attempts
            return Stop(f"the fallback strategy raised {type(error).__name__}")
        if isinstance(step, Try):
            if len(step.legs) != 1:
                return Stop("the fallback strategy asks for parallel attempts: not supported yet")
            if not 0 <= step.legs[0].target < len(plan.candidates):
                return Stop("the fallback strategy names a target outside the plan")
        return step

    async def _leg(self, leg: Leg) -> tuple[Attempt | None, Fault | None]:
        """Wait and start one attempt. (None, fault): it was refused before it began."""
        plan = self.plan
        candidate = plan.candidates[leg.target]
        if leg.after_s > 0:
            if leg.after_s >= self._lease.remaining_s:
                message = "the wait before the next attempt would outlast the deadline"
                return None, Fault("deadline", message)
            await self._sleep(leg.after_s)
        refused = self._lease.refusal(self._predicted_pusd(candidate))
        if refused == "spend":
            return None, Fault("spend", "the attempt could cost more than the call may spend")
        if refused:
            return None, Fault("deadline", "the deadline or the attempts of the call are used up")
        self._lease.start_attempt()
        self._on_start(candidate.target.id)
        attempt = Attempt(
            self.call,
            candidate,
            self._providers[candidate.target.instance],
            self._dialect,
            self._upstreams[candidate.target.instance],
            self._lease,
            self._now_s,
        )
        others = len(plan.candidates) > 1
        try:
            fault = await attempt.open(self._lease.attempt_s(self.call.stream, others))
        except BaseException:
            self._abandoned(attempt, leg)
            await attempt.aclose()
            raise
        return attempt, fault

    def _predicted_pusd(self, candidate: Candidate) -> int | None:
        if self.plan.limits.spend_pusd is None:
            return 0
        features = self.plan.features
        likely = Usage(input_fresh=features.input_tokens, output_text=features.output_tokens)
        return price_of(candidate.prices, likely, self._utc()).pusd

    async def _commit(self, attempt: Attempt, leg: Leg, sink: Sink) -> Fault | None:
        """Hand the held pieces and the rest to the client; nothing else can follow now."""
        lane = attempt.lane
        assert lane is not None
        target = attempt.candidate.target
        answer = Answer(
            self.call_id,
            self.plan.decision_id,
            self.plan.profile,
            target.id,
            target.model,
            self._lease.attempts,
            lane.losses if self.plan.limits.on_loss != "allow" else (),
            attempt.head,
        )
        self.answer = answer
        await sink.begin(answer)
        for piece in attempt.held:
            await sink.send(piece.events, piece.raw)
        attempt.held.clear()
        fault: Fault | None = None
        while fault is None:
            idle_s = min(self.plan.limits.idle_s, self._lease.remaining_s)
            total_s = self.plan.limits.total_s
            if total_s is not None:
                left = attempt.started_at_s + total_s - self._now_s()
                idle_s = min(idle_s, max(0.0, left))
            piece_or_end, fault = await attempt.read(idle_s)
            if piece_or_end is not None and (piece_or_end.events or piece_or_end.raw):
                await sink.send(piece_or_end.events, piece_or_end.raw)
            elif piece_or_end is None:
                break
        if fault is not None and self._lease.remaining_s <= 0:
            fault = Fault("deadline", "the call's deadline passed while the provider answered")
        self._end_attempt(attempt, leg, fault, committed=True)
        if fault is None:
            await sink.end(lane.tail if self.call.stream else None)
        else:
            await sink.fail(fault)
        return fault

    def _abandoned(self, attempt: Attempt, leg: Leg) -> None:
        """Book an attempt that the client left behind, unless it has ended: it may be billed."""
        if not attempt.is_booked:
            self._record(attempt, leg, Fault("client_closed", "the client left"), "cancelled")

    def _end_attempt(
        self, attempt: Attempt, leg: Leg, fault: Fault | None, *, committed: bool
    ) -> None:
        record = self._record(attempt, leg, fault, "fault" if fault else "ok", committed)
        self._outcome(leg, fault, record.total_s, record.usage)

    def _record(
        self,
        attempt: Attempt,
        leg: Leg,
        fault: Fault | None,
        outcome: Literal["ok", "fault", "cancelled"],
        committed: bool = False,
    ) -> AttemptRecord:
        attempt.is_booked = True
        now = self._utc()
        total_s = self._now_s() - attempt.started_at_s
        usage = attempt.usage
        if usage is None and (fault is None or attempt.output_chars):
            usage = Usage(
                input_fresh=self.plan.features.input_tokens,
                output_text=attempt.output_chars // CHARS_PER_TOKEN,
                estimated=True,
            )
        cost = None
        if usage is not None:
            cost = price_of(attempt.candidate.prices, usage, now).pusd
            self._lease.spent_pusd += cost or 0
        target = attempt.candidate.target
        record = AttemptRecord(
            call_id=self.call_id,
            number=len(self.attempts),
            target=target.id,
            model=target.model,
            outcome=outcome,
            fault="" if fault is None else fault.kind,
            detail="" if fault is None else fault.message[:500],
            status=attempt.head.status or None,
            started_ms=int((now.timestamp() - total_s) * 1000),
            total_s=total_s,
            first_content_s=attempt.first_content_s,
            committed=committed,
            usage=usage,
            cost_pusd=cost,
            retry_after_s=None if fault is None else fault.retry_after_s,
            why=leg.why,
            losses=() if attempt.lane is None else attempt.lane.losses,
            upstream_request_id=upstream_request_id(attempt),
        )
        self.attempts.append(record)
        self._on_attempt(record)
        return record

    def _outcome(
        self, leg: Leg, fault: Fault | None, elapsed_s: float, usage: Usage | None
    ) -> None:
        self._history.append(
            Outcome(len(self._history), leg.target, fault, elapsed_s, usage=usage)
        )

    def _failed(self) -> CallFailed:
        """The error for the client: the last fault, with the shortest pushback of all."""
        faults = [outcome.fault for outcome in self._history if outcome.fault is not None]
        if not faults:
            message = "no candidate can serve this request"
            error = CallFailed(Fault("no_candidate", message))
        else:
            tried = [fault for fault in faults if fault.kind not in ("spend", "deadline")]
            last = tried[-1] if tried else faults[-1]
            waits = [fault.retry_after_s for fault in faults if fault.retry_after_s is not None]
            error = CallFailed(replace(last, retry_after_s=min(waits) if waits else None))
        error.decision_id = self.plan.decision_id
        return error


def upstream_request_id(attempt: Attempt) -> str | None:
    """The provider's own id of the request, for its support: header-safe, at most 200 letters."""
    for name in ("x-request-id", "request-id", "apim-request-id"):
        value = attempt.head.header(name)
        if value:
            return value[:200]
    return None

