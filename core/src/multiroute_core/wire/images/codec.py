"""Requests for images and their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Media
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import Image, ImageBody, Images
from multiroute_core.api.reply import Reply
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.usage import usage as chat_usage
from multiroute_core.wire.chat.words import ImageInputs
from multiroute_core.wire.fields import (
    as_int,
    as_object,
    as_text,
    data_url,
    media_from_url,
    own_text,
    rest,
)
from multiroute_core.wire.multipart import encode_form
from multiroute_core.wire.plain import PlainDialect, read_object, told
from multiroute_core.wire.strict import dump

WIRE: Final = "images"
PARAMS: Final = frozenset(
    {
        "size",
        "quality",
        "style",
        "background",
        "moderation",
        "output_format",
        "output_compression",
        "input_fidelity",
        "user",
    }
)
_KNOWN: Final = PARAMS | {"model", "prompt", "n", "response_format", "image", "images", "mask"}
_REPLY: Final = frozenset({"created", "data", "usage"})


def decode_call(operation: Operation, doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document (or a form read as one) asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    response = doc.get("response_format")
    if response not in (None, "url", "b64_json"):
        raise InvalidRequest("response_format must be url or b64_json", param="response_format")
    images: list[Media] = []
    for name in ("image", "image[]", "images"):
        value = doc.get(name)
        if value is None:
            continue
        listed = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        images += [_media(item, f"{name}[{i}]") for i, item in enumerate(listed)]
    if operation == "image_edits" and not images:
        raise InvalidRequest("image is missing: the image to edit", param="image")
    mask = doc.get("mask")
    model = doc.get("model")
    wanted: Literal["url", "b64_json"] | None = None
    if response is not None:
        wanted = "url" if response == "url" else "b64_json"
    body = ImageBody(
        prompt=as_text(doc.get("prompt"), "prompt"),
        count=_count(doc.get("n")),
        response=wanted,
        images=tuple(images),
        mask=None if mask is None else _media(mask, "mask"),
        params=frozen({k: v for k, v in doc.items() if k in PARAMS and v is not None}),
        extra=rest(doc, _KNOWN | {"image[]"}),
    )
    name = "" if model is None else as_text(model, "model")
    return Call(operation, name, WIRE, False, body, frozen(doc), headers)


def _count(value: Json) -> int:
    if value is None:
        return 1
    if isinstance(value, str) and value.isdigit():
        return as_int(int(value), "n", 1)
    return as_int(value, "n", 1)


def _media(value: Json, path: str) -> Media:
    """An image: a file of a form, an object with a URL, or a URL."""
    if isinstance(value, str):
        mime, data, url = media_from_url(value)
        return Media(mime, data, url)
    given = as_object(value, path)
    if "data" in given:
        return Media(
            own_text(given, "content_type") or "",
            as_text(given["data"], f"{path}.data"),
            name=own_text(given, "filename"),
        )
    file_id = own_text(given, "file_id")
    if file_id is not None:
        return Media(file_id=file_id)
    link = given.get("image_url") or given.get("url")
    if isinstance(link, Mapping):
        link = link.get("url")
    mime, data, url = media_from_url(as_text(link, f"{path}.image_url"))
    return Media(mime, data, url)


def _shared(call: Call, model: str) -> tuple[ImageBody, dict[str, Json], tuple[Loss, ...]]:
    body = call.body
    if not isinstance(body, ImageBody):
        raise CannotEncode(f"{call.operation} cannot be sent as an image request")
    doc: dict[str, Json] = {"model": model, "prompt": body.prompt}
    if body.count != 1 or (call.wire == WIRE and "n" in call.doc):
        doc["n"] = body.count
    if body.response is not None:
        doc["response_format"] = body.response
    doc.update(body.params)
    if call.wire == WIRE:
        doc.update(body.extra)
        return body, doc, ()
    why = "belongs to another API format"
    return body, doc, tuple(Loss(name, "field", why) for name in body.extra)


def encode_call(
    call: Call, model: str, inputs: ImageInputs = "form"
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The JSON document for an upstream of this format, and what it could not hold.

    Images to edit are given as addresses, files in data URLs, in the way that `inputs` names; for
    a form see `encode_edit`.

    Raises:
        CannotEncode: not an image call, or an image at a provider's own place.
    """
    body, doc, losses = _shared(call, model)
    if body.images:
        kept = None if inputs == "input_references" else _spelt(call, inputs)
        if kept is not None:
            doc.update(kept)
        else:
            name = "input_references" if inputs == "input_references" else "images"
            doc[name] = [_address(media, inputs) for media in body.images]
    if body.mask is not None:
        if inputs == "input_references":
            losses = (*losses, Loss("mask", "mask of the edit", "target has no such field"))
        else:
            doc["mask"] = _address(body.mask, inputs)
    return doc, losses


def _spelt(call: Call, inputs: ImageInputs) -> dict[str, Json] | None:
    """The images as a client of the target's own spelling gave them; None: it is another's."""
    if call.wire != WIRE:
        return None
    key = "image_url" if inputs == "form" else "url"
    given = {name: call.doc[name] for name in ("image", "images") if call.doc.get(name) is not None}
    for value in given.values():
        listed = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for item in listed:
            if not (isinstance(item, Mapping) and isinstance(item.get(key), str)):
                return None
    return given if given and "image[]" not in call.doc else None


def _address(media: Media, inputs: ImageInputs) -> dict[str, Json]:
    if media.data_b64 is not None:
        url = data_url(media.mime or "image/png", media.data_b64)
    elif media.url is not None:
        url = media.url
    elif inputs == "form" and media.file_id is not None:
        return {"file_id": media.file_id}
    else:
        raise CannotEncode("an image to edit is a file at another provider")
    if inputs == "form":
        return {"image_url": url}
    if inputs == "images":
        return {"type": "image_url", "url": url}
    return {"type": "image_url", "image_url": {"url": url}}


def encode_edit(call: Call, model: str) -> tuple[bytes, bytes, tuple[Loss, ...]]:
    """(content type, body, losses) of an edit as a multipart form.

    Raises:
        CannotEncode: an image is an address: a form holds files only.
    """
    body, doc, losses = _shared(call, model)
    fields: list[tuple[str, Json]] = list(doc.items())
    name = "image[]" if len(body.images) > 1 else "image"
    for number, media in enumerate(body.images):
        fields.append((name, _file(media, f"image-{number}")))
    if body.mask is not None:
        fields.append(("mask", _file(body.mask, "mask")))
    content_type, form = encode_form(fields)
    return content_type, form, losses


def _file(media: Media, name: str) -> JsonObject:
    if media.data_b64 is None:
        raise CannotEncode("the image to edit must be sent as a file, not as an address")
    mime = media.mime or "image/png"
    return {
        "filename": media.name or f"{name}.{mime.rpartition('/')[2]}",
        "content_type": mime,
        "data": media.data_b64,
    }


def usage(native: JsonObject) -> Usage:
    """The buckets: text and image tokens in, image tokens out; or as the chat format counts."""
    if "input_tokens" not in native and "output_tokens" not in native:
        return chat_usage(native)

    def count(source: JsonObject, name: str) -> int | None:
        value = source.get(name)
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return value if is_count and isinstance(value, int) else None

    details = native.get("input_tokens_details")
    inner: JsonObject = details if isinstance(details, Mapping) else {}
    total = count(native, "input_tokens")
    image = count(inner, "image_tokens") or 0
    output = count(native, "output_tokens")
    media = [(name, n) for name, n in (("image_in", image), ("image_out", output or 0)) if n]
    return Usage(
        input_fresh=None if total is None else max(0, total - image),
        media=tuple(media),
        reported_cost_pusd=chat_usage(native).reported_cost_pusd,
        native=native,
    )


def decode_reply(body: bytes, read_usage: Callable[[JsonObject], Usage] = usage) -> Sequence[Event]:
    """The events of a whole answer."""
    doc = read_object(body)
    if isinstance(doc, Broken):
        return [doc]
    data = doc.get("data")
    if isinstance(data, str) or not isinstance(data, Sequence) or not data:
        return [Broken(Fault("empty", "the provider's reply holds no image"))]
    images: list[Image] = []
    for item in data:
        if not isinstance(item, Mapping):
            return [Broken(Fault("protocol", "an image is not an object"))]
        mime = own_text(item, "mime_type") or own_text(item, "media_type") or ""
        media = Media(mime, own_text(item, "b64_json"), own_text(item, "url"))
        images.append(Image(media, own_text(item, "revised_prompt")))
    created = doc.get("created")
    extra = frozen({k: v for k, v in doc.items() if k not in _REPLY and v is not None})
    native = doc.get("usage")
    used = read_usage(native) if isinstance(native, Mapping) else None
    made = Images(tuple(images), created if isinstance(created, int) else None, extra)
    return told(doc, made, used, _REPLY | extra.keys())


def write_reply(reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
    """An answer for a client of this format."""
    result = reply.result
    if not isinstance(result, Images):
        raise CannotEncode("the answer holds no images")
    data: list[Json] = []
    losses: list[Loss] = []
    wanted = call.body.response if isinstance(call.body, ImageBody) else None
    for number, image in enumerate(result.images):
        written: dict[str, Json] = {}
        if image.media.data_b64 is not None:
            written["b64_json"] = image.media.data_b64
        if image.media.url is not None:
            written["url"] = image.media.url
        if wanted is not None and wanted not in written:
            why = "the provider gives it in the other form"
            losses.append(Loss(f"data[{number}]", f"image as {wanted}", why))
        if image.revised_prompt is not None:
            written["revised_prompt"] = image.revised_prompt
        data.append(written)
    created = result.created if result.created is not None else int(time.time())
    doc: dict[str, Json] = {"created": created, "data": data, **result.extra}
    if reply.usage is not None:
        media = dict(reply.usage.media)
        doc["usage"] = {
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "total_tokens": reply.usage.input_tokens + reply.usage.output_tokens,
            "input_tokens_details": {
                "text_tokens": reply.usage.input_fresh or 0,
                "image_tokens": media.get("image_in", 0),
            },
        }
    return dump(doc), tuple(losses)


class ImagesDialect(PlainDialect):
    """`/v1/images/generations` and `/v1/images/edits`, client's side."""

    _wire = WIRE

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(operation, doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole answer as JSON."""
        return write_reply(reply, call)
