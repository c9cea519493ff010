"""What a user may ask of a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from multiroute_core.api import parse_duration_s

FaultWord: TypeAlias = Literal[
    "rate_limited",
    "quota_exhausted",
    "overloaded",
    "upstream_5xx",
    "bad_request",
    "context_length",
    "content_filter",
    "not_found",
    "upstream_auth",
    "refuse",
    "reset",
    "hang",
    "stall",
    "truncated",
    "empty",
    "error_event",
]
"""What a sandbox model can be told to do instead of answering.

The words of the fault table give the documented error of that kind. On the level of the socket:
`refuse` the connection; `reset` it once the request is there; `hang` without a byte; `stall` and
`truncated` in the middle of an answer; `empty`, an answer without content; `error_event`, an error
inside a 200.
"""


def _duration_s(value: object) -> float:
    seconds = parse_duration_s(value) if isinstance(value, str) else None
    if seconds is None:
        raise ValueError('must be a duration of at most 300 s such as "50ms" or "2s"')
    return seconds


Duration: TypeAlias = Annotated[
    float,
    PlainValidator(_duration_s),
    WithJsonSchema({"type": "string", "examples": ["50ms", "2s"]}),
]
"""Seconds, written with a unit."""


class SandboxSettings(BaseModel):
    """The settings of a sandbox instance.

    models: further upstream ids to offer, beside `echo` and `strong`.
    faults: upstream ids that fail, and how, for example `{ flaky = "overloaded" }`; they are
        offered like `models`.
    latency: how long the sandbox takes before the first byte of any answer.
    pace: how long it takes between two words of a stream.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    models: tuple[str, ...] = ()
    faults: Mapping[str, FaultWord] = {}
    latency: Duration = 0.0
    pace: Duration = 0.0
