"""Framings of streams, read from bytes: each frame with where its payload ends.

Server-sent events (WHATWG HTML 9.2), newline-delimited JSON, a JSON array, and the AWS binary event
stream. Written for this suite: slow, plain, and independent of the adapters' readers.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Frame:
    """One event: its name, its text, and its place: `[start, end)` in the body.

    `payload_end` is where the last byte that matters has gone by; after it only line ends follow.
    """

    name: str | None
    text: str
    start: int
    payload_end: int
    end: int

    @property
    def doc(self) -> Any:
        return json.loads(self.text)


def sse(body: bytes) -> list[Frame]:
    """Server-sent events. An event that the stream's end leaves open counts: providers do that."""
    frames: list[Frame] = []
    name: str | None = None
    data: list[str] = []
    start = payload_end = 0
    begun = False
    place = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    for line, line_start, line_end, after in _lines(body, place):
        if not line:
            if data:
                frames.append(Frame(name, "\n".join(data), start, payload_end, after))
            name, data, begun = None, [], False
            continue
        if not begun:
            start, begun = line_start, True
        if line.startswith(b":"):
            continue
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"event":
            name = text
        elif field == b"data":
            data.append(text)
            payload_end = line_end
    if data:
        frames.append(Frame(name, "\n".join(data), start, payload_end, len(body)))
    return [frame for frame in frames if frame.text.strip()]


def _lines(body: bytes, place: int) -> Iterator[tuple[bytes, int, int, int]]:
    """(line, its start, its end, start of the next) for every line, also an unfinished last one."""
    size = len(body)
    while place < size:
        newline, ret = body.find(b"\n", place), body.find(b"\r", place)
        ends = [found for found in (newline, ret) if found >= 0]
        if not ends:
            yield body[place:], place, size, size
            return
        end = min(ends)
        after = end + 2 if body[end : end + 2] == b"\r\n" else end + 1
        yield body[place:end], place, end, after
        place = after


def ndjson(body: bytes) -> list[Frame]:
    """A JSON document a line."""
    frames: list[Frame] = []
    place = 0
    while place < len(body):
        end = body.find(b"\n", place)
        after = len(body) if end < 0 else end + 1
        line = body[place:after]
        if line.strip():
            payload_end = place + len(line.rstrip())
            frames.append(Frame(None, line.decode(), place, payload_end, after))
        place = after
    return frames


def array(body: bytes) -> list[Frame]:
    """The elements of one JSON array."""
    text = body.decode()
    decoder = json.JSONDecoder()
    frames: list[Frame] = []
    place = text.index("[") + 1
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place >= len(text) or text[place] == "]":
            return frames
        _, end = decoder.raw_decode(text, place)
        start_at, end_at = len(text[:place].encode()), len(text[:end].encode())
        frames.append(Frame(None, text[place:end], start_at, end_at, end_at))
        place = end


def aws(body: bytes) -> list[Frame]:
    """AWS event stream: prelude, headers, payload, two CRCs. The name is the event or exception
    type; a payload of `{"bytes": …}` is unpacked."""
    frames: list[Frame] = []
    place = 0
    while place < len(body):
        total, header_size, crc = struct.unpack_from(">III", body, place)
        if binascii.crc32(body[place : place + 8]) != crc:
            raise ValueError(f"wrong prelude CRC at {place}")
        message = body[place : place + total]
        if len(message) < total or binascii.crc32(message[:-4]) != int.from_bytes(message[-4:]):
            raise ValueError(f"wrong message CRC at {place}")
        headers = _headers(message[12 : 12 + header_size])
        payload = message[12 + header_size : -4]
        document = json.loads(payload) if payload else {}
        if isinstance(document, dict) and "bytes" in document:
            payload = base64.b64decode(document["bytes"])
        name = headers.get(":event-type") or headers.get(":exception-type")
        frames.append(Frame(name, payload.decode(), place, place + total, place + total))
        place += total
    return frames


def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    sizes = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    while place < len(block):
        length = block[place]
        name = block[place + 1 : place + 1 + length].decode()
        kind = block[place + 1 + length]
        place += length + 2
        if kind in (6, 7):
            (size,) = struct.unpack_from(">H", block, place)
            place += 2
        else:
            size = sizes[kind]
        if kind == 7:
            found[name] = block[place : place + size].decode()
        place += size
    return found


READERS = {"sse": sse, "ndjson": ndjson, "json-array": array, "aws-eventstream": aws}


def frames(body: bytes, framing: str | None) -> list[Frame]:
    """The frames of a body; a whole reply is one frame."""
    if framing is None:
        text = body.decode("utf-8")
        return [Frame(None, text, 0, len(body), len(body))] if text.strip() else []
    return READERS[framing](body)
