"""Parts as content blocks of the Converse format, with everything that could not be carried."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from multiroute_aws_bedrock.converse.shape import DOCUMENTS, IMAGES, OMITTED, WIRE, overlaid
from multiroute_aws_bedrock.models import maker, takes_cache_marks
from multiroute_core.api import CannotEncode, Json, JsonObject, Loss, Media, Part
from multiroute_core.wire.messages import UNSIGNED, thinking_path
from multiroute_core.wire.strict import raw_json

FOREIGN: Final = "belongs to another API format"
NO_FIELD: Final = "target has no such field"
_FORMS: Final[Mapping[str, str]] = {mime: form for form, mime in DOCUMENTS.items()}
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9 \-()\[\]]+")
_BLANKS: Final = re.compile(r"\s+")
_CLAUDE: Final = "anthropic"


class BlockWriter:
    """Writes the content of one request; counts what must be unique in it.

    `native`: the call came in this very format, and is written as it was, empty text included.
    """

    def __init__(self, model: str, losses: list[Loss], *, native: bool) -> None:
        self._is_claude = maker(model) == _CLAUDE
        self._marks = native or takes_cache_marks(model)
        self._losses = losses
        self._native = native
        self._titles: set[str] = set()

    def blocks(self, part: Part, path: str) -> list[Json]:
        """The block of a part and the cache point behind it; none where it cannot be carried."""
        block = self._block(part, path)
        if block is None:
            return []
        return [block, *self.mark(part.cache, path)]

    def mark(self, cache: JsonObject | None, path: str) -> list[Json]:
        """The cache point for a mark."""
        if cache is None:
            return []
        if not self._marks:
            self._lose(f"{path}.cache_control", "cache mark", "the model takes no cache points")
            return []
        point: dict[str, Json] = {"type": "default"}
        if cache.get("ttl") is not None:
            point["ttl"] = cache["ttl"]
        return [{"cachePoint": point}]

    def _lose(self, path: str, what: str, why: str) -> None:
        self._losses.append(Loss(path, what, why))

    def _foreign(self, extra: JsonObject, path: str) -> None:
        for name in extra:
            self._lose(f"{path}.{name}", "content field", FOREIGN)

    def _block(self, part: Part, path: str) -> dict[str, Json] | None:
        kind = part.kind
        own = part.origin == WIRE
        if kind in ("text", "refusal"):
            return self._text(part, path)
        if kind == "thinking":
            return self._thinking(part, path)
        block: dict[str, Json] | None
        if kind == "tool_call" or (kind == "server_tool_call" and own):
            block = {"toolUse": self._tool_use(part, path)}
        elif kind == "tool_result":
            block = {"toolResult": self._tool_result(part, path)}
        elif kind in ("image", "document", "audio"):
            block = self._media(part, path)
        elif own and isinstance(part.content, Mapping):
            return dict(part.content)
        else:
            what = f"{kind} {part.name or ''}".strip()
            self._lose(path, what, FOREIGN if part.origin else "target has no such content")
            return None
        if not own:
            self._foreign(part.extra, path)
        return block

    def _text(self, part: Part, path: str) -> dict[str, Json] | None:
        own = part.origin == WIRE
        if not part.text and not self._native:
            return None
        if own and part.name == "json":
            value = raw_json(part.text)
            return {"text": part.text} if value is None else {"json": value}
        if own and part.name == "guardContent":
            return {"guardContent": {"text": {"text": part.text, **part.extra}}}
        if own and (part.citations or part.name == "citationsContent"):
            cited: dict[str, Json] = {"content": [{"text": part.text}]}
            if part.citations:
                cited["citations"] = list(part.citations)
            return {"citationsContent": {**cited, **part.extra}}
        if part.citations:
            self._lose(f"{path}.citations", "citations", FOREIGN)
        if own:
            return {"text": part.text, **part.extra}
        self._foreign(part.extra, path)
        return {"text": part.text}

    def _thinking(self, part: Part, path: str) -> dict[str, Json] | None:
        """Thinking goes back to its own family only; Claude's signatures hold in both formats."""
        signature = part.signature
        if part.origin == WIRE:
            if signature is not None and not part.text and part.id != OMITTED:
                return {"reasoningContent": {"redactedContent": signature}}
            told: dict[str, Json] = {"text": part.text}
            if signature is not None:
                told["signature"] = signature
            if "detail" not in part.extra and "detail_type" not in part.extra:
                told.update(part.extra)
            return {"reasoningContent": {"reasoningText": told}}
        if part.origin == "messages" and self._is_claude and signature is not None:
            if not part.text:
                data = base64.b64encode(signature.encode("utf-8", "surrogatepass")).decode()
                return {"reasoningContent": {"redactedContent": data}}
            return {
                "reasoningContent": {"reasoningText": {"text": part.text, "signature": signature}}
            }
        if part.text or signature:
            self._lose(thinking_path(part, path), "thinking block", UNSIGNED)
        return None

    def _tool_use(self, part: Part, path: str) -> dict[str, Json]:
        arguments = raw_json(part.arguments or "{}")
        if arguments is None:
            raise CannotEncode(f"{path}: the arguments of {part.name} are not a JSON object")
        use: dict[str, Json] = {"toolUseId": part.id, "name": part.name, "input": arguments}
        if part.origin == WIRE:
            use.update(part.extra)
        return use

    def _tool_result(self, part: Part, path: str) -> dict[str, Json]:
        content: list[Json] = []
        if isinstance(part.content, tuple):
            for number, piece in enumerate(part.content):
                if isinstance(piece, Part):
                    content.extend(self.blocks(piece, f"{path}.content[{number}]"))
        elif part.text:
            content.append({"text": part.text})
        result: dict[str, Json] = {"toolUseId": part.id, "content": content}
        if part.is_error is not None:
            result["status"] = "error" if part.is_error else "success"
        if part.origin == WIRE:
            result.update(part.extra)
        return result

    def _media(self, part: Part, path: str) -> dict[str, Json] | None:
        media = part.media or Media()
        own = part.origin == WIRE
        source: dict[str, Json]
        hints = part.extra.get("source") if own else None
        if media.data_b64 is not None:
            if isinstance(hints, Mapping) and "text" in hints:
                source = {"text": _unpacked(media.data_b64)}
            else:
                source = {"bytes": media.data_b64}
        elif media.url is not None and media.url.startswith("s3://"):
            source = {"s3Location": {"uri": media.url}}
            if isinstance(hints, Mapping):
                source = overlaid(source, hints)
        else:
            how = "file id" if media.url is None else "address"
            self._lose(path, f"{part.kind} by {how}", "target takes bytes or places in S3 only")
            return None
        if media.detail not in (None, "auto"):
            self._lose(f"{path}.detail", "image detail", NO_FIELD)
        written: dict[str, Json] = {}
        form = self._form(part, media)
        if form is None and not own:
            self._lose(path, f"{part.kind} of type {media.mime or 'unknown'}", "no such format")
            return None
        if form is not None:
            written["format"] = form
        if own:
            if media.name is not None:
                written["name"] = media.name
        elif part.kind == "document":
            written["name"] = self._title(media.name, path)
        elif media.name is not None:
            self._lose(f"{path}.name", "file name", NO_FIELD)
        written["source"] = source
        if own:
            written.update({k: v for k, v in part.extra.items() if k != "source"})
        return {part.kind: written}

    def _form(self, part: Part, media: Media) -> str | None:
        """The format's name; None where there is none for this media type."""
        if part.kind == "document":
            ending = (media.name or "").rpartition(".")[2].lower()
            known = _FORMS.get(media.mime)
            return known or (ending if part.origin != WIRE and ending in DOCUMENTS else None)
        if part.origin == WIRE:
            return media.mime.partition("/")[2] or None
        form = media.mime.partition("/")[2].removeprefix("x-")
        if part.kind == "image":
            form = {"jpg": "jpeg", "": "png"}.get(form, form)
            return form if form in IMAGES else None
        return form or None

    def _title(self, name: str | None, path: str) -> str:
        """A document's name: of few characters, and another for each document."""
        clean = _BLANKS.sub(" ", _UNNAMEABLE.sub("-", name or "")).strip()[:180]
        if name is not None and clean != name:
            self._lose(f"{path}.name", "characters of the file name", "target takes few of them")
        base = clean or "document"
        title = base
        number = 1
        while title in self._titles:
            number += 1
            title = f"{base} {number}"
        self._titles.add(title)
        return title


def _unpacked(data: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeDecodeError):
        return ""
