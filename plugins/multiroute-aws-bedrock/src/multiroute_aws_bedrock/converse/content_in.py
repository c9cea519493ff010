"""Content blocks of the Converse format as parts. Nothing of a block is left behind."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from multiroute_aws_bedrock.converse.shape import DOCUMENTS, OMITTED, WIRE
from multiroute_core.api import Json, JsonObject, Media, Part, PartKind, frozen
from multiroute_core.wire.fields import own_text, rest
from multiroute_core.wire.strict import dump

_MEDIA: Final[Mapping[str, PartKind]] = {"image": "image", "document": "document", "audio": "audio"}


def _opaque(block: JsonObject) -> Part:
    return Part("opaque", name=next(iter(block), ""), content=block, origin=WIRE)


def part_of(block: JsonObject) -> Part:
    """A content block as a part; one without a word of ours, or of an odd form, stays as it is."""
    if isinstance(block.get("text"), str):
        text = str(block["text"])
        return Part("text", text=text, origin=WIRE, extra=rest(block, frozenset({"text"})))
    if len(block) != 1:
        return _opaque(block)
    name, value = next(iter(block.items()))
    if not isinstance(value, Mapping):
        return _opaque(block)
    part: Part | None = None
    if name in _MEDIA:
        part = _media(_MEDIA[name], name, value)
    elif name == "toolUse":
        part = _tool_use(value)
    elif name == "toolResult":
        part = _tool_result(block, value)
    elif name == "reasoningContent":
        part = _reasoning(value)
    elif name == "citationsContent":
        part = _cited(value)
    elif name == "guardContent":
        part = _guarded(value)
    return _opaque(block) if part is None else part


def parts_of(blocks: Sequence[Json]) -> tuple[Part, ...]:
    """Content blocks as parts. A plain cache point marks the part before it."""
    parts: list[Part] = []
    for block in blocks:
        if not isinstance(block, Mapping):
            parts.append(Part("opaque", name="", content=block, origin=WIRE))
            continue
        mark = cache_mark(block)
        if mark is not None and parts and parts[-1].cache is None:
            parts[-1] = replace(parts[-1], cache=mark)
        else:
            parts.append(part_of(block))
    return tuple(parts)


def cache_mark(block: JsonObject) -> JsonObject | None:
    """A cache point in the words that other formats have for it; None: it is no plain one."""
    point = block.get("cachePoint")
    if len(block) != 1 or not isinstance(point, Mapping) or point.get("type") != "default":
        return None
    if not point.keys() <= {"type", "ttl"} or not isinstance(point.get("ttl", ""), str):
        return None
    mark: dict[str, Json] = {"type": "ephemeral"}
    if point.get("ttl") is not None:
        mark["ttl"] = point["ttl"]
    return frozen(mark)


def _media(kind: PartKind, name: str, value: JsonObject) -> Part | None:
    source = value.get("source")
    form = value.get("format")
    if not isinstance(source, Mapping) or len(source) != 1:
        return None
    extra: dict[str, Json] = dict(rest(value, frozenset({"source", "format", "name"})))
    if isinstance(form, str):
        mime = DOCUMENTS.get(form) if kind == "document" else f"{name}/{form}"
    elif form is None and kind == "document":
        mime = ""
    else:
        return None
    if mime is None:
        mime, extra["format"] = "", form
    data = source.get("bytes")
    text = source.get("text")
    place = source.get("s3Location")
    media: Media
    if isinstance(data, str):
        media = Media(mime, data)
    elif isinstance(text, str):
        media = Media(mime, base64.b64encode(text.encode("utf-8", "surrogatepass")).decode())
        extra["source"] = {"text": ""}
    elif isinstance(place, Mapping) and isinstance(place.get("uri"), str):
        media = Media(mime, url=str(place["uri"]))
        beside = rest(place, frozenset({"uri"}))
        if beside:
            extra["source"] = {"s3Location": beside}
    else:
        return None
    title = value.get("name")
    if title is not None:
        if not isinstance(title, str):
            return None
        media = replace(media, name=title)
    return Part(kind, media=media, origin=WIRE, extra=frozen(extra))


def _tool_use(value: JsonObject) -> Part | None:
    given = value.get("input")
    if not isinstance(given, Mapping) or not isinstance(value.get("name"), str):
        return None
    return Part(
        "server_tool_call" if value.get("type") == "server_tool_use" else "tool_call",
        id=own_text(value, "toolUseId"),
        name=own_text(value, "name"),
        arguments=dump(given).decode(),
        origin=WIRE,
        extra=rest(value, frozenset({"toolUseId", "name", "input"})),
    )


def _tool_result(block: JsonObject, value: JsonObject) -> Part | None:
    """The answer to a call; that of a tool on the provider's side says in its type what it is."""
    content = value.get("content")
    if isinstance(content, str) or not isinstance(content, Sequence):
        return None
    kind = value.get("type")
    if isinstance(kind, str) and kind != "tool_result":
        answers = own_text(value, "toolUseId")
        return Part("server_tool_result", id=answers, name=kind, content=block, origin=WIRE)
    status = value.get("status")
    if status not in (None, "success", "error"):
        return None
    return Part(
        "tool_result",
        id=own_text(value, "toolUseId"),
        content=tuple(_answer(piece) for piece in content),
        is_error=None if status is None else status == "error",
        origin=WIRE,
        extra=rest(value, frozenset({"toolUseId", "content", "status"})),
    )


def _answer(piece: Json) -> Part:
    if not isinstance(piece, Mapping):
        return Part("opaque", name="", content=piece, origin=WIRE)
    if len(piece) == 1 and "json" in piece:
        value = piece["json"]
        if isinstance(value, Mapping):
            return Part("text", text=dump(value).decode(), name="json", origin=WIRE)
        return _opaque(piece)
    return part_of(piece)


def _reasoning(value: JsonObject) -> Part | None:
    if len(value) != 1:
        return None
    redacted = value.get("redactedContent")
    if isinstance(redacted, str):
        return Part("thinking", signature=redacted, origin=WIRE)
    told = value.get("reasoningText")
    if not isinstance(told, Mapping):
        return None
    text = told.get("text")
    signature = told.get("signature")
    if not isinstance(text, (str, type(None))) or not isinstance(signature, (str, type(None))):
        return None
    return Part(
        "thinking",
        text=text or "",
        id=None if text else OMITTED,
        signature=signature,
        origin=WIRE,
        extra=rest(told, frozenset({"text", "signature"})),
    )


def _cited(value: JsonObject) -> Part | None:
    content = value.get("content")
    citations = value.get("citations")
    if not isinstance(content, Sequence) or isinstance(content, str):
        return None
    listed = citations if isinstance(citations, Sequence) else ()
    if any(not isinstance(item, Mapping) for item in listed):
        return None
    texts: list[str] = []
    for piece in content:
        if not isinstance(piece, Mapping) or not isinstance(piece.get("text"), str):
            return None
        texts.append(str(piece["text"]))
    known = {"citations"} if listed else set()
    if len(content) == 1 and isinstance(content[0], Mapping) and len(content[0]) == 1:
        known.add("content")
    return Part(
        "text",
        text="".join(texts),
        name="citationsContent",
        citations=tuple(item for item in listed if isinstance(item, Mapping)),
        origin=WIRE,
        extra=rest(value, frozenset(known)),
    )


def _guarded(value: JsonObject) -> Part | None:
    told = value.get("text")
    if len(value) != 1 or not isinstance(told, Mapping) or not isinstance(told.get("text"), str):
        return None
    return Part(
        "text",
        text=str(told["text"]),
        name="guardContent",
        origin=WIRE,
        extra=rest(told, frozenset({"text"})),
    )
