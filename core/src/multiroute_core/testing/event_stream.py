"""EventStream: the bytes of a server-sent event stream, as a scripted body."""

from __future__ import annotations

from collections.abc import Iterable

import orjson


class EventStream(bytes):
    """Bytes that are known to be a server-sent event stream.

    An `Answer` with such a body says `content-type: text/event-stream`, uses chunked framing and
    writes one event at a time unless it is told otherwise. Joining or slicing gives plain bytes:
    use `of` to join.
    """

    @classmethod
    def of(cls, *pieces: bytes | Iterable[bytes]) -> EventStream:
        """Join pieces, or iterables of pieces, to one stream.

        >>> EventStream.of(sse_event({"n": 1}), [sse_event("[DONE]")])
        b'data: {"n":1}\\n\\ndata: [DONE]\\n\\n'
        """
        return cls(b"".join(p if isinstance(p, bytes) else b"".join(p) for p in pieces))


def sse_event(data: object, event: str | None = None) -> bytes:
    """One server-sent event: text goes out as it is (a `data:` line per line), anything else as
    JSON.

    >>> sse_event({"type": "ping"}, event="ping")
    b'event: ping\\ndata: {"type":"ping"}\\n\\n'
    """
    text = data if isinstance(data, str) else orjson.dumps(data).decode()
    head = f"event: {event}\n" if event is not None else ""
    return (head + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n").encode()


def sse_comment(text: str = "") -> bytes:
    """A comment, as upstreams send it to keep a connection open.

    >>> sse_comment("working")
    b': working\\n\\n'
    """
    return f": {text}\n\n".encode()
