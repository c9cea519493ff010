"""Parts as messages of a Cohere chat request, with everything that could not be carried over."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_cohere.v2chat.names import FOREIGN, NO_FIELD, PLAN, WIRE
from multiroute_core.api import EMPTY, Json, JsonObject, Loss, Media, Message, Part
from multiroute_core.wire.fields import data_url

_ROLES: Final[Mapping[str, str]] = {"developer": "system"}


class MessageWriter:
    """Writes one message, or several: results of tools are messages of their own in this format.

    `documents` collects text documents of the conversation: they are a field of the request.
    """

    def __init__(self, path: str, losses: list[Loss], documents: list[Json]) -> None:
        self._path = path
        self._losses = losses
        self._documents = documents
        self._content: list[dict[str, Json]] = []
        self._plan: list[str] | None = None
        self._calls: list[Json] = []
        self._results: list[dict[str, Json]] = []
        self._citations: list[Json] = []

    def write(self, message: Message) -> list[dict[str, Json]]:
        """The messages. To be called once."""
        has_calls = any(part.kind == "tool_call" for part in message.parts)
        for number, part in enumerate(message.parts):
            path = f"{self._path}.content[{number}]"
            if part.kind == "tool_call":
                self._calls.append(self._call(part, path))
            elif part.kind == "tool_result":
                self._results.append(self._result(part, path))
            elif part.kind == "thinking":
                self._thinking(part, path, has_calls)
            else:
                piece = self._piece(part, path)
                if piece is not None:
                    self._content.append(piece)
        return self._joined(message)

    def _joined(self, message: Message) -> list[dict[str, Json]]:
        is_own = message.origin == WIRE
        extra = message.extra if message.origin in (None, WIRE) else EMPTY
        if not extra:
            self._lose(message.extra, self._path, "message field")
        if self._results:
            self._results[-1].update(extra)
            if not self._content:
                return self._results
            extra = EMPTY
        written: dict[str, Json] = {"role": _ROLES.get(message.role, message.role)}
        if self._calls and not is_own:
            # Other formats put an empty text beside tool calls; here it is an error.
            self._content = [piece for piece in self._content if piece.get("text") != ""]
        if self._content:
            written["content"] = _short(self._content)
        if self._plan is not None:
            written[PLAN] = "\n".join(self._plan)
        if self._calls:
            written["tool_calls"] = self._calls
        if self._citations:
            written["citations"] = self._citations
        is_empty = len(written) == 1
        written.update(extra)
        if is_empty and not is_own and not extra:
            return self._results  # nothing of it could be carried: the losses say so
        return [*self._results, written]

    def _lose(self, fields: JsonObject, path: str, what: str) -> None:
        self._losses.extend(Loss(f"{path}.{name}", what, FOREIGN) for name in fields)

    def _marks(self, part: Part, path: str) -> None:
        """What a part may hold beside its content, and this format has nowhere."""
        if part.cache is not None:
            self._losses.append(Loss(f"{path}.cache_control", "cache mark", NO_FIELD))
        if part.signature is not None and part.kind != "thinking":
            self._losses.append(Loss(f"{path}.signature", "opaque state", FOREIGN))

    def _thinking(self, part: Part, path: str, has_calls: bool) -> None:
        """Thinking beside tool calls is a plan here, unless this format's own words say that it
        stood in the content. What a client of the chat format sends back (`detail`) has no name."""
        is_own = part.origin == WIRE
        is_named = is_own and "detail" not in part.extra
        if not is_own:
            if part.signature is not None:
                self._losses.append(Loss(f"{path}.signature", "signature of thinking", FOREIGN))
            if part.extra or part.id is not None:
                self._losses.append(Loss(path, "thinking details", FOREIGN))
            if not part.text:
                self._losses.append(Loss(path, "thinking block", "it holds no text"))
                return
        self._marks(part, path)
        if part.name == PLAN if is_named else has_calls:
            self._plan = [*(self._plan or ()), part.text]
        else:
            extra = part.extra if is_named else EMPTY
            self._content.append({"type": "thinking", "thinking": part.text, **extra})

    def _call(self, part: Part, path: str) -> Json:
        function: dict[str, Json] = {"name": part.name or "", "arguments": part.arguments or "{}"}
        call: dict[str, Json] = {"id": part.id or "", "type": "function", "function": function}
        self._marks(part, path)
        self._lay_over(call, part, path, "tool call field")
        return call

    def _result(self, part: Part, path: str) -> dict[str, Json]:
        written: dict[str, Json] = {"role": "tool", "tool_call_id": part.id or ""}
        if isinstance(part.content, tuple):
            pieces: list[dict[str, Json]] = []
            for number, one in enumerate(part.content):
                inner = f"{path}.content[{number}]"
                if not isinstance(one, Part):
                    continue
                if one.kind == "image":
                    self._losses.append(Loss(inner, "image part", "results of tools are text here"))
                    continue
                piece = self._piece(one, inner)
                if piece is not None:
                    pieces.append(piece)
            written["content"] = _short(pieces) if pieces else ""
        else:
            written["content"] = part.text
            if part.content is not None:
                self._losses.append(Loss(f"{path}.content", "content of a tool result", FOREIGN))
        if part.is_error:
            self._losses.append(Loss(f"{path}.is_error", "error mark of a tool result", NO_FIELD))
        self._marks(part, path)
        self._lay_over(written, part, path, "tool result field")
        return written

    def _piece(self, part: Part, path: str) -> dict[str, Json] | None:
        """One part as a piece of the content; None: it stands elsewhere, or is lost."""
        if part.kind == "opaque" and part.origin == WIRE and isinstance(part.content, Mapping):
            return dict(part.content)
        piece: dict[str, Json] | None = None
        if part.kind in ("text", "refusal"):
            piece = {"type": "text", "text": part.text}
            self._cite(part, path)
        elif part.kind == "image" and part.media is not None and part.media.file_id is None:
            piece = _image(part.media)
        elif part.kind == "document" and part.media is not None:
            text = _text_in(part.media)
            if text is not None:
                self._document(part, part.media, text, path)
                return None
        if piece is None:
            what = f"{part.kind} part" if part.kind != "opaque" else f"{part.name} part"
            self._losses.append(Loss(path, what, "target has no such content"))
            return None
        self._marks(part, path)
        self._lay_over(piece, part, path, "content field")
        return piece

    def _cite(self, part: Part, path: str) -> None:
        if part.origin == WIRE:
            self._citations.extend(part.citations)
        elif part.citations:
            self._losses.append(Loss(f"{path}.citations", "citations", FOREIGN))

    def _document(self, part: Part, media: Media, text: str, path: str) -> None:
        data: dict[str, Json] = {"text": text}
        if media.name is not None:
            data["title"] = media.name
        self._documents.append({"id": f"document_{len(self._documents)}", "data": data})
        self._marks(part, path)
        self._lose(part.extra, path, "document field")

    def _lay_over(self, doc: dict[str, Json], part: Part, path: str, what: str) -> None:
        """Fields without a word of ours: back where they were, or lost."""
        if part.origin not in (None, WIRE):
            self._lose(part.extra, path, what)
            return
        for name, value in part.extra.items():
            inner = doc.get(name)
            if isinstance(inner, dict) and isinstance(value, Mapping):
                inner.update(value)
            else:
                doc[name] = value


def _image(media: Media) -> dict[str, Json]:
    link = media.url or ""
    if media.data_b64 is not None:
        link = data_url(media.mime or "image/png", media.data_b64)
    image: dict[str, Json] = {"url": link}
    if media.detail is not None:
        image["detail"] = media.detail
    return {"type": "image_url", "image_url": image}


def _text_in(media: Media) -> str | None:
    """The text of a document, where its bytes are here and are text."""
    if media.data_b64 is None or not media.mime.startswith(("text/", "application/json")):
        return None
    try:
        return base64.b64decode(media.data_b64, validate=True).decode()
    except ValueError:
        return None


def _short(pieces: Sequence[dict[str, Json]]) -> Json:
    """A single plain text is sent as a string."""
    if len(pieces) == 1 and pieces[0].keys() == {"type", "text"}:
        return pieces[0]["text"]
    return list(pieces)
