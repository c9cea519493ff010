"""The contract of a guard: who may call, and what may go in and out.

Fail closed: a guard that raises or misses its deadline refuses (503 for authentication, the
`refused_by_guard` fault for checks), it never lets pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.events import Event
from multiroute_core.api.json import EMPTY, JsonObject
from multiroute_core.api.reply import Reply


class Principal(Struct, frozen=True, gc=False):
    """Who calls: a key's name (never the secret), its project and what it may use.

    `profiles` and `instances` None means all.
    """

    key: str
    project: str
    profiles: frozenset[str] | None = None
    instances: frozenset[str] | None = None
    scopes: frozenset[str] = frozenset({"call"})
    metadata: JsonObject = EMPTY


class Refusal(Struct, frozen=True, gc=False):
    """A guard's no: words for the client, and a stable code."""

    message: str
    code: str = "refused_by_guard"


class StreamGuard(Protocol):
    """Checks one stream as it passes; may hold events back and rewrite them."""

    def feed(self, events: Sequence[Event]) -> Sequence[Event] | Refusal:
        """The events to pass on now. Synchronous; a refusal ends the stream with an error."""
        ...

    def close(self) -> Sequence[Event] | Refusal:
        """What was still held back."""
        ...


class Guard(Protocol):
    """Hooks around a call, each with the deadline `deadline_s`."""

    @property
    def deadline_s(self) -> float:
        """Seconds that one check may take."""
        ...

    async def start(self) -> None:
        """Provision; `aclose` is called even if this raised."""
        ...

    async def aclose(self) -> None:
        """Release."""
        ...

    async def authenticate(self, headers: Pairs) -> Principal | None:
        """Who this is; None: not known to this guard, ask the next."""
        ...

    async def check_call(self, call: Call, principal: Principal) -> Call | Refusal:
        """The call as it may go on (redacted, say), or a refusal."""
        ...

    async def check_reply(self, reply: Reply, principal: Principal) -> Reply | Refusal:
        """The whole reply as it may go out, or a refusal."""
        ...

    def stream(self, call: Call, principal: Principal) -> StreamGuard | None:
        """A checker for one stream; None: this guard does not look into streams."""
        ...

    async def judge(self, call: Call, reply: Reply) -> float | None:
        """How good an answer is, 0..1, for a strategy that judges; None: no opinion."""
        ...
