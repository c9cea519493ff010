"""Steps: what a scripted upstream does with one request.

    Step
    ├── Answer   an HTTP answer, whole or with a fault in its framing, timing or end
    ├── Raw      these bytes, whatever they are
    ├── Reset    connection reset before the first byte of an answer
    ├── Close    connection closed in order before the first byte of an answer
    └── Hang     nothing, ever

A *refused* connection never gets as far as a step: see `refused_url` and
`ScriptedUpstream.refuse_connections`.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from .chunking import Chunking, check_chunking, split_body
from .event_stream import EventStream

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Framing = Literal["length", "chunked", "close", "bad-chunk"]
_FRAMINGS = ("length", "chunked", "close", "bad-chunk")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN_IN_VALUE = re.compile(r"[\r\n\0]")
_OURS = frozenset({"content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Change one with `dataclasses.replace`.

    body: bytes as they are; text as UTF-8 (`text/plain`); an `EventStream`; anything else as JSON.
        The content-type follows from that unless `headers` has one; plain bytes get none.
    headers: pairs or a mapping. `content-length` and `transfer-encoding` are refused: use `framing`
        and `declared_length` (or `Raw`).
    latency_s: seconds between the request's last byte and the status line.
    chunks: see `split_body`; default `events` for an EventStream, else `whole`. A list of bytes
        without a body is the body. With chunked framing every piece is one HTTP chunk; every piece
        is one write.
    gap_s: seconds between two pieces.
    framing: `length`; `chunked` (default for an EventStream); `close` (neither length nor chunks:
        the end of the connection ends the body); `bad-chunk` (chunked, and where the last chunk
        belongs a line that is no chunk size, then the end of the connection).
    declared_length: what content-length claims instead of the truth (`length` only); the connection
        is closed after the body.
    compress: `gzip` compresses the body, says so, and `events` are flushed one by one. Not
        negotiated.
    cut_at, stall_at, reset_at: at most one; after so many body bytes (after compression, before
        framing; 0 = after the headers; the body's length = before the framing's own end) close the
        connection in order / send nothing more until the client leaves / reset it. A reset may
        destroy bytes that were just sent.
    reason: the reason phrase; default the registered one.

    Raises ValueError for values that make no sense.
    """

    status: int = 200
    headers: Headers = ()
    body: object = b""
    latency_s: float = 0.0
    chunks: Chunking | None = None
    framing: Framing | None = None
    declared_length: int | None = None
    gap_s: float = 0.0
    cut_at: int | None = None
    stall_at: int | None = None
    reset_at: int | None = None
    compress: Literal["gzip"] | None = None
    reason: str | None = None
    pieces: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    """The body's bytes as they go out, before framing."""
    header_pairs: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """All headers but those of the framing."""

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(
                f"status {self.status} is not a final HTTP status (200..599); use Raw for others"
            )
        for name, seconds in (("latency_s", self.latency_s), ("gap_s", self.gap_s)):
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"{name} must be zero or more seconds, not {seconds}")
        if self.framing is not None and self.framing not in _FRAMINGS:
            raise ValueError(
                f"framing {self.framing!r} is unknown: use one of {', '.join(_FRAMINGS)}"
            )
        if self.compress not in (None, "gzip"):
            raise ValueError(f"compress {self.compress!r} is unknown: use 'gzip' or None")
        if self.reason is not None and _FORBIDDEN_IN_VALUE.search(self.reason):
            raise ValueError("reason holds a line end or NUL; use Raw for that")
        object.__setattr__(self, "pieces", self._wire_pieces())
        object.__setattr__(self, "header_pairs", self._wire_headers())
        self._check_ends()

    @property
    def wire_framing(self) -> Framing:
        """The framing in force."""
        return self.framing or ("chunked" if isinstance(self.body, EventStream) else "length")

    @property
    def size(self) -> int:
        """Body bytes on the wire, before framing."""
        return sum(map(len, self.pieces))

    @property
    def stops_at(self) -> int | None:
        """After how many body bytes something other than the proper end happens, if at all."""
        return next(
            (at for at in (self.cut_at, self.stall_at, self.reset_at) if at is not None), None
        )

    def _wire_pieces(self) -> tuple[bytes, ...]:
        chunks = self.chunks
        if chunks is None:
            chunks = "events" if isinstance(self.body, EventStream) else "whole"
        check_chunking(chunks)
        body = _encoded(self.body)
        if not isinstance(chunks, str) and not body:
            body = b"".join(chunks)
        if self.compress is None:
            return split_body(body, chunks)
        if isinstance(chunks, str) and chunks != "events":
            return split_body(gzip.compress(body, mtime=0), chunks)
        return _compressed_one_by_one(split_body(body, chunks))

    def _wire_headers(self) -> tuple[tuple[str, str], ...]:
        pairs = checked_headers(self.headers)
        names = {name.lower() for name, _ in pairs}
        if names & _OURS:
            raise ValueError(
                f"{', '.join(sorted(names & _OURS))}: use framing and declared_length, or Raw"
            )
        content_type = _content_type(self.body)
        if "content-type" not in names and content_type is not None:
            pairs = (("content-type", content_type), *pairs)
        if self.compress is not None:
            pairs = (*pairs, ("content-encoding", self.compress))
        return pairs

    def _check_ends(self) -> None:
        ends = {"cut_at": self.cut_at, "stall_at": self.stall_at, "reset_at": self.reset_at}
        given = {name: at for name, at in ends.items() if at is not None}
        if len(given) > 1:
            raise ValueError(f"only one of {', '.join(given)} can happen")
        for name, at in given.items():
            if not 0 <= at <= self.size:
                raise ValueError(f"{name}={at} is outside the body of {self.size} bytes")
        if self.declared_length is not None and (
            self.wire_framing != "length" or self.declared_length < 0
        ):
            raise ValueError("declared_length is a number of bytes and needs framing='length'")


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes instead of an HTTP answer: broken status lines, doubled headers, anything.

    then: `close` in order, `reset`, `stall` until the client leaves, or `keep` (the bytes were a
    whole answer: go on with the next request).
    """

    data: bytes
    then: Literal["close", "reset", "stall", "keep"] = "close"
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        if self.then not in ("close", "reset", "stall", "keep"):
            raise ValueError(f"then {self.then!r} is unknown: use close, reset, stall or keep")
        if not (math.isfinite(self.latency_s) and self.latency_s >= 0):
            raise ValueError(f"latency_s must be zero or more seconds, not {self.latency_s}")


@dataclass(frozen=True, slots=True)
class Reset:
    """Read the request, then reset the connection (RST) before any byte of an answer."""


@dataclass(frozen=True, slots=True)
class Close:
    """Read the request, then close the connection in order (FIN) before any byte of an answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request and never answer; ends when the client leaves or the upstream is closed."""


Step = Answer | Raw | Reset | Close | Hang


def checked_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Headers as pairs. Raises ValueError for what would break the header block."""
    pairs = tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)
    for name, value in pairs:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"header name {name!r} is not a token; use Raw for broken headers")
        if _FORBIDDEN_IN_VALUE.search(value):
            raise ValueError(
                f"header {name}: the value holds a line end or NUL; use Raw for broken headers"
            )
        if any(ord(character) > 0xFF for character in value):
            raise ValueError(f"header {name}: the value is not Latin-1")
    return pairs


def _encoded(body: object) -> bytes:
    if isinstance(body, bytes):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    try:
        return orjson.dumps(body)
    except TypeError as exc:
        raise ValueError(
            f"body: {type(body).__name__} is neither bytes, text nor JSON-able: {exc}"
        ) from exc


def _content_type(body: object) -> str | None:
    if isinstance(body, EventStream):
        return "text/event-stream"
    if isinstance(body, bytes):
        return None
    return "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"


def _compressed_one_by_one(pieces: Iterable[bytes]) -> tuple[bytes, ...]:
    """One gzip stream in which every piece can be read as soon as its own bytes are there."""
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return (*packed, packer.flush())
