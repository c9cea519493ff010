"""Sources that an answer cites: grounding chunks and recited works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from multiroute_core.api import Json, JsonObject

_KINDS = ("web", "retrievedContext", "maps", "image")


def _rows(holder: JsonObject, name: str) -> list[JsonObject]:
    rows: Json = holder.get(name)
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        return []
    return [row if isinstance(row, Mapping) else {} for row in rows]


def citations(candidate: JsonObject) -> Iterator[JsonObject]:
    """One citation a source: its address and title, the passages that rest on it, and the native
    object in `native`."""
    grounding = candidate.get("groundingMetadata")
    if isinstance(grounding, Mapping):
        passages = _passages(grounding)
        for number, chunk in enumerate(_rows(grounding, "groundingChunks")):
            for kind in _KINDS:
                source = chunk.get(kind)
                if isinstance(source, Mapping):
                    yield _citation("grounding", source, chunk, passages.get(number, []))
    metadata = candidate.get("citationMetadata")
    if isinstance(metadata, Mapping):
        listed = _rows(metadata, "citations") or _rows(metadata, "citationSources")
        for source in listed:
            span: dict[str, Json] = {}
            for theirs, ours in (("startIndex", "start_index"), ("endIndex", "end_index")):
                if isinstance(source.get(theirs), int):
                    span[ours] = source[theirs]
            yield _citation("citation", source, source, [span] if span else [])


def _passages(grounding: JsonObject) -> dict[int, list[JsonObject]]:
    found: dict[int, list[JsonObject]] = {}
    for support in _rows(grounding, "groundingSupports"):
        segment = support.get("segment")
        numbers = support.get("groundingChunkIndices")
        if not isinstance(segment, Mapping) or isinstance(numbers, str):
            continue
        passage = {
            "start_index": segment.get("startIndex", 0),
            "end_index": segment.get("endIndex"),
            "text": segment.get("text"),
        }
        for number in numbers if isinstance(numbers, Sequence) else ():
            if isinstance(number, int):
                found.setdefault(number, []).append(passage)
    return found


def _citation(
    kind: str, source: JsonObject, native: JsonObject, passages: Sequence[JsonObject]
) -> JsonObject:
    citation: dict[str, Json] = {"type": kind, "native": native}
    for name in ("uri", "title", "text"):
        value = source.get(name)
        if isinstance(value, str):
            citation["url" if name == "uri" else name] = value
    if passages:
        citation["passages"] = passages
    return citation
