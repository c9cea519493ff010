"""Recordings: real exchanges read from a folder of JSON lines, as frozen values.

Layout: `FOLDER/dev/<provider>.<api>.jsonl`, or the `.jsonl` files in FOLDER itself, one exchange a
line. Files whose names begin with `sequences` or `response_only` hold something else and are passed
over.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

_OTHER_FILES = ("sequences", "response_only")
_OMITTED_BODY = "[multipart form data omitted]"
_EMPTY_BODY_NOTE = "empty-request-body"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The request's side of an exchange; header names in lower case.

    is_redacted: the recorder left the body out, so nothing but method and path can be compared.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    is_redacted: bool = False

    @property
    def target(self) -> str:
        """Path and query as recorded, still percent-encoded."""
        parts = urlsplit(self.url)
        return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The response's side of an exchange; the body is decompressed.

    stream_format: None for a whole body, else `sse`, `ndjson`, `json-array` or a binary format's
        name.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    is_streamed: bool = False
    stream_format: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One real exchange.

    sequence_id, sequence_pos, sequence_len: the conversation it belongs to, and its place there
        from 0.
    extra: everything else that the line holds, as it is (source, licence, fidelity).
    """

    id: str
    provider: str
    api: str
    model: str | None
    request: RecordedRequest
    response: RecordedResponse
    sequence_id: str | None = None
    sequence_pos: int = 0
    sequence_len: int = 1
    tags: frozenset[str] = frozenset()
    finish_reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Recording:
        """One line's object as a Recording. Raises KeyError or ValueError where it is not one."""
        request, response = line["request"], line["response"]
        notes = tuple(line.get("notes") or ())
        sequence = line.get("sequence") or {}
        return cls(
            id=line["id"],
            provider=line["provider"],
            api=line["api"],
            model=line.get("model"),
            request=RecordedRequest(
                method=request["method"].upper(),
                url=request["url"],
                headers=_pairs(request["headers"]),
                body=_body(request),
                is_redacted=request["body"] == _OMITTED_BODY or _EMPTY_BODY_NOTE in notes,
            ),
            response=RecordedResponse(
                status=response["status"],
                reason=response.get("reason") or "",
                headers=_pairs(response["headers"]),
                body=_body(response),
                is_streamed=bool(response.get("streamed")),
                stream_format=response.get("stream_format"),
            ),
            sequence_id=sequence.get("id"),
            sequence_pos=sequence.get("pos", 0),
            sequence_len=sequence.get("len", 1),
            tags=frozenset(line.get("tags") or ()),
            finish_reasons=tuple(line.get("finish_reasons") or ()),
            notes=notes,
            extra={key: line[key] for key in ("source", "licence", "split") if key in line},
        )


class Recordings:
    """An unchanging collection of recordings, in the order in which they were read."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[Recording]) -> None:
        self._items = tuple(items)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        provider: str | None = None,
        api: str | None = None,
        split: str = "dev",
    ) -> Recordings:
        """Read a folder, or only the files of one provider, one api, or both.

        Raises FileNotFoundError where no file fits, ValueError (with file and line) for a broken
        line.
        """
        root = Path(folder)
        place = root / split if (root / split).is_dir() else root
        items: list[Recording] = []
        files = [
            path for path in sorted(place.glob("*.jsonl")) if not path.name.startswith(_OTHER_FILES)
        ]
        files = [path for path in files if _can_hold(path.stem, provider, api)]
        if not files:
            wanted = f"{provider or '*'}.{api or '*'}.jsonl"
            raise FileNotFoundError(f"{place}: no recordings {wanted}")
        for path in files:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    item = _read_line(path, number, line)
                    if provider in (None, item.provider) and api in (None, item.api):
                        items.append(item)
        return cls(items)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def where(self, is_wanted: Callable[[Recording], bool]) -> Recordings:
        """Those for which the function is true, in the same order."""
        return Recordings(item for item in self._items if is_wanted(item))

    def by_id(self, recording_id: str) -> Recording:
        """The one of that id. Raises KeyError."""
        for item in self._items:
            if item.id == recording_id:
                return item
        raise KeyError(recording_id)

    def sequences(self) -> dict[str, tuple[Recording, ...]]:
        """Recordings by sequence id, each in its order; those without a sequence are left out."""
        grouped: dict[str, list[Recording]] = {}
        for item in self._items:
            if item.sequence_id is not None:
                grouped.setdefault(item.sequence_id, []).append(item)
        return {
            key: tuple(sorted(items, key=lambda item: item.sequence_pos))
            for key, items in grouped.items()
        }


def _can_hold(stem: str, provider: str | None, api: str | None) -> bool:
    if provider is not None and api is not None:
        return stem == f"{provider}.{api}"
    if provider is not None:
        return stem.startswith(f"{provider}.")
    return api is None or stem.endswith(f".{api}")


def _read_line(path: Path, number: int, line: bytes) -> Recording:
    try:
        return Recording.from_json(orjson.loads(line))
    except KeyError as exc:
        raise ValueError(f"{path}:{number}: not a recording: the key {exc} is missing") from exc
    except (ValueError, TypeError, AttributeError) as exc:
        raise ValueError(f"{path}:{number}: not a recording: {exc}") from exc


def _pairs(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers.items())


def _body(part: Mapping[str, Any]) -> bytes:
    text: str = part["body"]
    return base64.b64decode(text) if part.get("encoding") == "base64" else text.encode()
