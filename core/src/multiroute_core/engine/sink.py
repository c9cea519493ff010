"""Where an answer goes: the client's side of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.upstream import Head


class Answer(Struct, frozen=True, gc=False):
    """What is known of an answer when it is committed to the client.

    `attempts` counts all upstream requests so far, this one included. `head` is the upstream's.
    """

    call_id: str
    decision_id: str
    profile: str
    target: str
    model: str
    attempts: int
    losses: tuple[Loss, ...]
    head: Head


class Sink(Protocol):
    """Takes one answer. Called in order: `begin`, `send`…, then `end` or `fail`.

    Nothing is called before the first content event; a failure before that is an exception from
    the engine, not a call here. Awaiting in `send` is what holds the upstream back.
    """

    async def begin(self, answer: Answer) -> None:
        """The answer is committed: from here on no other target's answer can follow."""
        ...

    async def send(self, events: Sequence[Event], raw: bytes | None) -> None:
        """Further events. `raw` is set where the upstream speaks the client's format: the bytes
        to pass on as they are (b"" where the client shall not see these events); None where the
        events must be written in the client's dialect."""
        ...

    async def end(self, tail: bytes | None) -> None:
        """The answer is complete. `tail` (pass lane): what the upstream omitted at the end."""
        ...

    async def fail(self, fault: Fault) -> None:
        """The answer broke after it was committed: tell it, and never end as if complete."""
        ...
