"""The contract of a client dialect: an API format seen from the client's side.

Core ships dialects for the public formats; an extension may bring another. A dialect turns the
client's document into a `Call` and our events into the client's bytes, and knows how its streams
are framed so that foreign bytes of the same format can be passed on whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import JsonObject
from multiroute_core.api.reply import Reply


class ClientError(Struct, frozen=True, gc=False):
    """An error as a client is to see it, before a dialect gives it its shape."""

    status: int
    code: str
    message: str
    kind: str
    param: str | None = None
    request_id: str = ""


class StreamWriter(Protocol):
    """Writes one reply as a stream in its dialect."""

    def feed(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events; b"" if the client need not know of them."""
        ...

    def fail(self, fault: Fault) -> bytes:
        """An error event in place of an honest end."""
        ...

    def close(self) -> bytes:
        """What ends a complete stream. Called only after every choice has finished."""
        ...

    def losses(self) -> Sequence[Loss]:
        """What of the events this dialect could not show."""
        ...


class Framer(Protocol):
    """Cuts a stream of this format into whole events without reading their content."""

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Whole events as they stood on the wire, separators included."""
        ...

    def close(self) -> bytes:
        """An unterminated rest."""
        ...

    def is_end(self, event: bytes) -> bool:
        """Whether this is the event that ends a stream of this format."""
        ...

    @property
    def end(self) -> bytes:
        """The event that ends a complete stream, to be added where a provider omits it."""
        ...


class Dialect(Protocol):
    """One API format as clients speak it."""

    @property
    def wire(self) -> Wire:
        """The format's name."""
        ...

    @property
    def stream_type(self) -> str:
        """Content type of its streams."""
        ...

    @property
    def client_headers(self) -> frozenset[bytes]:
        """The client's headers (lower case) that belong to this format and go into a call."""
        ...

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words.

        Raises:
            InvalidRequest: the document is not of this format; the message says where and why.
        """
        ...

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole reply as the client's JSON, and what of it the format could not show."""
        ...

    def reply_type(self, call: Call) -> str:
        """Content type of a whole reply to this call."""
        ...

    def writer(self, call: Call) -> StreamWriter:
        """A writer for one stream."""
        ...

    def framer(self) -> Framer:
        """A framer for passing on one stream of the same format."""
        ...

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        ...
