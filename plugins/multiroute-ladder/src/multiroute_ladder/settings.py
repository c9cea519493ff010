"""What a profile may say of its ladder."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from multiroute_core.api import FAULTS, FaultKind, parse_duration_s

ALWAYS_ON: frozenset[str] = frozenset(
    {"circuit_open", "rate_limited_here", "loss_refused", "spend", "shed", "plugin_error"}
)
"""Faults of ours at one candidate, which sent nothing: the next one is tried whatever `on` says."""


def _duration_s(value: object) -> float:
    seconds = parse_duration_s(value) if isinstance(value, str) else None
    if seconds is None:
        raise ValueError('must be a duration of at most 300 s such as "250ms" or "5s"')
    return seconds


Duration: TypeAlias = Annotated[
    float,
    PlainValidator(_duration_s),
    WithJsonSchema({"type": "string", "examples": ["250ms", "5s"]}),
]
"""Seconds, written with a unit."""


class LadderSettings(BaseModel):
    """The keys of `[profiles.<name>.fallback]` beside `use = "ladder"`.

    on: fault kinds that are worth another try; any other ends the call. Without it: every kind
        for which another place may help. Candidates that the core itself refuses (breaker open,
        a limit of ours) are passed over in any case.
    retries_same: further attempts at a target that failed with a fault which may pass.
    backoff_base: the longest wait before the first retry at a target; doubled each time.
    backoff_max: the longest wait of all. What the upstream asks for goes before both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    on: tuple[FaultKind, ...] | None = None
    retries_same: int = Field(default=1, ge=0, le=10, strict=True)
    backoff_base: Duration = 0.25
    backoff_max: Duration = 5.0

    @model_validator(mode="after")
    def _makes_sense(self) -> LadderSettings:
        for kind in self.on or ():
            row = FAULTS[kind]
            if not (row.same or row.other_key or row.other_target or row.other_model):
                if kind in ALWAYS_ON:
                    raise ValueError(f"on: {kind} always goes to the next candidate: leave it out")
                raise ValueError(f"on: no other try helps against {kind}: leave it out")
        if self.backoff_base > self.backoff_max:
            raise ValueError("backoff_base must not be longer than backoff_max")
        return self
