"""Parts as content blocks of a request."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.content import Media, Part
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.messages.blocks_in import native_block, server_call_block
from multiroute_core.wire.messages.names import FOREIGN, NO_PARAM, WIRE
from multiroute_core.wire.strict import raw_json

UNSIGNED: Final = "it has no signature of this family"
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_ID: Final = re.compile(r"[^A-Za-z0-9_-]")


def call_id(own: str | None) -> str | None:
    """A tool call's id in the letters that this format takes.

    >>> call_id("functions.weather:0"), call_id("toolu_01")
    ('functions_weather_0', 'toolu_01')
    """
    if own is None or _ID.fullmatch(own):
        return own
    return _NOT_ID.sub("_", own)


def is_call_id(own: Json) -> bool:
    """Whether an id is spelt in the letters that this format takes."""
    return isinstance(own, str) and _ID.fullmatch(own) is not None


def content_of(parts: Sequence[Part], path: str, losses: list[Loss], *, is_own: bool) -> list[Json]:
    """The blocks of these parts. `is_own`: of a client of this format, whose empty texts stay."""
    blocks: list[Json] = []
    for number, part in enumerate(parts):
        block = block_of(part, f"{path}[{number}]", losses, keep_empty=is_own)
        if block is not None:
            blocks.append(block)
    return blocks


def shortened(blocks: list[Json], parts: Sequence[Part]) -> Json:
    """A single plain text is sent as a string, unless its client spelt it as a block."""
    if len(blocks) == 1 and not any(part.origin == WIRE for part in parts):
        only = blocks[0]
        if isinstance(only, Mapping) and only.keys() == {"type", "text"}:
            return only["text"]
    return blocks


def block_of(
    part: Part, path: str, losses: list[Loss], *, keep_empty: bool = False
) -> dict[str, Json] | None:
    """One part as a block; None where there is nothing to say, or no way to say it."""
    block: dict[str, Json] | None
    if part.kind in ("text", "refusal"):
        if not part.text and not keep_empty:
            return None
        block = {"type": "text", "text": part.text}
        _citations(part, block, path, losses)
    elif part.kind in ("image", "document"):
        block = _media(part, path, losses)
    elif part.kind == "tool_call":
        arguments = raw_json(part.arguments or "{}")
        if arguments is None:
            raise CannotEncode(f"{path}: the arguments of {part.name} are not a JSON object")
        block = {
            "type": "tool_use",
            "id": call_id(part.id),
            "name": part.name,
            "input": arguments,
        }
    elif part.kind == "tool_result":
        block = _result(part, path, losses)
    elif part.kind == "thinking":
        return _thinking(part, path, losses)
    elif part.kind in ("opaque", "server_tool_call", "server_tool_result"):
        return _native(part, path, losses)
    else:
        losses.append(Loss(path, f"{part.kind} part", "target has no such content"))
        return None
    if block is None:
        return None
    if part.signature is not None and part.kind in ("text", "tool_call"):
        losses.append(Loss(f"{path}.signature", "opaque state", FOREIGN))
    if part.cache is not None:
        block["cache_control"] = part.cache
    if part.origin == WIRE:
        lay_over(block, part.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "content field", FOREIGN) for name in part.extra)
    return block


def lay_over(doc: dict[str, Json], fields: JsonObject) -> None:
    """Put fields into a document; objects that are on both sides are joined at every depth."""
    for name, value in fields.items():
        there = doc.get(name)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            joined = dict(there)
            lay_over(joined, value)
            doc[name] = joined
        else:
            doc[name] = value


def _native(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    kept = native_block(part)
    if kept is not None:
        return dict(kept)
    if part.origin == WIRE and part.kind == "server_tool_call":
        arguments = raw_json(part.arguments or "{}")
        if arguments is not None:
            return {**server_call_block(part), "input": arguments}
    losses.append(Loss(path, f"{part.kind} {part.name or ''}".strip(), FOREIGN))
    return None


def _citations(part: Part, block: dict[str, Json], path: str, losses: list[Loss]) -> None:
    """Citations go back to this family only, and only those that came from it."""
    kept: list[Json] = []
    for number, citation in enumerate(part.citations):
        if part.origin != WIRE or citation.get("encrypted_index") == "":
            losses.append(Loss(f"{path}.citations[{number}]", "citation", FOREIGN))
        else:
            kept.append(citation)
    if kept:
        block["citations"] = kept


def thinking_path(part: Part, path: str) -> str:
    """Where the client wrote thinking: in the chat format, plain thinking is a message's field."""
    if part.origin == "chat" and part.name is not None:
        return f"{path.rpartition('.content[')[0]}.{part.name}"
    return path


def _thinking(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    """Thinking goes back only with the signature that this family gave it.

    Thinking whose text was held back has an empty text too: the native name tells the two apart.
    """
    if part.origin != WIRE or part.signature is None:
        if part.text or part.signature:
            losses.append(Loss(thinking_path(part, path), "thinking block", UNSIGNED))
        return None
    detail = part.extra.get("detail")
    is_plain = part.name == "thinking" or (
        isinstance(detail, Mapping) and detail.get("type") == "reasoning.text"
    )
    block: dict[str, Json]
    if part.text or is_plain:
        block = {"type": "thinking", "thinking": part.text, "signature": part.signature}
    else:
        block = {"type": "redacted_thinking", "data": part.signature}
    lay_over(block, {k: v for k, v in part.extra.items() if k not in ("detail", "detail_type")})
    return block


def _result(part: Part, path: str, losses: list[Loss]) -> dict[str, Json]:
    block: dict[str, Json] = {"type": "tool_result", "tool_use_id": call_id(part.id)}
    if isinstance(part.content, tuple):
        pieces = [piece for piece in part.content if isinstance(piece, Part)]
        is_own = part.origin == WIRE
        block["content"] = content_of(pieces, f"{path}.content", losses, is_own=is_own)
    elif part.text or part.origin != WIRE:
        block["content"] = part.text
    if part.is_error is not None:
        block["is_error"] = part.is_error
    return block


def _media(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    media = part.media or Media()
    source: dict[str, Json]
    if media.data_b64 is not None:
        mime = media.mime or ("image/png" if part.kind == "image" else "application/pdf")
        text = _text_of(media.data_b64) if mime.startswith("text/") else None
        source = (
            {"type": "base64", "media_type": mime, "data": media.data_b64}
            if text is None
            else {"type": "text", "media_type": mime, "data": text}
        )
    elif media.url is not None:
        source = {"type": "url", "url": media.url}
    elif part.origin == WIRE:
        source = {"type": "file", "file_id": media.file_id}
    else:
        losses.append(Loss(path, f"{part.kind} by file id", "the file is at another provider"))
        return None
    block: dict[str, Json] = {"type": part.kind, "source": source}
    if part.kind == "document" and media.name is not None:
        block["title"] = media.name
    if media.detail is not None and media.detail != "auto":
        losses.append(Loss(f"{path}.image_url.detail", "image detail", NO_PARAM))
    return block


def _text_of(data_b64: str) -> str | None:
    """The text in base64, or None where it is none: documents of text are sent as text."""
    try:
        return base64.b64decode(data_b64, validate=True).decode()
    except ValueError:
        return None
