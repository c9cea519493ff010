"""Image requests as calls of image models, which answer with inline data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    Broken,
    CannotEncode,
    Event,
    Fault,
    Finish,
    Image,
    ImageBody,
    Images,
    Json,
    Loss,
    Part,
    Result,
    Start,
    Used,
    fold,
)
from multiroute_google.gemini.media import write_media

_NO_PARAM: Final = "target has no such parameter"
_RATIOS: Final[Mapping[str, str]] = {
    "1024x1024": "1:1",
    "1536x1024": "3:2",
    "1024x1536": "2:3",
    "1792x1024": "16:9",
    "1024x1792": "9:16",
}
"""The common sizes as aspect ratios: the API takes no pixels."""


def encode_images(body: ImageBody) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an image model, and what it could not hold.

    Raises:
        CannotEncode: several images at once, or a mask.
    """
    if body.count != 1:
        raise CannotEncode("this model makes one image a call")
    if body.mask is not None:
        raise CannotEncode("this model takes no mask")
    losses: list[Loss] = []
    parts: list[Json] = []
    for number, media in enumerate(body.images):
        piece = write_media(Part("image", media=media), f"image[{number}]", losses)
        if piece is None:
            raise CannotEncode(f"image[{number}] is at another provider")
        parts.append(piece)
    parts.append({"text": body.prompt})
    config: dict[str, Json] = {"responseModalities": ["TEXT", "IMAGE"]}
    for name, value in body.params.items():
        ratio = _RATIOS.get(value) if name == "size" and isinstance(value, str) else None
        if ratio is not None:
            config["imageConfig"] = {"aspectRatio": ratio}
            losses.append(Loss("size", "size in pixels", f"target takes ratios: {ratio}"))
        elif value != "auto":
            losses.append(Loss(name, "parameter", _NO_PARAM))
    for name, value in body.extra.items():
        if name in ("imageConfig", "image_config"):
            config["imageConfig"] = value
        else:
            losses.append(Loss(name, "field", "belongs to another API format"))
    if body.response == "url":
        losses.append(Loss("response_format", "image by URL", "target gives bytes only"))
    doc: dict[str, Json] = {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": config,
    }
    return doc, tuple(losses)


def decode_images(events: Sequence[Event]) -> list[Event]:
    """The images in a chat reply, as the result of an image call."""
    reply = fold(events)
    if reply.fault is not None:
        return list(events)
    parts = [part for choice in reply.choices for part in choice.parts]
    found = [part.media for part in parts if part.kind == "image" and part.media is not None]
    told: list[Event] = [one for one in events if isinstance(one, (Start, Used))]
    finish = reply.choices[0].finish if reply.choices else None
    if not found:
        message = "the provider made no image" + (f": {reply.text[:200]}" if reply.text else "")
        filtered = finish is not None and finish.reason == "content_filter"
        if filtered:
            fault = Fault("error_in_200", message, cause="content_filter")
        else:
            fault = Fault("empty", message)
        return [*told, Broken(fault)]
    words = reply.text or None
    images = Images(tuple(Image(media, words) for media in found))
    return [*told, Result(images), Finish("stop", finish.native if finish is not None else "")]
