"""Images, audio and documents: `inlineData` (bytes) and `fileData` (links)."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from multiroute_core.api import Json, JsonObject, Loss, Media, Part, frozen
from multiroute_core.wire.fields import as_object, as_text, rest, text_or_none
from multiroute_google.gemini.spelling import URL_SAFE, WIRE, keyed

_INLINE: Final = frozenset({"data", "mimeType", "displayName"})
_FILE: Final = frozenset({"fileUri", "mimeType", "displayName"})
_OWN_FILES: Final = "generativelanguage.googleapis.com"

Kind = Literal["image", "audio", "document"]


def kind_of(mime: str) -> Kind | None:
    """The part kind of a media type; None: no portable one (video).

    >>> kind_of("image/png"), kind_of("application/pdf"), kind_of("video/mp4")
    ('image', 'document', None)
    """
    family = mime.partition("/")[0].lower()
    if family in ("image", "audio"):
        return "image" if family == "image" else "audio"
    return None if family in ("video", "") else "document"


def media_part(name: str, value: Json, extra: JsonObject, path: str) -> Part | None:
    """The part of an `inlineData` or `fileData`; None where only its own format has a word for
    it: a video, or a link that does not say what is behind it."""
    given = as_object(value, f"{path}.{name}")
    known = _INLINE if name == "inlineData" else _FILE
    fields = keyed(given, known, f"{path}.{name}")
    mime = text_or_none(fields.get("mimeType"), f"{path}.{name}.mimeType") or ""
    kind = kind_of(mime)
    if kind is None:
        return None
    kept: dict[str, Json] = dict(extra)
    inner = rest(fields, known)
    if inner:
        kept[name] = inner
    title = text_or_none(fields.get("displayName"), f"{path}.{name}.displayName")
    if name == "inlineData":
        data = as_text(fields.get("data"), f"{path}.{name}.data")
        media = Media(mime, data.translate(URL_SAFE), name=title)
    else:
        uri = as_text(fields.get("fileUri"), f"{path}.{name}.fileUri")
        is_link = uri.startswith(("https://", "http://")) and urlsplit(uri).hostname != _OWN_FILES
        link, file_id = (uri, None) if is_link else (None, uri)
        media = Media(mime, url=link, file_id=file_id, name=title)
    return Part(kind, media=media, origin=WIRE, extra=frozen(kept))


def write_media(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    """An image, audio or document as `inlineData` or `fileData`; None where it cannot be sent."""
    media = part.media or Media()
    is_own = part.origin == WIRE
    if media.file_id is not None and not is_own:
        losses.append(Loss(path, f"{part.kind} by file id", "the file is at another provider"))
        return None
    text = None if is_own else _plain_text(media)
    if text is not None:
        _report(part, media, path, losses)
        return {"text": text}
    name = "fileData" if media.data_b64 is None else "inlineData"
    inner: dict[str, Json] = {"mimeType": media.mime or _guessed(part, media, path, losses)}
    if media.data_b64 is not None:
        inner["data"] = media.data_b64
    else:
        inner["fileUri"] = media.file_id or media.url or ""
    if media.name is not None and is_own:
        inner["displayName"] = media.name
    _report(part, media, path, losses)
    kept = part.extra.get(name) if is_own else None
    if isinstance(kept, Mapping):
        inner.update(kept)
    return {name: inner}


def _report(part: Part, media: Media, path: str, losses: list[Loss]) -> None:
    """What a part says of its file beside the file itself."""
    if media.name is not None and part.origin != WIRE:
        what = f"name or title of a {part.kind} file"
        losses.append(Loss(f"{path}.filename", what, "target takes none"))
    if media.detail is not None and media.detail != "auto":
        losses.append(Loss(f"{path}.detail", "image detail", "target has no such field"))


def _plain_text(media: Media) -> str | None:
    """The words of a plain text document: every model reads them, few read documents."""
    if media.data_b64 is None or media.mime.partition(";")[0].lower() != "text/plain":
        return None
    try:
        return base64.b64decode(media.data_b64, validate=True).decode()
    except ValueError:
        return None


def _guessed(part: Part, media: Media, path: str, losses: list[Loss]) -> str:
    """The media type of a link that does not say: by its ending, else the most common one."""
    address = urlsplit(media.url).path if media.url else media.name or ""
    mime = mimetypes.guess_type(address)[0]
    if mime is None:
        mime = {"image": "image/jpeg", "audio": "audio/mpeg"}.get(part.kind, "application/pdf")
        losses.append(Loss(path, "media type", f"not stated: sent as {mime}"))
    return mime
