"""Classified failures: these kinds, and no others, stand in profiles, records and metrics.

The table `FAULTS` says of each kind who is to blame, where another try may help, and which HTTP
status a client sees when nothing could mask it. Retry decisions read it, never status codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.json import Json

FaultKind: TypeAlias = Literal[
    "rate_limited",
    "quota_exhausted",
    "overloaded",
    "upstream_5xx",
    "bad_request",
    "context_length",
    "content_filter",
    "not_found",
    "upstream_auth",
    "connect_error",
    "reset",
    "protocol",
    "truncated",
    "empty",
    "too_large",
    "first_content_timeout",
    "stall",
    "error_event",
    "error_in_200",
    "client_closed",
    "slow_client",
    "circuit_open",
    "shed",
    "budget_exhausted",
    "rate_limited_here",
    "refused_by_guard",
    "loss_refused",
    "no_candidate",
    "deadline",
    "spend",
    "plugin_error",
]

Blame: TypeAlias = Literal[
    "quota", "credential", "endpoint", "caller", "model", "network", "policy", "plugin"
]


class FaultClass(Struct, frozen=True, gc=False):
    """How one kind of fault is treated.

    `same`, `other_key`, `other_target`, `other_model`: where another try may help (before
    anything was sent to the client). `status`: what the client gets when no try is left.
    `client_may_retry`: the value of `x-should-retry`.
    """

    blame: Blame
    same: bool
    other_key: bool
    other_target: bool
    other_model: bool
    status: int
    client_may_retry: bool


def _row(blame: Blame, where: str, status: int, client_may_retry: bool) -> FaultClass:
    """`where` spells the places that may help: s(ame), k(ey), t(arget), m(odel)."""
    return FaultClass(
        blame, "s" in where, "k" in where, "t" in where, "m" in where, status, client_may_retry
    )


FAULTS: Final[Mapping[str, FaultClass]] = MappingProxyType(
    {
        "rate_limited": _row("quota", "sktm", 429, True),
        "quota_exhausted": _row("credential", "ktm", 429, False),
        "overloaded": _row("endpoint", "stm", 503, True),
        "upstream_5xx": _row("endpoint", "stm", 502, True),
        "bad_request": _row("caller", "", 400, False),
        "context_length": _row("model", "m", 400, False),
        "content_filter": _row("model", "m", 400, False),
        "not_found": _row("endpoint", "tm", 404, False),
        "upstream_auth": _row("credential", "ktm", 502, False),
        "connect_error": _row("network", "stm", 502, True),
        "reset": _row("endpoint", "stm", 502, True),
        "protocol": _row("endpoint", "stm", 502, True),
        "truncated": _row("endpoint", "stm", 502, True),
        "empty": _row("endpoint", "stm", 502, True),
        "too_large": _row("endpoint", "stm", 502, False),
        "first_content_timeout": _row("endpoint", "tm", 504, True),
        "stall": _row("endpoint", "tm", 504, True),
        "error_event": _row("endpoint", "stm", 502, True),
        "error_in_200": _row("endpoint", "stm", 502, True),
        "client_closed": _row("caller", "", 499, False),
        "slow_client": _row("caller", "", 499, False),
        "circuit_open": _row("policy", "", 503, True),
        "shed": _row("policy", "", 503, True),
        "budget_exhausted": _row("policy", "", 429, False),
        "rate_limited_here": _row("policy", "", 429, True),
        "refused_by_guard": _row("policy", "", 400, False),
        "loss_refused": _row("policy", "tm", 400, False),
        "no_candidate": _row("policy", "", 503, False),
        "deadline": _row("policy", "", 504, False),
        "spend": _row("policy", "", 429, False),
        "plugin_error": _row("plugin", "ktm", 502, True),
    }
)


class Fault(Struct, frozen=True, gc=False):
    """A failure, classified.

    `message` is safe for the client (the provider's own words, or ours). `cause` is the class that
    an error inside a 200 or a stream maps to ("overloaded" under an "error_event"). `status` is
    the upstream's, None where there was none. `retry_after_s` is its pushback, None if it gave
    none. `scope` says what the fault speaks of; `code` and `native` are the provider's.
    """

    kind: FaultKind
    message: str
    status: int | None = None
    retry_after_s: float | None = None
    scope: Literal["target", "credential", "provider", "model"] = "target"
    code: str | None = None
    cause: FaultKind | None = None
    native: Json = None

    @property
    def treated_as(self) -> FaultKind:
        """The kind whose row in `FAULTS` decides: `cause` where there is one.

        >>> Fault("error_event", "busy", cause="overloaded").treated_as
        'overloaded'
        """
        return self.cause or self.kind

    @property
    def row(self) -> FaultClass:
        """This fault's line in `FAULTS`."""
        return FAULTS[self.cause or self.kind]


class Loss(Struct, frozen=True, gc=False):
    """What a translation could not carry: where in the request, what it was, why it is gone.

    `path` is in the client's document ("messages[2].content[0]"); `what` names the thing, never
    its value; `why` is a short reason ("target has no such parameter").
    """

    path: str
    what: str
    why: str
