"""Output items of a stream as they are written, each with its own sequence of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from multiroute_core.api.content import Part
from multiroute_core.api.events import Delta
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.responses.output_items import (
    annotation,
    call_item,
    is_custom,
    message_item,
    text_piece,
    tokens,
)
from multiroute_core.wire.responses.thinking import is_full_text, reasoning_item

Tell: TypeAlias = Callable[[str, Mapping[str, Json]], None]
"""Writes one event: its type, and its fields beside type and sequence number."""


class OutItem(Protocol):
    """An output item that is being written; `item` is what it is so far."""

    item: dict[str, Json]
    is_done: bool

    def delta(self, event: Delta, tell: Tell) -> Loss | None:
        """More of a part; what of it could not be written."""
        ...

    def end_part(self, at: int, tell: Tell) -> None:
        """A part is complete."""
        ...

    def end(self, tell: Tell) -> None:
        """The item is complete."""
        ...


def _added(item: dict[str, Json], index: int, tell: Tell) -> None:
    tell("response.output_item.added", {"output_index": index, "item": item})


def _done(item: dict[str, Json], index: int, tell: Tell) -> None:
    tell("response.output_item.done", {"output_index": index, "item": item})


class _Piece:
    """A piece of a message: its kind, and what was written of it."""

    __slots__ = ("index", "is_done", "logprobs", "notes", "part", "texts")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.texts: list[str] = []
        self.notes: list[Json] = []
        self.logprobs: list[Json] = []
        self.is_done = False

    def whole(self) -> dict[str, Json]:
        text = "".join(self.texts)
        if isinstance(self.part.content, Mapping):
            return dict(self.part.content)
        if self.part.kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return text_piece(text, self.notes, self.logprobs)


class OutMessage:
    """A message: texts and refusals, until another kind of item follows."""

    def __init__(self, part: Part, index: int, own_id: str, tell: Tell) -> None:
        self.item = message_item(part, own_id)
        self.is_done = False
        self._index = index
        self._pieces: dict[int, _Piece] = {}
        self._open: _Piece | None = None
        _added({**self.item, "status": "in_progress"}, index, tell)

    def _where(self, piece: _Piece) -> dict[str, Json]:
        return {
            "item_id": self.item["id"],
            "output_index": self._index,
            "content_index": piece.index,
        }

    def start_part(self, at: int, part: Part, tell: Tell) -> list[Loss]:
        """A piece begins; what of it could not be written."""
        piece = self._pieces[at] = self._open = _Piece(len(self._pieces), part)
        tell("response.content_part.added", {**self._where(piece), "part": piece.whole()})
        if part.text:
            self._write(piece, part.text, tell)
        told = [self._note(piece, citation, tell) for citation in part.citations]
        return [loss for loss in told if loss is not None]

    def _write(self, piece: _Piece, text: str, tell: Tell) -> None:
        piece.texts.append(text)
        if piece.part.kind == "refusal":
            tell("response.refusal.delta", {**self._where(piece), "delta": text})
        else:
            fields = {**self._where(piece), "delta": text, "logprobs": []}
            tell("response.output_text.delta", fields)

    def _note(self, piece: _Piece, citation: JsonObject, tell: Tell) -> Loss | None:
        note = annotation(citation, sum(map(len, piece.texts)))
        if note is None:
            return Loss("choices[0].citations", "citation", "it has no address")
        fields: dict[str, Json] = {
            **self._where(piece),
            "annotation_index": len(piece.notes),
            "annotation": note,
        }
        piece.notes.append(note)
        tell("response.output_text.annotation.added", fields)
        return None

    def logprobs(self, block: JsonObject) -> None:
        """Probabilities of tokens: they stand in the piece's closing events."""
        if self._open is not None:
            self._open.logprobs.extend(tokens(block))

    def delta(self, event: Delta, tell: Tell) -> Loss | None:
        """More of a piece."""
        piece = self._pieces[event.at]
        if event.channel == "citation" and isinstance(event.value, Mapping):
            return self._note(piece, event.value, tell)
        if event.channel in ("text", "refusal") and event.value:
            self._write(piece, str(event.value), tell)
        return None

    def end_part(self, at: int, tell: Tell) -> None:
        """A piece is complete, but for log probabilities that may still follow."""

    def end(self, tell: Tell) -> None:
        """The message is complete."""
        if self.is_done:
            return
        self.is_done = True
        content: list[Json] = []
        for piece in self._pieces.values():
            whole = piece.whole()
            content.append(whole)
            where = self._where(piece)
            if piece.part.kind == "refusal":
                tell("response.refusal.done", {**where, "refusal": whole["refusal"]})
            elif piece.part.kind == "text":
                fields = {**where, "text": whole["text"], "logprobs": whole["logprobs"]}
                tell("response.output_text.done", fields)
            tell("response.content_part.done", {**where, "part": whole})
        self.item["content"] = content
        _done(self.item, self._index, tell)


class OutCall:
    """A tool call."""

    def __init__(self, part: Part, index: int, own_id: str, tell: Tell) -> None:
        self.is_done = False
        self._part = part
        self._index = index
        self._own_id = own_id
        self._is_custom = is_custom(part)
        self._pieces: list[str] = []
        self.item = call_item(part, own_id, "")
        blank = {"input" if self._is_custom else "arguments": "", "status": "in_progress"}
        _added({**self.item, **blank}, index, tell)
        if part.arguments:
            self._write(part.arguments, tell)

    def _event(self, step: str, name: str, value: str, tell: Tell) -> None:
        family = "custom_tool_call_input" if self._is_custom else "function_call_arguments"
        fields: dict[str, Json] = {
            "item_id": self.item["id"],
            "output_index": self._index,
            name: value,
        }
        if step == "done" and not self._is_custom:
            fields["name"] = self.item["name"]  # some releases of the official client require it
        tell(f"response.{family}.{step}", fields)

    def _write(self, text: str, tell: Tell) -> None:
        self._pieces.append(text)
        self._event("delta", "delta", text, tell)

    def delta(self, event: Delta, tell: Tell) -> Loss | None:
        """More of the arguments."""
        if event.channel == "arguments" and event.value:
            self._write(str(event.value), tell)
        return None

    def end_part(self, at: int, tell: Tell) -> None:
        """The call is complete."""
        self.end(tell)

    def end(self, tell: Tell) -> None:
        """The call is complete."""
        if self.is_done:
            return
        self.is_done = True
        if not self._pieces and not self._is_custom:
            self._write("{}", tell)
        arguments = "".join(self._pieces)
        self.item = call_item(self._part, self._own_id, arguments)
        self._event("done", "input" if self._is_custom else "arguments", arguments, tell)
        _done(self.item, self._index, tell)


class OutReasoning:
    """Thinking, as one summary, or as the full thoughts that it is.

    Its encrypted form stands in the closing event. `is_repeated`: its id was used by another item
    of the response, so that it gets `own_id`: clients tell items apart by their ids.
    """

    def __init__(
        self, part: Part, index: int, own_id: str, tell: Tell, *, is_repeated: bool = False
    ) -> None:
        self.is_done = False
        self._part = part
        self._index = index
        self._own_id = own_id
        self._is_repeated = is_repeated
        self._is_full = is_full_text(part)
        self._texts: list[str] = []
        self._signatures = [part.signature] if part.signature else []
        self._content: Json = part.content if isinstance(part.content, Mapping) else None
        self.item = self._built(replace(part, text="", signature=None, content=None))
        _added(self.item, index, tell)
        if part.text:
            self._write(part.text, tell)

    def _built(self, part: Part) -> dict[str, Json]:
        item = reasoning_item(part, self._own_id)
        if self._is_repeated:
            item["id"] = self._own_id
        return item

    def _event(self, step: str, fields: Mapping[str, Json], tell: Tell) -> None:
        name = "content_index" if self._is_full else "summary_index"
        family = "reasoning" if self._is_full else "reasoning_summary"
        if self._is_full and step.startswith("_part"):
            family = "content"
        where = {"item_id": self.item["id"], "output_index": self._index, name: 0}
        tell(f"response.{family}{step}", {**where, **fields})

    def _piece(self, text: str) -> dict[str, Json]:
        return {"type": "reasoning_text" if self._is_full else "summary_text", "text": text}

    def _write(self, text: str, tell: Tell) -> None:
        if not self._texts:
            self._event("_part.added", {"part": self._piece("")}, tell)
        self._texts.append(text)
        self._event("_text.delta", {"delta": text}, tell)

    def delta(self, event: Delta, tell: Tell) -> Loss | None:
        """More of the thinking, or of its signature."""
        if event.channel == "thinking" and event.value:
            self._write(str(event.value), tell)
        elif event.channel == "signature":
            self._signatures.append(str(event.value))
        elif event.channel == "content" and isinstance(event.value, Mapping):
            self._content = event.value
        return None

    def end_part(self, at: int, tell: Tell) -> None:
        """The thinking is complete."""
        self.end(tell)

    def end(self, tell: Tell) -> None:
        """The thinking is complete."""
        if self.is_done:
            return
        self.is_done = True
        text = "".join(self._texts)
        if self._texts:
            self._event("_text.done", {"text": text}, tell)
            self._event("_part.done", {"part": self._piece(text)}, tell)
        whole = replace(
            self._part,
            text=text,
            signature="".join(self._signatures) or None,
            content=self._content,
        )
        self.item = self._built(whole)
        _done(self.item, self._index, tell)


class OutNative:
    """An item of this format that is passed on as it came."""

    def __init__(self, part: Part, index: int, tell: Tell) -> None:
        assert isinstance(part.content, Mapping)
        self.is_done = False
        self.item: dict[str, Json] = dict(part.content)
        self._index = index
        _added(self.item, index, tell)

    def delta(self, event: Delta, tell: Tell) -> Loss | None:
        """The item as it is now."""
        if event.channel == "content" and isinstance(event.value, Mapping):
            self.item = dict(event.value)
        return None

    def end_part(self, at: int, tell: Tell) -> None:
        """The item is complete."""
        self.end(tell)

    def end(self, tell: Tell) -> None:
        """The item is complete."""
        if not self.is_done:
            self.is_done = True
            _done(self.item, self._index, tell)
