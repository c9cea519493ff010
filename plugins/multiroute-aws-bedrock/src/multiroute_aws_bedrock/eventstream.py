"""The binary event stream (`application/vnd.amazon.eventstream`), read from bytes cut anywhere.

A message is: total length and length of the headers (32 bits each, big-endian), the CRC-32 of these
eight bytes, headers, payload, and the CRC-32 of all that came before. A header is: length of its
name (8 bits), name, type (8 bits), value.

Source: the vendor's description of the event stream encoding (Smithy, "Amazon Event Stream
Specification") and recorded traffic.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
MAX_MESSAGE_BYTES: Final = 24 * 1024 * 1024 + 128 * 1024 + 16
"""The specification's limits: payloads of at most 24 MiB, headers of at most 128 KiB."""

_PRELUDE: Final = 12
_CRC: Final = 4
_FIXED: Final[Mapping[int, struct.Struct]] = {
    2: struct.Struct(">b"),
    3: struct.Struct(">h"),
    4: struct.Struct(">i"),
    5: struct.Struct(">q"),
    8: struct.Struct(">q"),
}

HeaderValue: TypeAlias = "bool | int | bytes | str"


class Frame(Struct, frozen=True, gc=False):
    """One message: its headers by name, and its payload."""

    headers: Mapping[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """A header's text; "" where it is absent or no text."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class BadFrame(ValueError):
    """The bytes are no event stream: a checksum that does not match, an impossible length."""


class FrameTooLarge(BadFrame):
    """A message announces more than `MAX_MESSAGE_BYTES`."""


class FrameParser:
    """Cuts a stream into messages, each checked.

    After an error nothing more is to be read from the stream.
    """

    __slots__ = ("_buffer", "_total")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._total = 0

    @property
    def has_rest(self) -> bool:
        """Whether the stream stands in the middle of a message."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that these bytes complete, one after another.

        Raises:
            BadFrame, FrameTooLarge: in place of the first message that is no good.
        """
        self._buffer += data
        while True:
            if not self._total:
                if len(self._buffer) < _PRELUDE:
                    return
                self._total = self._announced()
            if len(self._buffer) < self._total:
                return
            message = bytes(self._buffer[: self._total])
            del self._buffer[: self._total]
            self._total = 0
            yield _frame(message)

    def _announced(self) -> int:
        total, headers, crc = struct.unpack_from(">III", self._buffer)
        if zlib.crc32(self._buffer[:8]) != crc:
            raise BadFrame("a message's prelude does not match its checksum")
        if total > MAX_MESSAGE_BYTES:
            raise FrameTooLarge(f"a message larger than {MAX_MESSAGE_BYTES} bytes")
        if headers + _PRELUDE + _CRC > total:
            raise BadFrame("a message is shorter than its headers")
        return int(total)


def _frame(message: bytes) -> Frame:
    end = len(message) - _CRC
    (crc,) = struct.unpack_from(">I", message, end)
    if zlib.crc32(message[:end]) != crc:
        raise BadFrame("a message does not match its checksum")
    (size,) = struct.unpack_from(">I", message, 4)
    start = _PRELUDE + int(size)
    try:
        headers = _headers(message, start)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise BadFrame("a message's headers cannot be read") from error
    return Frame(headers, message[start:end])


def _headers(message: bytes, end: int) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = _PRELUDE
    while at < end:
        size = message[at]
        name = message[at + 1 : at + 1 + size].decode()
        kind = message[at + 1 + size]
        at += 2 + size
        fixed = _FIXED.get(kind)
        if fixed is not None:
            (number,) = fixed.unpack_from(message, at)
            headers[name] = int(number)
            at += fixed.size
        elif kind in (0, 1):
            headers[name] = kind == 0
        elif kind in (6, 7):
            (length,) = struct.unpack_from(">H", message, at)
            value = message[at + 2 : at + 2 + length]
            headers[name] = value.decode() if kind == 7 else value
            at += 2 + length
        elif kind == 9:
            headers[name] = message[at : at + 16]
            at += 16
        else:
            raise BadFrame(f"a message has a header of the unknown type {kind}")
    if at != end:
        raise BadFrame("a message's headers run over their end")
    return headers
