"""The two ways of a call to an upstream: passed on as it is, or translated.

A lane makes the request and turns the reply's bytes into pieces: normalised events, and beside
them, in the pass lane, the bytes for the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.dialect import Dialect, Framer
from multiroute_core.api.events import Broken, Event, Used
from multiroute_core.api.faults import Loss
from multiroute_core.api.offering import Target
from multiroute_core.api.provider import Provider
from multiroute_core.api.upstream import Decoder, Encoded, Head, Relay, UpstreamRequest
from multiroute_core.wire.strict import dump


class Piece(Struct, frozen=True, gc=False):
    """Some events of a reply, and what to pass on for them (see `Sink.send`)."""

    events: Sequence[Event]
    raw: bytes | None


class Lane(Protocol):
    """One attempt's translation."""

    request: UpstreamRequest
    losses: tuple[Loss, ...]

    def open(self, head: Head) -> None:
        """Get ready to read a streamed 2xx reply."""
        ...

    def feed(self, data: bytes) -> Piece:
        """What these bytes of a stream tell."""
        ...

    def close(self) -> Piece:
        """What is left at the end of a stream; its events hold `Broken` if it was no end."""
        ...

    def whole(self, head: Head, body: bytes) -> Piece:
        """A whole 2xx reply."""
        ...

    @property
    def tail(self) -> bytes | None:
        """What the client must still get after a complete stream; None: the dialect's writer
        ends it."""
        ...


def lane_for(call: Call, target: Target, provider: Provider, dialect: Dialect) -> Lane:
    """The pass lane where the target takes the client's own format, else the other one.

    Raises:
        CannotEncode: the target cannot take the call.
    """
    if not target.wires or call.wire in target.wires:
        relay = provider.relay(call, target)
        if relay is not None:
            return PassLane(call, provider, relay, dialect)
    return TranslateLane(provider, provider.encode(call, target))


class PassLane:
    """The client's document, with only the fields that must change put over it."""

    def __init__(self, call: Call, provider: Provider, relay: Relay, dialect: Dialect) -> None:
        document = {k: v for k, v in call.doc.items() if k not in relay.drop}
        document.update(relay.put)
        headers: Pairs = relay.headers
        self.request = UpstreamRequest("POST", relay.url, headers, dump(document))
        self.losses = relay.losses
        self._relay = relay
        self._provider = provider
        self._dialect = dialect
        self._framer: Framer | None = None
        self._decoder: Decoder | None = None
        self._ended = False
        self._written = False

    def open(self, head: Head) -> None:
        """Get ready to read a streamed reply."""
        self._framer = self._dialect.framer()
        self._decoder = self._provider.decoder(head, self._relay.memo)

    def feed(self, data: bytes) -> Piece:
        """Whole events, read on the side. One that breaks the reply is not passed on."""
        assert self._framer is not None
        raw: list[bytes] = []
        events: list[Event] = []
        for framed in self._framer.feed(data):
            if not self._one(framed, raw, events):
                break
        return Piece(events, b"".join(raw))

    def _one(self, framed: bytes, raw: list[bytes], events: list[Event]) -> bool:
        assert self._decoder is not None
        assert self._framer is not None
        told = self._decoder.feed(framed)
        events.extend(told)
        if any(type(event) is Broken for event in told):
            return False
        if self._framer.is_end(framed):
            self._ended = True
        if told and self._relay.usage_added and all(type(event) is Used for event in told):
            return True
        raw.append(framed)
        return True

    def close(self) -> Piece:
        """An unterminated last event, and whether the reply was complete.

        Whether an event without its blank line counts is the reader's to say; if it does, the
        client gets the blank line that the provider left out.
        """
        assert self._decoder is not None
        assert self._framer is not None
        rest = self._framer.close()
        events = [*self._decoder.feed(rest), *self._decoder.close()]
        if not rest.strip() or any(type(event) is Broken for event in events):
            return Piece(events, b"")
        whole = rest.rstrip(b"\r\n") + b"\n\n"
        if self._framer.is_end(whole):
            self._ended = True
        return Piece(events, whole)

    def whole(self, head: Head, body: bytes) -> Piece:
        """The body as it came, read on the side."""
        return Piece(self._provider.decode(head, body, self._relay.memo), body)

    @property
    def tail(self) -> bytes | None:
        """The format's end mark, where the provider left it out."""
        return b"" if self._ended or self._framer is None else self._framer.end


class TranslateLane:
    """The call in the target's format, the reply as events only."""

    def __init__(self, provider: Provider, encoded: Encoded) -> None:
        self.request = encoded.request
        self.losses = encoded.losses
        self._memo = encoded.memo
        self._provider = provider
        self._decoder: Decoder | None = None

    def open(self, head: Head) -> None:
        """Get ready to read a streamed reply."""
        self._decoder = self._provider.decoder(head, self._memo)

    def feed(self, data: bytes) -> Piece:
        """The events that these bytes complete."""
        assert self._decoder is not None
        return Piece(self._decoder.feed(data), None)

    def close(self) -> Piece:
        """The events that are left."""
        assert self._decoder is not None
        return Piece(self._decoder.close(), None)

    def whole(self, head: Head, body: bytes) -> Piece:
        """The events of the whole reply."""
        return Piece(self._provider.decode(head, body, self._memo), None)

    @property
    def tail(self) -> bytes | None:
        """The dialect's writer ends the stream."""
        return None
