"""Reply streams as JSON texts: server-sent events or one JSON array, told by the first byte."""

from __future__ import annotations

import re
from typing import Final

from multiroute_core.wire.sse import MAX_EVENT_BYTES, EventTooLarge, SseParser

_OUTSIDE: Final = re.compile(rb'[{}\[\]"]')
_INSIDE: Final = re.compile(rb'["\\]')
_BLANK: Final = b" \t\r\n"


class ArrayCutter:
    """Cuts a JSON array, or objects one after another, into the texts of its objects.

    Bytes may be cut anywhere. What stands between the objects (brackets, commas, blanks) is passed
    over.

    >>> ArrayCutter().feed(b'[{"a": "]"},')
    [b'{"a": "]"}']
    """

    __slots__ = ("_at", "_buffer", "_depth", "_in_text", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._start = -1
        self._depth = 0
        self._in_text = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that these bytes complete.

        Raises:
            EventTooLarge: an object without end.
        """
        self._buffer += data
        found: list[bytes] = []
        while (match := self._next()) is not None:
            self._at = match.end()
            byte = match.group()
            if byte == b'"':
                self._in_text = not self._in_text
            elif byte == b"\\":
                if self._at == len(self._buffer):
                    self._at -= 1  # what it escapes is not here yet
                    break
                self._at += 1
            elif byte in (b"{", b"["):
                if byte == b"{" and self._start < 0:
                    self._start = match.start()
                    self._depth = 0
                self._depth += 1
            elif self._start >= 0:
                self._depth -= 1
                if self._depth == 0:
                    found.append(bytes(self._buffer[self._start : self._at]))
                    self._start = -1
        self._compact()
        return found

    def _next(self) -> re.Match[bytes] | None:
        pattern = _INSIDE if self._in_text else _OUTSIDE
        match = pattern.search(self._buffer, self._at)
        if match is None:
            self._at = len(self._buffer)
        return match

    def _compact(self) -> None:
        keep = self._at if self._start < 0 else self._start
        if keep:
            del self._buffer[:keep]
            self._at -= keep
            self._start = -1 if self._start < 0 else 0
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an object larger than {MAX_EVENT_BYTES} bytes")

    def close(self) -> list[bytes]:
        """The beginning of an object that did not end, if there is one."""
        rest = bytes(self._buffer[self._start :]) if self._start >= 0 else b""
        return [rest] if rest else []


class ChunkReader:
    """Reads the JSON texts of a reply stream in either framing."""

    __slots__ = ("_array", "_sse")

    def __init__(self) -> None:
        self._array: ArrayCutter | None = None
        self._sse: SseParser | None = None

    def feed(self, data: bytes) -> list[str | bytes]:
        """The texts that these bytes complete.

        Raises:
            EventTooLarge: a text without end.
        """
        if self._sse is not None:
            return [event.data for event in self._sse.feed(data)]
        if self._array is not None:
            return list(self._array.feed(data))
        head = data.lstrip(_BLANK)
        if not head:
            return []
        if head[:1] in (b"[", b"{"):
            self._array = ArrayCutter()
            return list(self._array.feed(head))
        # The whole beginning goes to the parser: it knows about byte order marks and blank lines.
        self._sse = SseParser(lenient=True)
        return [event.data for event in self._sse.feed(head)]

    def close(self) -> list[str | bytes]:
        """What an unterminated rest holds, whole or not."""
        if self._sse is not None:
            return [event.data for event in self._sse.close()]
        return list(self._array.close()) if self._array is not None else []
