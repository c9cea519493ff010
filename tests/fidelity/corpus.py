"""The recordings, and which of them are in scope.

`MULTIROUTE_WIRE_DIR` names a folder of recordings: one with the `.jsonl` files in it, or with a
`dev/` that has them. Unset: `data/wire/dev` of the shared data.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_ROOT = Path(__file__).resolve().parents[2]

APIS = (
    "chat.completions",
    "responses",
    "messages",
    "messages.count_tokens",
    "embeddings",
    "images",
    "converse",
    "converse-stream",
    "invoke",
    "invoke-stream",
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "cohere.v2.chat",
    "rerank",
    "ollama.chat",
    "ollama.generate",
    "audio.speech",
    "audio.transcriptions",
    "moderations",
)
"""The APIs in scope: those of issue 3."""


@dataclass(frozen=True)
class Record:
    """One recorded exchange."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.raw["id"]

    @property
    def provider(self) -> str:
        return self.raw["provider"]

    @property
    def api(self) -> str:
        return self.raw["api"]

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.raw["notes"])

    @property
    def sequence(self) -> tuple[str, int]:
        """The sequence it belongs to, and its place there."""
        return self.raw["sequence"]["id"], self.raw["sequence"]["pos"]

    @property
    def status(self) -> int:
        return self.raw["response"]["status"]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def framing(self) -> str | None:
        """How the reply is framed as a stream; None for a whole reply."""
        return self.raw["response"]["stream_format"]

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The reply's headers, names in lower case."""
        return _pairs(self.raw["response"]["headers"])

    @property
    def request_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return _pairs(self.raw["request"]["headers"])

    @cached_property
    def body(self) -> bytes:
        """The reply's body."""
        return _bytes(self.raw["response"])

    @cached_property
    def request_body(self) -> bytes:
        return _bytes(self.raw["request"])

    @cached_property
    def path(self) -> str:
        """The request's path, percent-decoded."""
        return unquote(urlsplit(self.raw["request"]["url"]).path)

    @property
    def url(self) -> str:
        return self.raw["request"]["url"]

    @property
    def method(self) -> str:
        return self.raw["request"]["method"]

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The request's JSON object; None where it was no JSON, or none was kept."""
        try:
            found = json.loads(self.request_body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def _pairs(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.lower().encode("latin-1"), str(value).encode("latin-1", "replace"))
        for name, value in headers.items()
    )


def _bytes(part: Mapping[str, Any]) -> bytes:
    text = part["body"] or ""
    return base64.b64decode(text) if part["encoding"] == "base64" else text.encode("utf-8")


def wire_folder() -> Path:
    """The folder with the `.jsonl` files; it need not be there."""
    named = os.environ.get("MULTIROUTE_WIRE_DIR")
    if not named:
        return shared_folder()
    folder = Path(named).resolve()
    return folder / "dev" if (folder / "dev").is_dir() else folder


def shared_folder() -> Path:
    """The recordings of the shared data."""
    shared = os.environ.get("MULTIROUTE_SHARED") or _ROOT.parent / "shared"
    return (Path(shared) / "data" / "wire" / "dev").resolve()


def groups() -> tuple[tuple[str, str], ...]:
    """(provider, api) of every file of recordings whose API is in scope; from file names only."""
    found = []
    for path in sorted(wire_folder().glob("*.jsonl")):
        provider, dot, api = path.name.removesuffix(".jsonl").partition(".")
        if dot and api in APIS:
            found.append((provider, api))
    return tuple(found)


@cache
def records(provider: str, api: str) -> tuple[Record, ...]:
    """The recordings of one provider and API."""
    path = wire_folder() / f"{provider}.{api}.jsonl"
    with path.open(encoding="utf-8") as lines:
        return tuple(Record(json.loads(line)) for line in lines if line.strip())


def every_record() -> Iterator[Record]:
    """All recordings in scope."""
    for provider, api in groups():
        yield from records(provider, api)
