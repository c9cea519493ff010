"""One output item of a reply as it arrives, turned into the events of its parts.

Providers differ in which events they send: each item knows what it has told already, so that a
final text or item adds what is missing and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from multiroute_core.api.content import Part
from multiroute_core.api.events import Channel, Delta, Event, PartEnd, PartStart
from multiroute_core.api.json import EMPTY, Json, JsonObject, frozen
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.responses.input_in import (
    CUSTOM_CALL,
    IN_MESSAGE,
    ITEM,
    native_part,
)
from multiroute_core.wire.responses.thinking import FIELD, WIRE, joined, segments

ENCRYPTED_AGAIN = "encrypted_again"
"""Name in a finish's `extra` of thinking that the closing event holds encrypted anew, by item id:
either form may be sent back."""

_MESSAGE = frozenset({"type", "role", "content", "status"})
_CALL = frozenset({"type", "call_id", "name", "arguments", "input", "status"})


class Numbers:
    """Hands out part numbers of one reply."""

    __slots__ = ("calls", "next_at")

    def __init__(self) -> None:
        self.next_at = 0
        self.calls = 0

    def take(self) -> int:
        """The next part's number."""
        at = self.next_at
        self.next_at = at + 1
        return at


class Item(Protocol):
    """An output item that is being read."""

    kind: str
    is_done: bool

    def done(self, item: JsonObject, out: list[Event]) -> None:
        """The item as a whole: tell what was not told, and end it."""
        ...

    def end(self, out: list[Event]) -> None:
        """End what is open."""
        ...


class _Piece:
    """A text-like piece of a message: its part's number and what was told of it."""

    __slots__ = ("at", "citations", "has_logprobs", "told")

    def __init__(self, at: int) -> None:
        self.at = at
        self.told: list[str] = []
        self.citations = 0
        self.has_logprobs = False


class MessageItem:
    """A message: texts and refusals."""

    kind = "message"

    def __init__(self, native: JsonObject, numbers: Numbers) -> None:
        self.is_done = False
        self._numbers = numbers
        self._own = frozen({k: v for k, v in native.items() if k not in _MESSAGE and v is not None})
        self._pieces: dict[int, _Piece] = {}

    def piece(self, number: int, kind: Literal["text", "refusal"], out: list[Event]) -> _Piece:
        """The piece of this number; a new one begins its part."""
        piece = self._pieces.get(number)
        if piece is None:
            extra = EMPTY if self._pieces or not self._own else frozen({ITEM: self._own})
            piece = self._pieces[number] = _Piece(self._numbers.take())
            out.append(PartStart(piece.at, Part(kind, origin=WIRE, extra=extra)))
        return piece

    def delta(
        self, number: int, kind: Literal["text", "refusal"], text: Json, out: list[Event]
    ) -> None:
        """More text of a piece."""
        if isinstance(text, str) and text and not self.is_done:
            piece = self.piece(number, kind, out)
            piece.told.append(text)
            channel: Channel = kind
            out.append(Delta(piece.at, channel, text))

    def text(
        self, number: int, kind: Literal["text", "refusal"], text: Json, out: list[Event]
    ) -> None:
        """A piece's whole text: tell the rest of it."""
        if self.is_done or not isinstance(text, str):
            return
        piece = self.piece(number, kind, out)
        rest = _untold(piece.told, text)
        if rest:
            self.delta(number, kind, rest, out)

    def logprobs(self, number: int, tokens: Json, out: list[Event], is_final: bool = False) -> None:
        """Probabilities of tokens; final ones count only where none came before."""
        if self.is_done or not isinstance(tokens, Sequence) or isinstance(tokens, str):
            return
        if tokens:
            piece = self.piece(number, "text", out)
            if not (is_final and piece.has_logprobs):
                piece.has_logprobs = True
                out.append(Delta(piece.at, "logprobs", frozen({"content": tokens})))

    def citation(self, number: int, note: Json, out: list[Event]) -> None:
        """An annotation of a piece."""
        if isinstance(note, Mapping) and not self.is_done:
            piece = self.piece(number, "text", out)
            piece.citations += 1
            out.append(Delta(piece.at, "citation", note))

    def whole_piece(self, number: int, given: JsonObject, out: list[Event]) -> None:
        """A piece as a whole."""
        kind = given.get("type")
        if kind == "refusal":
            self.text(number, "refusal", given.get("refusal"), out)
        elif kind in ("output_text", "text"):
            self.text(number, "text", given.get("text"), out)
            self.logprobs(number, given.get("logprobs"), out, is_final=True)
            notes = given.get("annotations")
            if isinstance(notes, Sequence) and not isinstance(notes, str):
                piece = self._pieces.get(number)
                for note in notes[piece.citations if piece is not None else 0 :]:
                    self.citation(number, note, out)
        elif number not in self._pieces:
            piece = self._pieces[number] = _Piece(self._numbers.take())
            name = kind if isinstance(kind, str) else "content"
            part = Part("opaque", name=name, content=given, origin=WIRE, extra=IN_MESSAGE)
            out.append(PartStart(piece.at, part))

    def done(self, item: JsonObject, out: list[Event]) -> None:
        """The message as a whole."""
        if self.is_done:
            return
        content = item.get("content")
        if isinstance(content, str):
            self.text(0, "text", content, out)
        elif isinstance(content, Sequence):
            for number, given in enumerate(content):
                if isinstance(given, Mapping):
                    self.whole_piece(number, given, out)
        self.end(out)

    def end(self, out: list[Event]) -> None:
        """End the parts."""
        if not self.is_done:
            self.is_done = True
            out.extend(PartEnd(piece.at) for piece in self._pieces.values())


class CallItem:
    """A call of one of the client's tools; custom tools take free text."""

    def __init__(self, native: JsonObject, numbers: Numbers, out: list[Event]) -> None:
        self.kind = str(native.get("type"))
        self.is_done = False
        self._numbers = numbers
        self._told: list[str] = []
        self._early: list[str] = []
        self._at: int | None = None
        if own_text(native, "name"):
            self._start(native, out)

    def _start(self, native: JsonObject, out: list[Event]) -> int:
        number = self._numbers.calls
        self._numbers.calls = number + 1
        own_id = own_text(native, "id")
        extra = {k: v for k, v in native.items() if k not in _CALL and v is not None}
        if self.kind == CUSTOM_CALL:
            extra["type"] = self.kind
        at = self._at = self._numbers.take()
        part = Part(
            "tool_call",
            id=own_text(native, "call_id") or own_id or f"call_{number}",
            name=own_text(native, "name") or "",
            arguments="",
            origin=WIRE,
            extra=frozen(extra),
        )
        out.append(PartStart(at, part))
        for text in self._early:
            self.delta(text, out)
        return at

    def delta(self, text: Json, out: list[Event]) -> None:
        """More of the arguments."""
        if self.is_done or not isinstance(text, str) or not text:
            return
        if self._at is None:
            self._early.append(text)
        else:
            self._told.append(text)
            out.append(Delta(self._at, "arguments", text))

    def arguments(self, text: Json, out: list[Event]) -> None:
        """The arguments as a whole: tell the rest of them."""
        if isinstance(text, str) and self._at is not None:
            self.delta(_untold(self._told, text), out)

    def done(self, item: JsonObject, out: list[Event]) -> None:
        """The call as a whole."""
        if not self.is_done:
            if self._at is None:
                self._start(item, out)
            self.arguments(item.get("input" if self.kind == CUSTOM_CALL else "arguments"), out)
            self.end(out)

    def end(self, out: list[Event]) -> None:
        """End the part."""
        if not self.is_done:
            self.is_done = True
            if self._at is not None:
                out.append(PartEnd(self._at))


class ReasoningItem:
    """Thinking: summaries and full thoughts as one text, then its encrypted form.

    The part begins with the first text, or with the whole item, which it then holds from the
    start: an item without text commits no stream.
    """

    kind = "reasoning"

    def __init__(self, native: JsonObject, numbers: Numbers) -> None:
        self.is_done = False
        self._numbers = numbers
        self._id = own_text(native, "id")
        self._at: int | None = None
        self._told: dict[tuple[str, int], list[str]] = {}
        self._last: tuple[str, int] | None = None
        self._all: list[str] = []
        self._encrypted: str | None = None

    def delta(self, field: str, number: Json, text: Json, out: list[Event]) -> None:
        """More of one piece of thinking."""
        if self.is_done or not isinstance(text, str) or not text:
            return
        if self._at is None:
            self._at = self._numbers.take()
            extra = EMPTY if field == "summary" else frozen({FIELD: field})
            out.append(PartStart(self._at, Part("thinking", id=self._id, origin=WIRE, extra=extra)))
        key = (field, number if isinstance(number, int) else 0)
        self._last = key
        self._told.setdefault(key, []).append(text)
        self._tell(text, out)

    def _tell(self, text: str, out: list[Event]) -> None:
        if text and self._at is not None:
            self._all.append(text)
            out.append(Delta(self._at, "thinking", text))

    def text(self, field: str, number: Json, text: Json, out: list[Event]) -> None:
        """One piece as a whole: tell the rest, unless another piece has begun since."""
        key = (field, number if isinstance(number, int) else 0)
        told = self._told.get(key)
        if isinstance(text, str) and (told is None or self._last == key):
            self.delta(field, key[1], _untold(told or [], text), out)

    def done(self, item: JsonObject, out: list[Event]) -> None:
        """The item as a whole."""
        if self.is_done:
            return
        encrypted = self._encrypted = own_text(item, "encrypted_content")
        text = joined(item)
        if self._at is None:
            self._at = self._numbers.take()
            own_id = own_text(item, "id") or self._id
            is_full = bool(text) and not item.get("summary")
            extra = frozen({FIELD: "content"}) if is_full else EMPTY
            part = Part("thinking", id=own_id, content=item, origin=WIRE, extra=extra)
            out.append(PartStart(self._at, part))
            self._tell(text, out)
        else:
            told = "".join(self._all)
            if text.startswith(told):
                self._tell(text[len(told) :], out)
            else:
                for (field, number), piece in segments(item):
                    if piece not in told:
                        self.text(field, number, piece, out)
            out.append(Delta(self._at, "content", item))
        if encrypted:
            out.append(Delta(self._at, "signature", encrypted))
        self.end(out)

    def encrypted_again(self, item: JsonObject) -> dict[str, Json]:
        """The encrypted form in the closing event by the item's id, where it is another one."""
        own_id = own_text(item, "id")
        encrypted = own_text(item, "encrypted_content")
        if not self.is_done or own_id is None or encrypted in (None, self._encrypted):
            return {}
        return {own_id: encrypted}

    def end(self, out: list[Event]) -> None:
        """End the part."""
        if not self.is_done:
            self.is_done = True
            if self._at is not None:
                out.append(PartEnd(self._at))


class NativeItem:
    """A tool of the provider's own, or an item without a word of ours."""

    def __init__(self, native: JsonObject, numbers: Numbers, out: list[Event]) -> None:
        self.kind = str(native.get("type"))
        self.is_done = False
        self._native = native
        self._at = numbers.take()
        out.append(PartStart(self._at, native_part(native)))

    def done(self, item: JsonObject, out: list[Event]) -> None:
        """The item as a whole."""
        if not self.is_done:
            if item != self._native:
                out.append(Delta(self._at, "content", item))
            self.end(out)

    def end(self, out: list[Event]) -> None:
        """End the part."""
        if not self.is_done:
            self.is_done = True
            out.append(PartEnd(self._at))


def new_item(native: JsonObject, numbers: Numbers, out: list[Event]) -> Item:
    """A reader for an item that begins."""
    kind = native.get("type")
    if kind == "message":
        return MessageItem(native, numbers)
    if kind in ("function_call", CUSTOM_CALL):
        return CallItem(native, numbers, out)
    if kind == "reasoning":
        return ReasoningItem(native, numbers)
    return NativeItem(native, numbers, out)


def _untold(told: Sequence[str], whole: str) -> str:
    """What of a whole text was not told yet; nothing, if it is another text."""
    sent = "".join(told)
    return whole[len(sent) :] if whole.startswith(sent) else ""
