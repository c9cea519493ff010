"""What goes to an upstream and what comes back, free of any HTTP library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.call import Pairs
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, JsonObject


class UpstreamRequest(Struct, frozen=True, gc=False):
    """A request as it will be sent. Header names are lower case; no Host, no Content-Length."""

    method: str
    url: str
    headers: Pairs
    body: bytes


class Head(Struct, frozen=True, gc=False):
    """Status and headers (names lower case) of an upstream reply."""

    status: int
    headers: Pairs

    def header(self, name: str) -> str | None:
        """The first value of a header, decoded as latin-1; None where it is absent.

        >>> Head(200, ((b"retry-after", b"3"),)).header("Retry-After")
        '3'
        """
        wanted = name.lower().encode("latin-1")
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None


class Encoded(Struct, frozen=True, gc=False):
    """A call translated for a target: the request, what was lost, and a note to the decoder.

    `memo` goes unread to `decode` and `decoder` of the same attempt: renamed tools, emulated
    schemas.
    """

    request: UpstreamRequest
    losses: tuple[Loss, ...] = ()
    memo: object = None


class Relay(Struct, frozen=True, gc=False):
    """How to pass the client's own document on: what to put over, and what to drop, at its top.

    `usage_added` says that `put` asks the upstream for a usage chunk which the client did not ask
    for: core withholds it from the client. `memo` goes to the decoder, as in `Encoded`.
    """

    url: str
    headers: Pairs
    put: JsonObject = EMPTY
    drop: frozenset[str] = frozenset()
    losses: tuple[Loss, ...] = ()
    usage_added: bool = False
    memo: object = None


class Decoder(Protocol):
    """Reads one upstream stream. Bytes may be cut anywhere; equal bytes give equal events."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that these further bytes complete. A malformed stream gives `Broken`."""
        ...

    def close(self) -> Sequence[Event]:
        """What is left at the end: `Broken` ("truncated") unless a `Finish` or fault was seen."""
        ...
