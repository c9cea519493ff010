"""Operations beside chat for adapters whose provider speaks the public formats.

`PATHS` says where, `relay_fields` whether the client's document can be passed on, `encode` and
`decode` do the rest for every operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from multiroute_core.api.call import Call, Operation
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.operations import ImageBody
from multiroute_core.api.upstream import Head
from multiroute_core.api.usage import Usage
from multiroute_core.wire import embeddings, images, moderations, rerank
from multiroute_core.wire.audio import (
    encode_speech,
    encode_transcription,
    speech_reply,
    transcript_reply,
)
from multiroute_core.wire.chat.words import ImageInputs
from multiroute_core.wire.strict import dump

__all__ = ["PATHS", "Written", "decode", "encode", "relay_fields"]

PATHS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        "embeddings": "/embeddings",
        "moderations": "/moderations",
        "images": "/images/generations",
        "image_edits": "/images/edits",
        "speech": "/audio/speech",
        "transcriptions": "/audio/transcriptions",
        "rerank": "/rerank",
    }
)
"""Below the base URL that ends in /v1."""

_WIRES: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        "embeddings": "embeddings",
        "moderations": "moderations",
        "images": "images",
        "speech": "speech",
        "rerank": "rerank",
    }
)
"""The formats whose documents are JSON both ways and can be passed on."""

_JSON: Final = b"application/json"


class Written(Struct, frozen=True, gc=False):
    """A request's body with its content type, and what it could not hold."""

    content_type: bytes
    body: bytes
    losses: tuple[Loss, ...] = ()


def relay_fields(call: Call, model: str) -> dict[str, Json] | None:
    """The fields to put over the client's document; None: it must be written anew."""
    if _WIRES.get(call.operation) != call.wire:
        return None
    return {"model": model} if model else {}


def encode(call: Call, model: str, inputs: ImageInputs = "form") -> Written:
    """The request of any of these operations. `inputs`: how the target takes images to edit.

    Raises:
        CannotEncode: none of these operations, or something in it that the format cannot say.
    """
    operation = call.operation
    document: dict[str, Json]
    if operation == "embeddings":
        document, losses = embeddings.encode_call(call, model)
    elif operation == "moderations":
        document, losses = moderations.encode_call(call, model)
    elif operation == "rerank":
        document, losses = rerank.encode_call(call, model)
    elif operation == "speech":
        document, losses = encode_speech(call, model)
    elif operation == "images" or (
        operation == "image_edits" and (inputs != "form" or not _has_files(call))
    ):
        document, losses = images.encode_call(call, model, inputs)
    elif operation == "image_edits":
        return Written(*images.encode_edit(call, model))
    elif operation == "transcriptions":
        return Written(*encode_transcription(call, model))
    else:
        raise CannotEncode(f"this provider does not do {operation}")
    try:
        return Written(_JSON, dump(document), losses)
    except InvalidRequest as error:
        raise CannotEncode(error.message) from error


def _has_files(call: Call) -> bool:
    body = call.body
    return isinstance(body, ImageBody) and all(image.data_b64 is not None for image in body.images)


def decode(
    operation: str,
    head: Head,
    body: bytes,
    read_usage: Callable[[JsonObject], Usage] | None = None,
) -> Sequence[Event]:
    """The events of a whole answer to any of these operations.

    Raises:
        ValueError: none of these operations.
    """
    kind = head.header("content-type") or ""
    if operation == "embeddings":
        return embeddings.decode_reply(body, read_usage or embeddings.usage)
    if operation == "moderations":
        return moderations.decode_reply(body)
    if operation == "rerank":
        return rerank.decode_reply(body, read_usage or rerank.usage)
    if operation == "speech":
        return speech_reply(body, kind)
    if operation in ("images", "image_edits"):
        return images.decode_reply(body, read_usage or images.usage)
    if operation == "transcriptions":
        return transcript_reply(body, kind)
    raise ValueError(f"no format of this family for {operation}")
