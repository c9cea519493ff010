"""Parts as messages of Ollama's own API, with everything that could not be carried over."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import EMPTY, CannotEncode, Json, JsonObject, Loss, Media, Message, Part
from multiroute_core.wire.strict import raw_json
from multiroute_ollama.native.names import FOREIGN, NO_FIELD, WIRE

_ROLES: Final[Mapping[str, str]] = {"developer": "system"}


class MessageWriter:
    """Writes one message, or several: results of tools are messages of their own in this format.

    `names`: the name of each tool call so far, by its id; results are told by name here.
    """

    def __init__(self, path: str, losses: list[Loss], names: dict[str, str]) -> None:
        self._path = path
        self._losses = losses
        self._names = names
        self._texts: list[str] = []
        self._images: list[Json] = []
        self._thinking: list[str] = []
        self._calls: list[Json] = []
        self._results: list[dict[str, Json]] = []

    def write(self, message: Message) -> list[dict[str, Json]]:
        """The messages. To be called once.

        Raises:
            CannotEncode: a tool call whose arguments are no JSON object.
        """
        for number, part in enumerate(message.parts):
            path = f"{self._path}.content[{number}]"
            if part.kind == "tool_call":
                self._calls.append(self._call(part, path))
            elif part.kind == "tool_result":
                self._results.append(self._result(part, path))
            elif part.kind == "thinking":
                self._thought(part, path)
            else:
                self._piece(part, path, self._texts, self._images)
        return self._joined(message)

    def _joined(self, message: Message) -> list[dict[str, Json]]:
        is_own = message.origin == WIRE
        extra = message.extra if message.origin in (None, WIRE) else EMPTY
        if not extra:
            self._lose(message.extra, self._path, "message field")
        if self._results:
            self._results[-1].update(extra)
            if not (self._texts or self._images):
                return self._results
            extra = EMPTY
        written: dict[str, Json] = {"role": _ROLES.get(message.role, message.role)}
        if self._texts:
            written["content"] = "\n".join(self._texts)
        if self._thinking:
            written["thinking"] = "\n".join(self._thinking)
        if self._images:
            written["images"] = self._images
        if self._calls:
            written["tool_calls"] = self._calls
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
        if part.signature is not None:
            what = "signature of thinking" if part.kind == "thinking" else "opaque state"
            self._losses.append(Loss(f"{path}.signature", what, FOREIGN))
        if part.citations:
            self._losses.append(Loss(f"{path}.citations", "citations", NO_FIELD))

    def _thought(self, part: Part, path: str) -> None:
        self._marks(part, path)
        if part.origin != WIRE and (part.extra or part.id is not None):
            self._losses.append(Loss(path, "thinking details", FOREIGN))
        if part.text or part.origin == WIRE:
            self._thinking.append(part.text)
        else:
            self._losses.append(Loss(path, "thinking block", "it holds no text"))

    def _call(self, part: Part, path: str) -> dict[str, Json]:
        arguments = raw_json(part.arguments or "{}")
        if arguments is None:
            raise CannotEncode(f"{path}: the arguments of {part.name} are not a JSON object")
        function: dict[str, Json] = {"name": part.name or "", "arguments": arguments}
        call: dict[str, Json] = {"function": function}
        if part.id is not None:
            call = {"id": part.id, **call}
            self._names[part.id] = part.name or ""
        self._marks(part, path)
        self._lay_over(call, part, path, "tool call field")
        return call

    def _result(self, part: Part, path: str) -> dict[str, Json]:
        texts = [] if isinstance(part.content, tuple) else [part.text]
        images: list[Json] = []
        if isinstance(part.content, tuple):
            for number, one in enumerate(part.content):
                if isinstance(one, Part):
                    self._piece(one, f"{path}.content[{number}]", texts, images)
        elif part.content is not None:
            self._losses.append(Loss(f"{path}.content", "content of a tool result", FOREIGN))
        written: dict[str, Json] = {"role": "tool", "content": "\n".join(texts)}
        name = part.name or (None if part.origin == WIRE else self._names.get(part.id or ""))
        if name is not None:
            written["tool_name"] = name
        if part.id is not None:
            written["tool_call_id"] = part.id
        if images:
            written["images"] = images
        if part.is_error:
            self._losses.append(Loss(f"{path}.is_error", "error mark of a tool result", NO_FIELD))
        self._marks(part, path)
        self._lay_over(written, part, path, "tool result field")
        return written

    def _piece(self, part: Part, path: str, texts: list[str], images: list[Json]) -> None:
        """Text and pictures; both lose the place that they had among each other."""
        media = part.media
        text = part.text if part.kind in ("text", "refusal") else None
        if part.kind == "document" and media is not None:
            text = _text_in(media)
        if text is not None:
            texts.append(text)
        elif part.kind == "image" and media is not None and media.data_b64 is not None:
            images.append(media.data_b64)
            if media.detail is not None:
                self._losses.append(Loss(f"{path}.detail", "image detail", NO_FIELD))
        else:
            is_link = part.kind == "image" and media is not None and media.url is not None
            why = "target takes bytes, no address" if is_link else "target has no such content"
            what = f"{part.kind} part" if part.kind != "opaque" else f"{part.name} part"
            self._losses.append(Loss(path, what, why))
            return
        self._marks(part, path)
        self._lose(part.extra, path, "content field")

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


def _text_in(media: Media) -> str | None:
    """The text of a document, its title first, where its bytes are here and are text."""
    if media.data_b64 is None or not media.mime.startswith(("text/", "application/json")):
        return None
    try:
        text = base64.b64decode(media.data_b64, validate=True).decode()
    except ValueError:
        return None
    return text if media.name is None else f"{media.name}\n{text}"


def plain_text(messages: Sequence[Message], role: str) -> tuple[str | None, list[Json]]:
    """(text, pictures) of the first message of this role: those of a single prompt."""
    for message in messages:
        if message.role == role:
            texts = [part.text for part in message.parts if part.kind == "text"]
            media = [part.media for part in message.parts if part.media is not None]
            return ("".join(texts) if texts else None), [one.data_b64 for one in media]
    return None, []
