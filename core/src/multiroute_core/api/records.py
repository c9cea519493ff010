"""What is written down of a call: after the fact, frozen, without prompt or secret."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, JsonObject
from multiroute_core.api.routing import Decision, View
from multiroute_core.api.usage import Usage

RecordOutcome: TypeAlias = Literal["ok", "fault", "cancelled"]


class AttemptRecord(Struct, frozen=True, tag="attempt"):
    """One upstream request. Times are seconds; `cost_pusd` None means the price is unknown.

    `number` counts from 0 within the call. `fault` is a kind of `FAULTS` or "". `committed` says
    that content of this attempt went to the client.
    """

    call_id: str
    number: int
    target: str
    model: str
    outcome: RecordOutcome
    fault: str
    detail: str
    status: int | None
    started_ms: int
    total_s: float
    first_content_s: float | None
    committed: bool
    usage: Usage | None
    cost_pusd: int | None
    retry_after_s: float | None
    why: str
    losses: tuple[Loss, ...] = ()
    upstream_request_id: str | None = None


class CallRecord(Struct, frozen=True, tag="call"):
    """One request of a client and what became of it."""

    call_id: str
    decision_id: str
    at_ms: int
    operation: str
    wire: str
    stream: bool
    requested: str
    profile: str
    key: str
    project: str
    target: str
    model: str
    outcome: RecordOutcome
    fault: str
    status: int
    attempts: int
    total_s: float
    first_content_s: float | None
    usage: Usage | None
    cost_pusd: int | None
    losses: tuple[Loss, ...] = ()
    metadata: JsonObject = EMPTY


class DecisionRecord(Struct, frozen=True, tag="decision"):
    """A decision with what it was a function of, but for the view, which is stored once by id.

    `config` and `lock` are hashes: of the project file, and of the catalog and active plugins.
    `requested` is the name that the client sent; `settings` what the profile said of scoring.
    """

    decision: Decision
    requested: str
    at_ms: int
    config: str
    lock: str
    settings: JsonObject = EMPTY


class ViewRecord(Struct, frozen=True, tag="view"):
    """A view under its content address."""

    id: str
    view: View


Record: TypeAlias = AttemptRecord | CallRecord | DecisionRecord | ViewRecord
