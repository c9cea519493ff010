"""Booking: the record of one call, made when it has ended."""

from __future__ import annotations

import time

from multiroute_core.api.call import Call
from multiroute_core.api.errors import CallFailed
from multiroute_core.api.faults import Fault
from multiroute_core.api.guard import Principal
from multiroute_core.api.records import CallRecord, RecordOutcome
from multiroute_core.api.routing import Decision
from multiroute_core.api.usage import Usage
from multiroute_core.engine import Run
from multiroute_core.engine.native import NativeOutcome, NativeRequest


class Clock:
    """When a call began: UTC for its record, monotonic for its length."""

    def __init__(self) -> None:
        self.at_ms = time.time_ns() // 1_000_000
        self._started_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._started_s


def call_record(
    call: Call,
    principal: Principal,
    run: Run,
    decision: Decision,
    fault: Fault | None,
    outcome: RecordOutcome,
    clock: Clock,
) -> CallRecord:
    """The record of a routed call. Its cost is that of all its attempts, None if one is unknown;
    its usage that of the attempt whose answer went out."""
    answer = run.answer
    usage: Usage | None = None
    cost: int | None = 0
    for attempt in run.attempts:
        if attempt.usage is not None:
            usage = attempt.usage if attempt.committed else usage
            known = cost is not None and attempt.cost_pusd is not None
            cost = (cost or 0) + (attempt.cost_pusd or 0) if known else None
    final = run.attempts[-1] if run.attempts else None
    return CallRecord(
        call_id=run.call_id,
        decision_id=decision.id,
        at_ms=clock.at_ms,
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
        status=200 if answer is not None or fault is None else CallFailed(fault).status,
        attempts=len(run.attempts),
        total_s=clock.elapsed_s,
        first_content_s=None if final is None else final.first_content_s,
        usage=usage,
        cost_pusd=cost,
        losses=() if answer is None else answer.losses,
        metadata=call.metadata,
    )


def native_record(
    call_id: str,
    instance: str,
    request: NativeRequest,
    principal: Principal,
    passed: NativeOutcome | Fault,
    clock: Clock,
) -> CallRecord:
    """The record of a native request: what it cost is not known."""
    fault = passed.fault if isinstance(passed, NativeOutcome) else passed
    status = passed.head.status if isinstance(passed, NativeOutcome) else 0
    outcome: RecordOutcome = "ok"
    if fault is not None or status >= 400:
        outcome = "cancelled" if fault is not None and fault.kind == "client_closed" else "fault"
    return CallRecord(
        call_id=call_id,
        decision_id="",
        at_ms=clock.at_ms,
        operation="native",
        wire="native",
        stream=False,
        requested=f"{instance}{request.path}"[:200],
        profile="",
        key=principal.key,
        project=principal.project,
        target=f"{instance}:native",
        model="",
        outcome=outcome,
        fault="" if fault is None else fault.kind,
        status=status or (CallFailed(fault).status if fault is not None else 0),
        attempts=1,
        total_s=clock.elapsed_s,
        first_content_s=None,
        usage=passed.usage if isinstance(passed, NativeOutcome) else None,
        cost_pusd=None,
    )
