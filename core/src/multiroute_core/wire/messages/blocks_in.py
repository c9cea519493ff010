"""Content blocks of a client's request as parts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from multiroute_core.api.content import Media, Part
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.wire.fields import (
    as_bool,
    as_list,
    as_object,
    as_text,
    own_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.messages.carried import is_carried, restored
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.strict import dump

SERVER_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})
"""Calls of tools that the provider runs itself."""

_TEXT: Final = frozenset({"type", "text", "citations", "cache_control"})
_MEDIA: Final = frozenset({"type", "source", "cache_control"})
_CALL: Final = frozenset({"type", "id", "name", "input", "cache_control"})
_RESULT: Final = frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"})
_THINKING: Final = frozenset({"type", "thinking", "signature"})
_REDACTED: Final = frozenset({"type", "data"})


def parts_of(value: Json, path: str) -> tuple[Part, ...]:
    """Content in either shape. Text that stood there as a string is a part without an origin.

    Raises:
        InvalidRequest: neither a string nor a list of blocks.
    """
    if isinstance(value, str):
        return (Part("text", text=value),)
    return tuple(part_of(block, f"{path}[{i}]") for i, block in enumerate(as_list(value, path)))


def part_of(value: Json, path: str) -> Part:
    """One block. What has no word of ours is kept whole.

    Raises:
        InvalidRequest: a field of the wrong type, or a missing one.
    """
    given = as_object(value, path)
    kind = as_text(given.get("type"), f"{path}.type")
    marks = given.get("cache_control")
    cache = None if marks is None else as_object(marks, f"{path}.cache_control")
    if kind == "text":
        return _text(given, path, cache)
    if kind in ("image", "document"):
        return _media(given, kind, path, cache)
    if kind == "tool_use":
        return _tool_use(given, path, cache)
    if kind == "tool_result":
        return _tool_result(given, path, cache)
    if kind == "thinking":
        text = as_text(given.get("thinking"), f"{path}.thinking")
        signature = text_or_none(given.get("signature"), f"{path}.signature") or ""
        part = Part("thinking", text=text, name=kind, origin=WIRE, extra=rest(given, _THINKING))
        return restored(part, signature)
    if kind == "redacted_thinking":
        data = as_text(given.get("data"), f"{path}.data")
        part = Part("thinking", name=kind, origin=WIRE, extra=rest(given, _REDACTED))
        return restored(part, data)
    if kind in SERVER_CALLS:
        return Part(
            "server_tool_call",
            id=as_text(given.get("id"), f"{path}.id"),
            name=as_text(given.get("name"), f"{path}.name"),
            arguments=dump(as_object(given.get("input"), f"{path}.input")).decode(),
            content=given,
            cache=cache,
            origin=WIRE,
            extra=frozen({"type": kind}),
        )
    if kind.endswith("_tool_result"):
        answers = as_text(given.get("tool_use_id"), f"{path}.tool_use_id")
        return Part(
            "server_tool_result", id=answers, name=kind, content=given, cache=cache, origin=WIRE
        )
    return Part("opaque", name=kind, content=given, cache=cache, origin=WIRE)


def _text(given: JsonObject, path: str, cache: JsonObject | None) -> Part:
    citations = given.get("citations")
    listed = () if citations is None else as_list(citations, f"{path}.citations")
    extra = rest(given, _TEXT)
    if citations is not None and not listed:
        extra = frozen({**extra, "citations": []})
    part = Part(
        "text",
        text=as_text(given.get("text"), f"{path}.text"),
        citations=tuple(as_object(c, f"{path}.citations[{i}]") for i, c in enumerate(listed)),
        cache=cache,
        origin=WIRE,
        extra=extra,
    )
    return _with_state(part)


def _with_state(part: Part) -> Part:
    """The state of another family that we put on a text or call comes off it again."""
    signature = part.extra.get("signature")
    if not isinstance(signature, str) or not signature or not is_carried(signature):
        return part
    bare = frozen({k: v for k, v in part.extra.items() if k != "signature"})
    return restored(
        Part(
            part.kind,
            text=part.text,
            id=part.id,
            name=part.name,
            arguments=part.arguments,
            citations=part.citations,
            cache=part.cache,
            extra=bare,
        ),
        signature,
    )


def _media(given: JsonObject, kind: str, path: str, cache: JsonObject | None) -> Part:
    source = as_object(given.get("source"), f"{path}.source")
    where = f"{path}.source"
    form = as_text(source.get("type"), f"{where}.type")
    if form in ("base64", "text"):
        mime = as_text(source.get("media_type"), f"{where}.media_type")
        data = as_text(source.get("data"), f"{where}.data")
        if form == "text":
            try:
                data = base64.b64encode(data.encode()).decode()
            except UnicodeEncodeError:
                raise InvalidRequest(
                    f"{where}.data holds half a surrogate pair", param=where
                ) from None
        known = frozenset({"type", "media_type", "data"})
        media = Media(mime, data)
    elif form == "url":
        known = frozenset({"type", "url"})
        media = Media(url=as_text(source.get("url"), f"{where}.url"))
    elif form == "file":
        known = frozenset({"type", "file_id"})
        media = Media(file_id=as_text(source.get("file_id"), f"{where}.file_id"))
    else:
        return Part("opaque", name=kind, content=given, cache=cache, origin=WIRE)
    taken = _MEDIA
    if kind == "document":
        taken |= {"title"}
        title = text_or_none(given.get("title"), f"{path}.title")
        media = Media(media.mime, media.data_b64, media.url, media.file_id, title)
    extra: dict[str, Json] = dict(rest(given, taken))
    further: dict[str, Json] = dict(rest(source, known))
    if form == "base64" and media.mime.startswith("text/"):
        # Text is written as text: this one must stay as it is.
        further.update({"type": form, "data": source.get("data")})
    if further:
        extra["source"] = further
    return Part(
        "image" if kind == "image" else "document",
        media=media,
        cache=cache,
        origin=WIRE,
        extra=frozen(extra),
    )


def _tool_use(given: JsonObject, path: str, cache: JsonObject | None) -> Part:
    part = Part(
        "tool_call",
        id=as_text(given.get("id"), f"{path}.id"),
        name=as_text(given.get("name"), f"{path}.name"),
        arguments=dump(as_object(given.get("input"), f"{path}.input")).decode(),
        cache=cache,
        origin=WIRE,
        extra=rest(given, _CALL),
    )
    return _with_state(part)


def _tool_result(given: JsonObject, path: str, cache: JsonObject | None) -> Part:
    content = given.get("content")
    failed = given.get("is_error")
    extra: dict[str, Json] = dict(rest(given, _RESULT))
    inner: tuple[Part, ...] | None = None
    if content in ("", []):
        # Nothing, in another spelling than leaving it out.
        extra["content"] = content
    elif content is not None and not isinstance(content, str):
        inner = parts_of(content, f"{path}.content")
    return Part(
        "tool_result",
        id=as_text(given.get("tool_use_id"), f"{path}.tool_use_id"),
        text=content if isinstance(content, str) else "",
        content=inner,
        is_error=None if failed is None else as_bool(failed, f"{path}.is_error"),
        cache=cache,
        origin=WIRE,
        extra=frozen(extra),
    )


def server_call_block(part: Part) -> dict[str, Json]:
    """The native block of a server tool call that a stream told piece by piece."""
    extra = dict(part.extra)
    kind = extra.pop("type", "server_tool_use")
    block: dict[str, Json] = {"type": kind, "id": part.id, "name": part.name}
    block.update(extra)
    return block


def native_block(part: Part) -> JsonObject | None:
    """The block behind a part that only its own family can read, if it is kept."""
    content = part.content
    return content if part.origin == WIRE and isinstance(content, Mapping) else None


def own_kind(part: Part) -> str:
    """The native type of a block that only its own family can read."""
    native = native_block(part)
    return (own_text(native, "type") if native is not None else None) or part.name or part.kind
