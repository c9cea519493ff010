"""Parts as messages of a chat completions request, with everything that could not be carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.content import Message, Part
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.wire.chat.details import joined_details, thinking_detail
from multiroute_core.wire.chat.words import THOUGHTS, WIRE
from multiroute_core.wire.fields import data_url

FOREIGN: Final = "belongs to another API format"
EMPTY_VALUES: Final[tuple[Json, ...]] = (None, [], (), "", {})
"""Values of a field that say nothing."""


def objects(value: Json, count: int) -> Sequence[JsonObject]:
    """The objects of a list in the client's document that has this many items, or empty ones.

    Where the format allows two spellings of one thing, the client's own is kept. A list of another
    length has been rewritten on the way, and says nothing any more.
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == count:
        return [item if isinstance(item, Mapping) else EMPTY for item in value]
    return [EMPTY] * count


class MessageWriter:
    """Writes one message, or several: results of tools are messages of their own in this format.

    `spelt` is the message in the client's document, if that was of this format. `thinking_field`
    is the field in which the upstream takes thinking back as text, if it does; `takes_details`:
    it takes `reasoning_details` with signatures.
    """

    def __init__(
        self,
        path: str,
        losses: list[Loss],
        spelt: JsonObject,
        *,
        thinking_field: str | None = None,
        takes_details: bool = False,
    ) -> None:
        self._path = path
        self._losses = losses
        self._spelt = spelt
        self._thinking_field = thinking_field
        self._takes_details = takes_details
        self._written: dict[str, Json] = {}
        self._content: list[Json] = []
        self._calls: list[Json] = []
        self._details: list[Json] = []
        self._results: list[Json] = []
        self._is_plain = True

    def write(self, message: Message) -> list[Json]:
        """The messages. To be called once."""
        self._written["role"] = message.role
        contents = objects(self._spelt.get("content"), _count(self._spelt.get("content")))
        calls = self._spelt.get("tool_calls")
        spelt_calls = objects(calls, _count(calls))
        at_content = 0
        for number, part in enumerate(message.parts):
            where = f"{self._path}.content[{number}]"
            if part.kind == "tool_result":
                self._results.append(self._result(part, where))
            elif part.kind == "tool_call" or _is_native_call(part):
                at = len(self._calls)
                spelt = spelt_calls[at] if at < len(spelt_calls) else EMPTY
                self._calls.append(self._call(part, where, spelt))
            elif part.kind == "thinking":
                self._thinking(part, where)
            elif part.kind == "refusal" and message.role == "assistant" and not contents:
                self._written["refusal"] = part.text
            else:
                spelt = contents[at_content] if at_content < len(contents) else EMPTY
                at_content += 1
                if part.kind == "refusal" and spelt.get("type") != "refusal" and contents:
                    self._written["refusal"] = part.text
                else:
                    self._add(part, where, spelt)
        return self._joined(message)

    def _add(self, part: Part, where: str, spelt: JsonObject) -> None:
        piece = self._part(part, where, spelt)
        if piece is not None:
            self._content.append(piece)
            self._is_plain = self._is_plain and piece.keys() == {"type", "text"}

    def _joined(self, message: Message) -> list[Json]:
        extra: JsonObject = EMPTY
        if message.origin in (None, WIRE):
            extra = message.extra
        else:
            self._lose_fields(message.extra, self._path, "message field")
        if self._results:
            last = self._results[-1]
            if isinstance(last, dict):
                last.update(extra)
            if self._content:
                self._results.append({"role": "user", "content": self._content})
            return self._results
        given = self._spelt.get("content")
        is_list = isinstance(given, Sequence) and not isinstance(given, str)
        content = self._content
        if self._is_plain and len(content) == 1 and not is_list:
            only = content[0]
            self._written["content"] = only["text"] if isinstance(only, Mapping) else None
        else:
            self._written["content"] = content if content or is_list else None
        if self._details:
            own = self._spelt.get("reasoning_details")
            told = objects(own, _count(own))
            is_own = joined_details(told) == self._details
            self._written["reasoning_details"] = list(told) if is_own else self._details
            for name in THOUGHTS:
                if name not in extra and isinstance(self._spelt.get(name), str):
                    self._written[name] = self._spelt[name]
        if self._calls:
            self._written["tool_calls"] = self._calls
        self._written.update(extra)
        return [self._written]

    def _call(self, part: Part, path: str, spelt: JsonObject) -> Json:
        if part.kind == "opaque":
            return part.content if isinstance(part.content, Mapping) else None
        custom = part.extra.get("type") == "custom" and part.origin == WIRE
        if custom:
            body: dict[str, Json] = {"name": part.name or "", "input": part.arguments or ""}
            return {"id": part.id or "", "type": "custom", "custom": body}
        function: dict[str, Json] = {"name": part.name or "", "arguments": part.arguments or ""}
        call: dict[str, Json] = {"id": part.id or "", "type": "function", "function": function}
        if spelt and "type" not in spelt:
            del call["type"]
        if spelt and "id" not in spelt and part.id is None:
            del call["id"]
        if part.origin not in (None, WIRE):
            self._lose_fields(part.extra, path, "tool call field")
            return call
        for name, value in part.extra.items():
            if name == "function" and isinstance(value, Mapping):
                function.update(value)
            elif name not in ("type", "custom"):
                call[name] = value
        return call

    def _result(self, part: Part, path: str) -> dict[str, Json]:
        content: Json = part.text
        if isinstance(part.content, tuple):
            inner = [piece for piece in part.content if isinstance(piece, Part)]
            spelt = objects(self._spelt.get("content"), len(inner))
            pieces: list[Json] = []
            for number, one in enumerate(inner):
                piece = self._part(one, f"{path}.content[{number}]", spelt[number])
                if piece is not None:
                    pieces.append(piece)
            content = pieces
            if not pieces and self._spelt and self._spelt.get("content") is None:
                content = None
        elif part.content is not None:
            self._losses.append(Loss(f"{path}.content", "content of a tool result", FOREIGN))
        if part.is_error:
            why = "no such field"
            self._losses.append(Loss(f"{path}.is_error", "error mark of a tool result", why))
        if part.cache is not None:
            self._losses.append(Loss(f"{path}.cache_control", "cache mark", "no such field"))
        if part.origin != WIRE:
            self._lose_fields(part.extra, path, "tool result field")
        return {"role": "tool", "tool_call_id": part.id or "", "content": content}

    def _lose_fields(self, extra: JsonObject, path: str, what: str) -> None:
        """Receipts for fields of another format; one that says nothing is no loss."""
        self._losses.extend(
            Loss(f"{path}.{name}", what, FOREIGN)
            for name, value in extra.items()
            if value not in EMPTY_VALUES
        )

    def _thinking(self, part: Part, path: str) -> None:
        detail = part.extra.get("detail")
        if part.origin == WIRE and part.name is not None:
            self._written[part.name] = part.text
        elif isinstance(detail, Mapping):
            self._details.append(detail)
        elif self._takes_details and part.signature is not None:
            self._details.append(thinking_detail(part, len(self._details)))
        elif self._thinking_field is not None and part.text:
            before = self._written.get(self._thinking_field)
            joined = f"{before}\n{part.text}" if isinstance(before, str) else part.text
            self._written[self._thinking_field] = joined
            if part.signature is not None:
                why = "target takes thinking as text"
                self._losses.append(Loss(path, "signature of thinking", why))
        else:
            why = "target does not take thinking back"
            self._losses.append(Loss(path, "thinking block", why))

    def _part(self, part: Part, path: str, spelt: JsonObject) -> dict[str, Json] | None:
        piece = self._piece(part, path, spelt)
        if piece is None:
            self._losses.append(Loss(path, f"{part.kind} part", "target has no such content"))
            return None
        if part.kind == "opaque":
            return piece
        if part.citations:
            self._losses.append(Loss(f"{path}.citations", "citations", "no such field"))
        if part.origin in (None, WIRE):
            for name, value in part.extra.items():
                inner = piece.get(name)
                if isinstance(inner, dict) and isinstance(value, Mapping):
                    inner.update(value)
                elif not (name == "detail_type" or name in piece):
                    piece[name] = value
        else:
            self._lose_fields(part.extra, path, "content field")
        if part.cache is not None:
            piece["cache_control"] = part.cache
        return piece

    def _piece(self, part: Part, path: str, spelt: JsonObject) -> dict[str, Json] | None:
        media = part.media
        if part.kind == "refusal" and spelt.get("type") == "refusal":
            return {"type": "refusal", "refusal": part.text}
        if part.kind in ("text", "refusal"):
            return {"type": "text", "text": part.text}
        if part.kind == "opaque":
            if part.origin == WIRE and isinstance(part.content, Mapping):
                return dict(part.content)
            return None
        if media is None:
            return None
        if part.kind == "image" and media.file_id is None:
            if isinstance(spelt.get("image_url"), str):
                return {"type": "image_url", "image_url": link(part)}
            image: dict[str, Json] = {"url": link(part)}
            put(image, "detail", media.detail)
            return {"type": "image_url", "image_url": image}
        if part.kind == "audio" and media.data_b64 is not None:
            form = media.mime.removeprefix("audio/")
            form = _AUDIO.get(form, form)
            audio: dict[str, Json] = {"data": media.data_b64, "format": form}
            return {"type": "input_audio", "input_audio": audio}
        if part.kind == "document":
            if spelt.get("type") == "document_url":
                document: dict[str, Json] = {"type": "document_url", "document_url": link(part)}
                put(document, "document_name", media.name)
                return document
            file: dict[str, Json] = {}
            put(file, "filename", media.name)
            put(file, "file_id", media.file_id)
            if media.data_b64 is not None or media.url is not None:
                file["file_data"] = link(part)
            return {"type": "file", "file": file}
        return None


_AUDIO: Final[Mapping[str, str]] = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
"""Media types whose name in this format is another."""


def put(doc: dict[str, Json], name: str, value: Json) -> None:
    """Set a field unless there is nothing to say."""
    if value is not None:
        doc[name] = value


def link(part: Part) -> str:
    """The address of a medium: a data URL where the bytes are here."""
    media = part.media
    if media is None:
        return ""
    if media.data_b64 is not None:
        return data_url(media.mime, media.data_b64)
    return media.url or ""


def _count(value: Json) -> int:
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0


def _is_native_call(part: Part) -> bool:
    """Whether this is a tool call of this format that has no word of ours."""
    return part.kind == "opaque" and part.origin == WIRE and part.id is not None
