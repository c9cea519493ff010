"""Messages as input items, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.content import Media, Message, Part
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.wire.fields import data_url
from multiroute_core.wire.responses.input_in import (
    BLANK,
    CUSTOM_CALL,
    INSTRUCTIONS,
    ITEM,
    MESSAGE,
    PIECE,
    SHORT,
    text_type,
)
from multiroute_core.wire.responses.thinking import WIRE, reasoning_item

FOREIGN: Final = "belongs to another API format"
_NO_FIELD: Final = "target has no such field"
_MARKS: Final = frozenset({ITEM, BLANK, SHORT})
_ROLES: Final = frozenset({"user", "assistant", "system", "developer"})
_SPOKEN: Final = frozenset({"text", "refusal", "image", "document", "audio"})


def write_input(
    messages: Sequence[Message], losses: list[Loss]
) -> tuple[str | None, list[dict[str, Json]]]:
    """(instructions, items) that tell these messages."""
    instructions: str | None = None
    items: list[dict[str, Json]] = []
    for number, message in enumerate(messages):
        if number == 0 and _is_instructions(message):
            instructions = "".join(part.text for part in message.parts)
        else:
            _Writer(message, f"messages[{number}]", losses, items).write()
    return instructions, items


def _is_instructions(message: Message) -> bool:
    return bool(message.parts) and all(
        part.kind == "text" and part.name == INSTRUCTIONS for part in message.parts
    )


class _Writer:
    """Writes one message as items; what it says goes into one item until another kind follows."""

    __slots__ = (
        "_fields",
        "_items",
        "_losses",
        "_open",
        "_parts",
        "_path",
        "_pieces",
        "_role",
        "_text",
    )

    def __init__(
        self, message: Message, path: str, losses: list[Loss], items: list[dict[str, Json]]
    ) -> None:
        self._parts = message.parts
        self._role = message.role
        self._path = path
        self._losses = losses
        self._items = items
        self._open: dict[str, Json] | None = None
        self._pieces: list[Json] = []
        self._text: str | None = None
        self._fields: JsonObject = EMPTY
        if message.origin == WIRE:
            self._fields = message.extra
        else:
            if message.role not in _ROLES:
                self._role = "user"
                if message.role != "tool":
                    losses.append(Loss(f"{path}.role", f"role {message.role}", "sent as user"))
            losses.extend(
                Loss(f"{path}.{name}", "message field", FOREIGN)
                for name, value in message.extra.items()
                if value not in (None, [], (), "")
            )

    def write(self) -> None:
        """Append the items of the message."""
        for number, part in enumerate(self._parts):
            where = f"{self._path}.content[{number}]"
            if part.kind == "tool_call":
                self._item(_call(part, where, self._losses))
            elif part.kind == "tool_result":
                self._item(_result(part, where, self._fields, self._losses))
            elif part.kind == "thinking":
                self._thinking(part, where)
            elif part.kind in _SPOKEN:
                self._say(part, where)
            else:
                self._native(part, where)
        self._close()

    def _close(self) -> None:
        if self._open is not None:
            alone = self._text if len(self._pieces) == 1 else None
            self._open["content"] = self._pieces if alone is None else alone
        self._open = None
        self._pieces = []

    def _item(self, item: dict[str, Json]) -> None:
        self._close()
        self._items.append(item)

    def _thinking(self, part: Part, path: str) -> None:
        if part.origin == WIRE:
            self._item(reasoning_item(part))
        elif part.text or part.signature:
            if part.origin == "chat" and part.name:
                path = f"{self._path}.{part.name}"
            why = "it has no signature of this family"
            self._losses.append(Loss(path, "thinking block", why))

    def _native(self, part: Part, path: str) -> None:
        """A server tool's item, a whole message item, or a piece without a word of ours."""
        content = part.content
        if part.origin != WIRE or not isinstance(content, Mapping):
            what = f"{part.kind} {part.name or ''}".strip()
            self._losses.append(Loss(path, what, FOREIGN))
        elif part.extra.get(PIECE) is True:
            self._say(part, path)
        else:
            self._item(dict(content))

    def _say(self, part: Part, path: str) -> None:
        own = part.origin == WIRE
        wrapper = part.extra.get(ITEM) if own else None
        role = self._role
        if self._open is not None and isinstance(wrapper, Mapping):
            self._close()
        piece = self._piece(part, path)
        if piece is None:
            return
        if self._open is None:
            self._open = {"type": "message"} if part.name == MESSAGE else {}
            self._open["role"] = role
            if isinstance(wrapper, Mapping):
                self._open.update(wrapper)
            if role != "assistant":
                self._open.update(self._fields)
            self._items.append(self._open)
        self._pieces.append(piece)
        self._text = part.text if part.kind != "refusal" and is_plain(part) else None

    def _piece(self, part: Part, path: str) -> Json:
        if part.kind == "opaque":
            return part.content if isinstance(part.content, Mapping) else None
        return write_piece(part, self._role, path, self._losses)


def is_plain(part: Part) -> bool:
    """Whether a text says nothing but itself: alone in its message it is sent as a string."""
    if part.origin == WIRE:
        return part.extra.get(SHORT) is True
    return part.kind == "text" and not (part.extra or part.citations or part.cache is not None)


def write_piece(part: Part, role: str, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    """One piece of content; None where it is lost."""
    own = part.origin == WIRE
    media = part.media
    piece: dict[str, Json]
    if part.kind == "text" or (part.kind == "refusal" and role != "assistant"):
        piece = {"type": text_type(role), "text": part.text}
        if part.citations and own:
            piece["annotations"] = list(part.citations)
        elif part.citations:
            losses.append(Loss(f"{path}.citations", "citations", FOREIGN))
    elif part.kind == "refusal":
        piece = {"type": "refusal", "refusal": part.text}
    elif media is None:
        losses.append(Loss(path, f"{part.kind} part", "it is empty"))
        return None
    elif media.file_id is not None and part.origin not in (None, WIRE, "chat"):
        losses.append(Loss(path, f"{part.kind} by file id", "the file is at another provider"))
        return None
    elif part.kind == "image":
        piece = _image(media)
    elif part.kind == "document":
        piece = _file(media, own)
    elif media.data_b64 is not None:
        sound = {"data": media.data_b64, "format": media.mime.removeprefix("audio/")}
        piece = {"type": "input_audio", "input_audio": sound}
    else:
        losses.append(Loss(path, f"{part.kind} part", "target has no such content"))
        return None
    if own:
        blank = part.extra.get(BLANK)
        if isinstance(blank, Sequence):
            piece.update({str(name): [] for name in blank})
        piece.update({k: v for k, v in part.extra.items() if k not in _MARKS})
        if part.cache is not None:
            piece["cache_control"] = part.cache
    else:
        losses.extend(Loss(f"{path}.{name}", "content field", FOREIGN) for name in part.extra)
        if part.cache is not None:
            losses.append(Loss(f"{path}.cache_control", "cache mark", _NO_FIELD))
    return piece


def _image(media: Media) -> dict[str, Json]:
    piece: dict[str, Json] = {"type": "input_image"}
    if media.detail is not None:
        piece["detail"] = media.detail
    if media.data_b64 is not None:
        piece["image_url"] = data_url(media.mime, media.data_b64)
    elif media.url is not None:
        piece["image_url"] = media.url
    if media.file_id is not None:
        piece["file_id"] = media.file_id
    return piece


def _file(media: Media, own: bool) -> dict[str, Json]:
    piece: dict[str, Json] = {"type": "input_file"}
    name = media.name
    if media.data_b64 is not None:
        data = media.data_b64
        piece["file_data"] = data_url(media.mime, data) if media.mime else data
        if name is None and not own:
            name = "document.pdf" if media.mime == "application/pdf" else "document"
    if name is not None:
        piece["filename"] = name
    if media.url is not None:
        piece["file_url"] = media.url
    if media.file_id is not None:
        piece["file_id"] = media.file_id
    return piece


def _call(part: Part, path: str, losses: list[Loss]) -> dict[str, Json]:
    own = part.origin == WIRE
    item: dict[str, Json] = {
        "type": "function_call",
        "call_id": part.id or "",
        "name": part.name or "",
        "arguments": part.arguments or ("" if own else "{}"),
    }
    if own:
        item.update(part.extra)
        if item["type"] == CUSTOM_CALL:
            item["input"] = item.pop("arguments")
    else:
        losses.extend(Loss(f"{path}.{name}", "tool call field", FOREIGN) for name in part.extra)
    if part.cache is not None:
        losses.append(Loss(f"{path}.cache_control", "cache mark", _NO_FIELD))
    return item


def _result(part: Part, path: str, fields: JsonObject, losses: list[Loss]) -> dict[str, Json]:
    output: Json = part.text
    if isinstance(part.content, tuple):
        pieces: list[Json] = []
        for number, inner in enumerate(part.content):
            if isinstance(inner, Part):
                where = f"{path}.content[{number}]"
                if inner.kind == "opaque" and inner.origin == WIRE:
                    pieces.append(inner.content)  # type: ignore[arg-type]  # opaque content is native JSON
                elif inner.kind in _SPOKEN:
                    piece = write_piece(inner, "tool", where, losses)
                    if piece is not None:
                        pieces.append(piece)
                else:
                    losses.append(Loss(where, f"{inner.kind} part", "target has no such content"))
        output = pieces
    if part.is_error:
        losses.append(Loss(f"{path}.is_error", "error mark of a tool result", _NO_FIELD))
    if part.cache is not None:
        losses.append(Loss(f"{path}.cache_control", "cache mark", _NO_FIELD))
    if part.extra:
        losses.extend(Loss(f"{path}.{name}", "result field", FOREIGN) for name in part.extra)
    return {
        "type": "function_call_output",
        "call_id": part.id or "",
        "output": output,
        **fields,
    }
