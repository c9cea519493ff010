"""ReplayUpstream: recorded exchanges, served over HTTP to whoever sends the recorded requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from .chunking import Chunking, check_chunking
from .connection import Sleep
from .normalise import Normalisation
from .recordings import Recording
from .replay_index import Nearest, ReplayIndex
from .seen_request import SeenRequest
from .steps import Answer, Step
from .upstream import ScriptedUpstream

Compress = Literal["gzip"]
Alter = Callable[[Recording, Answer], Step]
_FRAMING_HEADERS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A request that no recording answers, with the nearest one and the diff to it."""

    request: SeenRequest
    nearest_id: str
    diff: str


class ReplayUpstream:
    """Recorded exchanges on 127.0.0.1. A context manager like `ScriptedUpstream`, or `start` and
    `aclose`.

    Answers only a request that equals a recorded one after normalisation (`normalise_request`),
    with the recorded status, headers and body; anything else is a 404 whose JSON holds a unified
    diff to the nearest recorded request. Several recordings of one request come in recorded order,
    then from the start. Nothing is rewritten: ids in later requests are those of earlier recorded
    answers.

    chunking: see `split_body`; streams go out with chunked framing, the rest with their length.
    compress: `gzip` compresses every recorded body, whatever the client accepts.
    normalisation: what does not count in the comparison.
    alter: makes another step of a recorded answer, for example `replace(answer, cut_at=100)`.
    gap_s, sleep: seconds between two pieces, and what waits for them.

    served: ids of the recordings that were sent, in order. unmatched: what got a 404.
    Raises ValueError for no recordings.
    """

    def __init__(
        self,
        recordings: Iterable[Recording],
        chunking: Chunking = "whole",
        compress: Compress | None = None,
        *,
        normalisation: Normalisation | None = None,
        alter: Alter | None = None,
        gap_s: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        check_chunking(chunking)
        items = list(recordings)
        self.served: list[str] = []
        self.unmatched: list[Mismatch] = []
        self.upstream = ScriptedUpstream(self._step_for, sleep=sleep)
        """The server underneath: its waits, its connections, its refusals."""
        self._index = ReplayIndex(items, normalisation=normalisation)
        self._chunking = chunking
        self._compress: Compress | None = compress
        self._alter = alter
        self._gap_s = gap_s
        self._content_types = _content_types(items)

    async def start(self) -> Self:
        """Listen; serves until `aclose`."""
        await self.upstream.start()
        return self

    async def aclose(self) -> None:
        """Stop, and end every connection."""
        await self.upstream.aclose()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.upstream.__aexit__(kind, error, trace)

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`: recorded paths stand below it as they were recorded."""
        return self.upstream.base_url

    @property
    def requests(self) -> list[SeenRequest]:
        """Every request that arrived, matched or not."""
        return self.upstream.requests

    def _step_for(self, request: SeenRequest) -> Step:
        url = f"{request.path}?{request.query}" if request.query else request.path
        found = self._index.take(request.method, url, request.headers, request.body)
        if isinstance(found, Nearest):
            self.unmatched.append(Mismatch(request, found.recording.id, found.diff))
            return _mismatch(request, found)
        answer = self._answer(found)
        step = self._alter(found, answer) if self._alter is not None else answer
        self.served.append(found.id)
        return step

    def _answer(self, recording: Recording) -> Answer:
        response = recording.response
        return Answer(
            status=response.status,
            reason=response.reason or None,
            headers=replayed_headers(recording, self._content_types),
            body=response.body,
            chunks=self._chunking,
            framing="chunked" if response.stream_format is not None else "length",
            gap_s=self._gap_s,
            compress=self._compress,
        )


def replayed_headers(
    recording: Recording, content_types: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """The recorded headers without those of framing and compression.

    The stream's format decides the content-type where the recorder lost it, and for server-sent
    events always.
    """
    response = recording.response
    kept = tuple(pair for pair in response.headers if pair[0] not in _FRAMING_HEADERS)
    recorded = dict(kept).get("content-type")
    is_wrong = response.stream_format == "sse" and "text/event-stream" not in (recorded or "")
    if recorded is not None and not is_wrong:
        return kept
    content_type = content_types.get(response.stream_format or "", "application/octet-stream")
    if response.stream_format is None:
        content_type = _guessed(response.body)
    others = tuple(pair for pair in kept if pair[0] != "content-type")
    return (("content-type", content_type), *others)


def _guessed(body: bytes) -> str:
    return "application/json" if body.lstrip()[:1] in (b"{", b"[") else "text/plain; charset=utf-8"


def _content_types(recordings: Iterable[Recording]) -> dict[str, str]:
    """The content-type of each stream format: the usual ones, and what the recordings say of
    others."""
    known = {
        "sse": "text/event-stream",
        "ndjson": "application/x-ndjson",
        "json-array": "application/json",
    }
    for recording in recordings:
        content_type = dict(recording.response.headers).get("content-type")
        if recording.response.stream_format is not None and content_type is not None:
            known.setdefault(recording.response.stream_format, content_type)
    return known


def _mismatch(request: SeenRequest, nearest: Nearest) -> Answer:
    message = (
        f"no recorded request equals this {request.method} {request.path};"
        f" the nearest is {nearest.recording.id}: see diff"
    )
    error = {"message": message, "type": "replay_mismatch", "code": None, "diff": nearest.diff}
    return Answer(404, body={"error": error})
