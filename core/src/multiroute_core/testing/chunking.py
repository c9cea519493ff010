"""Chunking: how one body is cut into the pieces that are written one after another."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Iterator, Sequence

Chunking = str | Sequence[bytes]
"""`whole`, `bytes`, `events`, `awkward`, `random:SEED`, or the pieces themselves."""

_MODES = "whole, bytes, events, awkward, random:SEED (an integer) or a list of bytes"
_SSE_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_LARGEST_RANDOM_PIECE = 97
_PRELUDE_SIZE = 12
_SMALLEST_FRAME = 16


def split_body(body: bytes, chunking: Chunking) -> tuple[bytes, ...]:
    r"""Cut `body` into non-empty pieces that join to the same bytes again.

    - `whole`: one piece.
    - `bytes`: one byte a piece (a write each: meant for bodies of some kB, not MB).
    - `events`: one event a piece: after each blank line where there is one (server-sent events),
      else after each line feed; binary event-stream frames (length-prefixed, CRC-checked prelude)
      one frame a piece.
    - `awkward`: cut exactly where naive readers break: inside every multi-byte UTF-8 sequence,
      between CR and LF, between the two line ends that close an event, and inside every binary
      frame's prelude.
    - `random:SEED`: sizes 1 to 97, the same for the same seed.

    Raises ValueError for another word, or for pieces that do not join to `body`.

    >>> split_body(b"data: 1\n\ndata: 2\n\n", "events")
    (b'data: 1\n\n', b'data: 2\n\n')
    >>> split_body("é".encode(), "awkward")
    (b'\xc3', b'\xa9')
    """
    if not isinstance(chunking, str):
        pieces = tuple(bytes(piece) for piece in chunking if piece)
        if b"".join(pieces) != body:
            raise ValueError("chunks given as bytes must join to the body")
        return pieces
    match chunking:
        case "whole":
            cuts: Iterator[int] = iter(())
        case "bytes":
            cuts = iter(range(1, len(body)))
        case "events":
            cuts = _event_ends(body)
        case "awkward":
            cuts = _awkward_places(body)
        case _:
            cuts = _random_places(len(body), _seed_of(chunking))
    places = sorted({place for place in cuts if 0 < place < len(body)})
    starts, ends = [0, *places], [*places, len(body)]
    return tuple(body[start:end] for start, end in zip(starts, ends, strict=True) if end > start)


def check_chunking(chunking: Chunking) -> None:
    """Raise ValueError unless `chunking` is one that `split_body` knows."""
    if isinstance(chunking, str) and chunking not in ("whole", "bytes", "events", "awkward"):
        _seed_of(chunking)


def _seed_of(chunking: str) -> int:
    kind, _, seed = chunking.partition(":")
    if kind != "random" or not re.fullmatch(r"-?\d+", seed):
        raise ValueError(f"chunking {chunking!r} is unknown: use {_MODES}")
    return int(seed)


def _random_places(size: int, seed: int) -> Iterator[int]:
    sizes = random.Random(seed)
    place = 0
    while place < size:
        place += sizes.randint(1, _LARGEST_RANDOM_PIECE)
        yield place


def _event_ends(body: bytes) -> Iterator[int]:
    frames = _frame_starts(body)
    if frames:
        yield from frames
        return
    blank_lines = [found.end() for found in _SSE_BLANK_LINE.finditer(body)]
    yield from blank_lines or [at + 1 for at, byte in enumerate(body) if byte == 0x0A]


def _awkward_places(body: bytes) -> Iterator[int]:
    frames = _frame_starts(body)
    if frames:
        for start in frames:
            yield start + 4
            yield start + 10
        return
    for at, byte in enumerate(body):
        is_continuation = byte & 0xC0 == 0x80
        follows_line_end = at > 0 and body[at - 1] in b"\r\n" and byte in b"\r\n"
        if is_continuation or follows_line_end:
            yield at


def _frame_starts(body: bytes) -> list[int]:
    """Where each binary event-stream frame starts; empty where the body is not made of whole
    frames.

    A frame is: total length and headers length (big-endian 32 bit each), CRC-32 of those 8 bytes,
    headers, payload, CRC-32 of all.
    """
    starts: list[int] = []
    at = 0
    while at + _PRELUDE_SIZE <= len(body):
        total, _headers, crc = struct.unpack_from(">III", body, at)
        if total < _SMALLEST_FRAME or zlib.crc32(body[at : at + 8]) != crc:
            return []
        starts.append(at)
        at += total
    return starts if at == len(body) else []
