"""The contract of a fallback strategy: what to try next, as pure data.

Core asks for one step at a time until the reply is committed to the client, carries it out under
the call's lease and reports each attempt as an `Outcome`. A strategy never waits, never calls an
upstream and cannot exceed the lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from multiroute_core.api.call import Call
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault
from multiroute_core.api.routing import Candidate
from multiroute_core.api.usage import Usage


class LeaseView(Struct, frozen=True, gc=False):
    """What is left of a call's lease. `may_retry` says, per plan position, whether the retry
    budget and the breaker of that target would admit one more attempt."""

    remaining_s: float
    attempts_left: int
    spend_left_pusd: int | None
    may_retry: tuple[bool, ...]


class Leg(Struct, frozen=True, gc=False):
    """One attempt: position in the plan, and how many seconds after the step it starts."""

    target: int
    after_s: float = 0.0
    why: str = ""


class Try(Struct, frozen=True, gc=False):
    """Attempt these legs: one is an attempt (after a wait, if any), two a hedge, more a race."""

    legs: tuple[Leg, ...]


class Ask(Struct, frozen=True, gc=False):
    """Send `call` to the profile or model `to` (declared in `uses`), to judge attempt `about`."""

    call: Call
    to: str
    about: int


class Accept(Struct, frozen=True, gc=False):
    """Give the client the reply of this attempt."""

    attempt: int


class Stop(Struct, frozen=True, gc=False):
    """Give up. `reason` is for the record; the client gets the last attempt's fault."""

    reason: str


Step: TypeAlias = Try | Ask | Accept | Stop


class Outcome(Struct, frozen=True, gc=False):
    """What became of one leg; also of one that core refused to start.

    `target` is the plan position, `fault` None on success. `events` hold the reply of an attempt
    only for a strategy that `needs_reply`.
    """

    attempt: int
    target: int
    fault: Fault | None
    elapsed_s: float
    purpose: Literal["answer", "judge"] = "answer"
    usage: Usage | None = None
    events: tuple[Event, ...] | None = None
    about: int | None = None


class FallbackStrategy(Protocol):
    """Decides, after each outcome, what happens next."""

    @property
    def needs_reply(self) -> bool:
        """True: nothing is committed before `Accept`; outcomes carry the reply's events."""
        ...

    @property
    def uses(self) -> frozenset[str]:
        """Profiles or models that `Ask` may name; checked at start-up."""
        ...

    def next_step(
        self, plan: Sequence[Candidate], history: Sequence[Outcome], lease: LeaseView, seed: int
    ) -> Step:
        """The next step. Called first with an empty history; synchronous and pure."""
        ...
