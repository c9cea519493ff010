"""Server-sent events: reading them from upstreams, cutting them whole, writing them to clients.

Source: WHATWG HTML, section 9.2 "Server-sent events" (parsing and interpretation).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""One event larger than this is refused: nothing legitimate comes near it."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n|\r\n\r|\n\r|\r\r\n")


class SseEvent(Struct, frozen=True, gc=False):
    """One dispatched event: its type ("message" unless named), data and last event id."""

    event: str
    data: str
    id: str = ""


class EventTooLarge(ValueError):
    """One event grew past `MAX_EVENT_BYTES`."""


class SseParser:
    """Reads events from bytes that may be cut anywhere, as the standard says.

    `feed` and `close` return complete events. An event without a closing blank line is not
    dispatched at the end of the stream, unless `lenient`: some providers omit the last blank line.

    >>> SseParser().feed(b"event: a\\ndata: 1\\n\\n")
    [SseEvent(event='a', data='1', id='')]
    """

    __slots__ = ("_data", "_first", "_id", "_lenient", "_name", "_rest", "_size", "_skip_lf")

    def __init__(self, *, lenient: bool = False) -> None:
        self._rest = b""
        self._first = True
        self._skip_lf = False
        self._name = ""
        self._data: list[str] = []
        self._id = ""
        self._size = 0
        self._lenient = lenient

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that these bytes complete.

        Raises:
            EventTooLarge: an event or line without end.
        """
        if self._skip_lf and data:
            self._skip_lf = False
            if data[:1] == b"\n":
                data = data[1:]
        buffer = self._rest + data if self._rest else data
        if self._first:
            if len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
                self._rest = buffer
                return []
            self._first = False
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
        events: list[SseEvent] = []
        start = 0
        if b"\r" in buffer:
            for match in _LINE_END.finditer(buffer):
                self._line(buffer[start : match.start()], events)
                start = match.end()
            if start == len(buffer) and buffer.endswith(b"\r"):
                self._skip_lf = True
            self._rest = buffer[start:]
        else:
            lines = buffer.split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                self._line(line, events)
        if len(self._rest) + self._size > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event larger than {MAX_EVENT_BYTES} bytes")
        return events

    def close(self) -> list[SseEvent]:
        """What a lenient reader makes of an unterminated last event."""
        events: list[SseEvent] = []
        if self._lenient:
            if self._rest:
                self._line(self._rest, events)
                self._rest = b""
            self._line(b"", events)
        return events

    def _line(self, line: bytes, events: list[SseEvent]) -> None:
        if not line:
            if self._data:
                events.append(SseEvent(self._name or "message", "\n".join(self._data), self._id))
                self._data = []
                self._size = 0
            self._name = ""
            return
        name, colon, value = line.partition(b":")
        if colon and not name:
            return
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._size += len(value)
            self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")


class SseFramer:
    """Cuts a stream into whole events as they stood on the wire, separators included.

    `end` is what a complete stream of the format ends with; `is_end` recognises it.
    """

    __slots__ = ("_end_data", "_rest", "end")

    def __init__(self, end: bytes = b"", end_data: bytes = b"") -> None:
        self._rest = b""
        self.end = end
        self._end_data = end_data

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Whole events, in order.

        Raises:
            EventTooLarge: an event without end.
        """
        buffer = self._rest + data if self._rest else data
        events: list[bytes] = []
        if b"\r" not in buffer:
            pieces = buffer.split(b"\n\n")
            self._rest = pieces.pop()
            events = [piece + b"\n\n" for piece in pieces]
        else:
            start = 0
            for match in _BLANK.finditer(buffer):
                if match.end() == len(buffer) and buffer.endswith(b"\r"):
                    break
                events.append(buffer[start : match.end()])
                start = match.end()
            self._rest = buffer[start:]
        if len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event larger than {MAX_EVENT_BYTES} bytes")
        return events

    def close(self) -> bytes:
        """An unterminated rest, as it stood."""
        rest, self._rest = self._rest, b""
        return rest

    def is_end(self, event: bytes) -> bool:
        """Whether this event ends a stream of the format."""
        return bool(self._end_data) and self._end_data in event[:200]


def encode_event(data: bytes, event: str = "") -> bytes:
    """One event for a client: LF line ends, no BOM. `data` must hold no line break.

    >>> encode_event(b'{"a":1}', "ping")
    b'event: ping\\ndata: {"a":1}\\n\\n'
    """
    if event:
        return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


COMMENT = b": keep-alive\n\n"
"""A heartbeat that every reader ignores."""
