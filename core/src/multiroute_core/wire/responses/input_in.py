"""Input items as messages.

Items of the assistant's side that follow one another are one turn: its thinking, its words and
its tool calls. Results of tools are messages of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from multiroute_core.api.content import Media, Message, Part
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.fields import (
    as_list,
    as_object,
    as_text,
    media_from_url,
    own_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.responses.thinking import WIRE, thinking_part

INSTRUCTIONS: Final = "instructions"
MESSAGE: Final = "message"
ITEM: Final = "item"
BLANK: Final = "blank"
PIECE: Final = "piece"
SHORT: Final = "short"
TEXT_TYPES: Final = frozenset({"input_text", "output_text", "text"})
CUSTOM_CALL: Final = "custom_tool_call"
OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})

IN_MESSAGE: Final = frozen({PIECE: True})
_MESSAGE: Final = frozenset({"type", "role", "content"})
_CALL: Final = frozenset({"type", "call_id", "name", "arguments"})
_CUSTOM: Final = frozenset({"call_id", "name", "input"})
_OUTPUT: Final = frozenset({"type", "call_id", "output"})
_REFUSAL: Final = frozenset({"type", "refusal"})
_TEXT: Final = frozenset({"type", "text", "cache_control"})


def text_type(role: str) -> str:
    """The usual type of a text piece in a message of this role."""
    return "output_text" if role == "assistant" else "input_text"


def item_kind(kind: str) -> str:
    """The kind of part that an item of a type without a word of ours becomes.

    >>> item_kind("web_search_call"), item_kind("compaction")
    ('server_tool_call', 'opaque')
    """
    if kind.endswith("_call"):
        return "server_tool_call"
    return "server_tool_result" if kind.endswith("_output") else "opaque"


def native_part(item: JsonObject) -> Part:
    """A server tool's item, or one without a word of ours, as it is."""
    kind = own_text(item, "type") or "item"
    part = item_kind(kind)
    if part == "opaque":
        return Part("opaque", name=kind, content=item, origin=WIRE)
    return Part(
        part,  # type: ignore[arg-type]  # item_kind gives part kinds only
        id=own_text(item, "id"),
        name=own_text(item, "name") or kind.removesuffix("_call").removesuffix("_output"),
        content=item,
        origin=WIRE,
        extra=frozen({"type": kind}),
    )


class _Turn:
    """The assistant's turn that is being read."""

    __slots__ = ("has_call", "is_after_message", "parts")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.has_call = False
        self.is_after_message = False

    def flush(self, out: list[Message]) -> None:
        if self.parts:
            out.append(Message("assistant", tuple(self.parts), WIRE))
        self.parts = []
        self.has_call = False
        self.is_after_message = False

    def words(self, parts: tuple[Part, ...], out: list[Message]) -> None:
        """A message item. It begins a turn after another one, unless calls tie them together."""
        if self.is_after_message and not self.has_call:
            self.flush(out)
        elif self.is_after_message and ITEM not in parts[0].extra:
            parts = (_wrapped(parts[0], EMPTY), *parts[1:])
        self.parts.extend(parts)
        self.is_after_message = True

    def item(self, part: Part) -> None:
        self.parts.append(part)
        self.has_call = self.has_call or part.kind == "tool_call"
        self.is_after_message = False


def _wrapped(part: Part, own: JsonObject) -> Part:
    """A part that begins a message item with these fields."""
    short = {} if part.origin == WIRE else {SHORT: True}
    return replace(part, origin=WIRE, extra=frozen({**part.extra, ITEM: own, **short}))


def read_input(value: Json, path: str) -> tuple[Message, ...]:
    """The conversation in an input: a text of the user, or a list of items.

    Raises:
        InvalidRequest: what cannot be read, and where it stands.
    """
    if isinstance(value, str):
        return (Message("user", (Part("text", text=value),), WIRE),)
    out: list[Message] = []
    turn = _Turn()
    for number, given in enumerate(as_list(value, path)):
        where = f"{path}[{number}]"
        item = as_object(given, where)
        kind = item.get("type")
        kind = MESSAGE if kind is None and "role" in item else as_text(kind, f"{where}.type")
        if kind == MESSAGE:
            role = as_text(item.get("role"), f"{where}.role")
            if role == "assistant":
                turn.words(_spoken(item, role, where), out)
            else:
                turn.flush(out)
                out.append(_said(item, role, where))
        elif kind in OUTPUTS:
            turn.flush(out)
            out.append(_output(item, kind, where))
        elif kind == "function_call":
            turn.item(_call(item, where))
        elif kind == CUSTOM_CALL:
            turn.item(_custom(item, where))
        elif kind == "reasoning":
            turn.item(thinking_part(item))
        else:
            turn.item(native_part(item))
    turn.flush(out)
    return tuple(out)


def _parts(item: JsonObject, role: str, path: str) -> tuple[tuple[Part, ...], JsonObject]:
    """A message's content, and the item's own fields. An item without content is kept whole."""
    parts = read_content(item.get("content"), role, f"{path}.content")
    if not parts:
        return (Part("opaque", name=MESSAGE, content=item, origin=WIRE),), EMPTY
    own = rest(item, _MESSAGE)
    if "type" not in item:
        return parts, own
    if parts[0].kind == "opaque":
        return parts, frozen({"type": MESSAGE, **own})
    return (replace(parts[0], name=MESSAGE), *parts[1:]), own


def _said(item: JsonObject, role: str, path: str) -> Message:
    parts, own = _parts(item, role, path)
    return Message(role, parts, WIRE, own)


def _spoken(item: JsonObject, role: str, path: str) -> tuple[Part, ...]:
    parts, own = _parts(item, role, path)
    return (_wrapped(parts[0], own), *parts[1:]) if own else parts


def _call(item: JsonObject, path: str) -> Part:
    return Part(
        "tool_call",
        id=as_text(item.get("call_id"), f"{path}.call_id"),
        name=as_text(item.get("name"), f"{path}.name"),
        arguments=as_text(item.get("arguments"), f"{path}.arguments"),
        origin=WIRE,
        extra=rest(item, _CALL),
    )


def _custom(item: JsonObject, path: str) -> Part:
    return Part(
        "tool_call",
        id=as_text(item.get("call_id"), f"{path}.call_id"),
        name=as_text(item.get("name"), f"{path}.name"),
        arguments=as_text(item.get("input"), f"{path}.input"),
        origin=WIRE,
        extra=rest(item, _CUSTOM),
    )


def _output(item: JsonObject, kind: str, path: str) -> Message:
    answers = as_text(item.get("call_id"), f"{path}.call_id")
    output = item.get("output")
    if isinstance(output, str):
        part = Part("tool_result", text=output, id=answers)
    else:
        part = Part("tool_result", id=answers, content=read_content(output, "tool", path))
    extra = rest(item, _OUTPUT)
    if kind != "function_call_output":
        extra = frozen({"type": kind, **extra})
    return Message("tool", (part,), WIRE, extra)


def read_content(value: Json, role: str, path: str) -> tuple[Part, ...]:
    """The pieces of a message, or of a tool's result."""
    if isinstance(value, str):
        return (Part("text", text=value),)
    return tuple(
        _piece(as_object(piece, f"{path}[{i}]"), role, f"{path}[{i}]")
        for i, piece in enumerate(as_list(value, path))
    )


def _piece(given: JsonObject, role: str, path: str) -> Part:
    kind = as_text(given.get("type"), f"{path}.type")
    marks = given.get("cache_control")
    cache = None if marks is None else as_object(marks, f"{path}.cache_control")
    if kind in TEXT_TYPES:
        return _text(given, kind, role, cache, path)
    known: frozenset[str]
    if kind == "refusal":
        text = as_text(given.get("refusal"), f"{path}.refusal")
        return Part("refusal", text=text, origin=WIRE, extra=rest(given, _REFUSAL))
    if kind == "input_image":
        link = text_or_none(given.get("image_url"), f"{path}.image_url")
        mime, data, url = ("", None, None) if link is None else media_from_url(link)
        known = frozenset({"type", "image_url", "file_id", "detail", "cache_control"})
        media = Media(
            mime,
            data,
            url,
            text_or_none(given.get("file_id"), f"{path}.file_id"),
            detail=text_or_none(given.get("detail"), f"{path}.detail"),
        )
        return Part("image", media=media, cache=cache, origin=WIRE, extra=rest(given, known))
    if kind == "input_file":
        known = frozenset({"type", "file_id", "file_url", "file_data", "filename", "cache_control"})
        return Part(
            "document",
            media=_file(given, path),
            cache=cache,
            origin=WIRE,
            extra=rest(given, known),
        )
    audio = given.get("input_audio")
    if kind == "input_audio" and audio is not None:
        inner = as_object(audio, f"{path}.input_audio")
        mime = "audio/" + as_text(inner.get("format"), f"{path}.input_audio.format")
        data = as_text(inner.get("data"), f"{path}.input_audio.data")
        known = frozenset({"type", "input_audio", "cache_control"})
        return Part(
            "audio", media=Media(mime, data), cache=cache, origin=WIRE, extra=rest(given, known)
        )
    return Part("opaque", name=kind, content=given, origin=WIRE, extra=IN_MESSAGE)


def _text(given: JsonObject, kind: str, role: str, cache: JsonObject | None, path: str) -> Part:
    extra: dict[str, Json] = dict(rest(given, _TEXT))
    if kind != text_type(role):
        extra["type"] = kind
    citations: tuple[JsonObject, ...] = ()
    notes = given.get("annotations")
    if isinstance(notes, Sequence) and not isinstance(notes, str) and notes:
        del extra["annotations"]
        citations = tuple(
            as_object(note, f"{path}.annotations[{i}]") for i, note in enumerate(notes)
        )
    blank = tuple(name for name, value in extra.items() if value == [])
    if blank:
        for name in blank:
            del extra[name]
        extra[BLANK] = blank
    return Part(
        "text",
        text=as_text(given.get("text"), f"{path}.text"),
        citations=citations,
        cache=cache,
        origin=WIRE,
        extra=frozen(extra),
    )


def _file(given: JsonObject, path: str) -> Media:
    name = text_or_none(given.get("filename"), f"{path}.filename")
    file_id = text_or_none(given.get("file_id"), f"{path}.file_id")
    url = text_or_none(given.get("file_url"), f"{path}.file_url")
    data = text_or_none(given.get("file_data"), f"{path}.file_data")
    mime = ""
    if data is not None:
        mime, inside, _ = media_from_url(data)
        data = data if inside is None else inside
    return Media(mime, data, url, file_id, name)
