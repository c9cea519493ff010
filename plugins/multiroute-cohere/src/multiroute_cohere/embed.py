"""Cohere's embeddings, version 2, both ways.

Source: Cohere's API reference of `/v2/embed` (2026-08) and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_cohere.v2chat.names import FOREIGN, NO_PARAM, WIRE
from multiroute_cohere.v2chat.usage import count
from multiroute_core.api import (
    EMPTY,
    Broken,
    Call,
    CannotEncode,
    EmbedBody,
    Embeddings,
    Event,
    Fault,
    InvalidRequest,
    Json,
    JsonObject,
    Loss,
    Media,
    Pairs,
    Part,
    Usage,
    frozen,
)
from multiroute_core.wire.fields import (
    as_int,
    as_list,
    as_object,
    as_text,
    data_url,
    media_from_url,
    rest,
    text_or_none,
)
from multiroute_core.wire.plain import read_object, told

_KNOWN: Final = frozenset(
    {"model", "texts", "inputs", "images", "input_type", "output_dimension", "embedding_types"}
)
_REPLY: Final = frozenset({"id", "embeddings", "texts", "images", "inputs", "meta"})
_Input = str | tuple[int, ...] | tuple[Part, ...]


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for: `texts`, `images` or `inputs` (both together).

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    inputs: list[_Input] = []
    for number, text in enumerate(as_list(doc.get("texts") or (), "texts")):
        inputs.append(as_text(text, f"texts[{number}]"))
    for number, link in enumerate(as_list(doc.get("images") or (), "images")):
        inputs.append((_image(as_text(link, f"images[{number}]")),))
    for number, item in enumerate(as_list(doc.get("inputs") or (), "inputs")):
        inputs.append(_parts(as_object(item, f"inputs[{number}]"), f"inputs[{number}]"))
    if not inputs:
        raise InvalidRequest("texts, images or inputs must hold something", param="texts")
    types = doc.get("embedding_types")
    wanted = () if types is None else as_list(types, "embedding_types")
    is_base64 = len(wanted) == 1 and wanted[0] == "base64"
    is_float = len(wanted) == 1 and wanted[0] == "float"
    known = _KNOWN if is_base64 or is_float else _KNOWN - {"embedding_types"}
    size = doc.get("output_dimension")
    body = EmbedBody(
        inputs=tuple(inputs),
        dimensions=None if size is None else as_int(size, "output_dimension", 1),
        encoding="base64" if is_base64 else "float" if is_float else None,
        task=text_or_none(doc.get("input_type"), "input_type"),
        origin=WIRE,
        extra=rest(doc, known),
    )
    model = text_or_none(doc.get("model"), "model") or ""
    return Call("embeddings", model, WIRE, False, body, frozen(doc), headers)


def _image(link: str) -> Part:
    mime, data, url = media_from_url(link)
    return Part("image", media=Media(mime, data, url), origin=WIRE)


def _parts(item: JsonObject, path: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for number, value in enumerate(as_list(item.get("content"), f"{path}.content")):
        piece = as_object(value, f"{path}.content[{number}]")
        image = piece.get("image_url")
        if piece.get("type") == "text":
            parts.append(Part("text", text=as_text(piece.get("text"), path), origin=WIRE))
        elif isinstance(image, Mapping) and isinstance(image.get("url"), str):
            parts.append(_image(str(image["url"])))
        else:
            parts.append(Part("opaque", content=piece, origin=WIRE))
    return tuple(parts)


def encode_call(
    call: Call, model: str, input_type: str = "search_document"
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document, and what it could not hold. `input_type` is sent where the client's format
    cannot say what the vectors are for: the API asks for it.

    Raises:
        CannotEncode: not an embeddings call, or token ids.
    """
    body = call.body
    if not isinstance(body, EmbedBody):
        raise CannotEncode(f"{call.operation} cannot be sent as an embeddings request")
    is_own = body.origin == WIRE
    spelt = call.doc if is_own else EMPTY
    losses: list[Loss] = []
    doc: dict[str, Json] = {"model": model, **_inputs(body.inputs, spelt, losses)}
    task = body.task if is_own or body.task is None else body.task.lower()
    if task is not None or not is_own:
        doc["input_type"] = task or input_type
    if body.encoding is not None or not is_own:
        doc["embedding_types"] = [body.encoding or "float"]
    if body.dimensions is not None:
        doc["output_dimension"] = body.dimensions
    losses.extend(Loss(name, "parameter", NO_PARAM) for name in body.params)
    for name, value in body.extra.items():
        if is_own:
            doc[name] = value
        else:
            losses.append(Loss(name, "field", FOREIGN))
    return doc, tuple(losses)


def _inputs(inputs: Sequence[_Input], spelt: JsonObject, losses: list[Loss]) -> dict[str, Json]:
    """Texts as texts; anything else as inputs with parts, or as images where they came so."""
    texts = [item for item in inputs if isinstance(item, str)]
    if len(texts) == len(inputs):
        return {"texts": texts}
    if not texts and spelt.get("images") and not spelt.get("inputs"):
        return {"images": spelt["images"]}
    listed: list[Json] = []
    for number, item in enumerate(inputs):
        pieces: list[Json] = []
        for part in (Part("text", text=item),) if isinstance(item, str) else item:
            if not isinstance(part, Part):
                raise CannotEncode("token ids cannot be embedded here: send text")
            piece = _piece(part)
            if piece is None:
                losses.append(Loss(f"input[{number}]", f"{part.kind} part", "cannot be embedded"))
            else:
                pieces.append(piece)
        listed.append({"content": pieces})
    return {"inputs": listed}


def _piece(part: Part) -> JsonObject | None:
    media = part.media
    if part.kind == "text":
        return {"type": "text", "text": part.text}
    if part.kind == "opaque" and part.origin == WIRE and isinstance(part.content, Mapping):
        return part.content
    if part.kind == "image" and media is not None and media.file_id is None:
        link = media.url or ""
        if media.data_b64 is not None:
            link = data_url(media.mime or "image/png", media.data_b64)
        return {"type": "image_url", "image_url": {"url": link}}
    return None


def usage(native: JsonObject) -> Usage:
    """The buckets of `billed_units`: tokens of texts, and of images."""
    images = count(native, "image_tokens")
    return Usage(
        input_fresh=count(native, "input_tokens"),
        media=(("image_in", images),) if images else (),
        native=native,
    )


def decode_reply(body: bytes, model: str = "") -> Sequence[Event]:
    """The events of a whole answer. Of several types of vectors the first that is floats or base64
    is taken."""
    doc = read_object(body)
    if isinstance(doc, Broken):
        return [doc]
    listed = _vectors(doc.get("embeddings"))
    if listed is None:
        return [Broken(Fault("protocol", "the provider's reply has no embeddings"))]
    vectors: list[tuple[float, ...] | str] = []
    for item in listed:
        if isinstance(item, str):
            vectors.append(item)
        elif isinstance(item, Sequence):
            vectors.append(tuple(float(x) for x in item if isinstance(x, (int, float))))
        else:
            return [Broken(Fault("protocol", "an embedding holds no vector"))]
    meta = doc.get("meta")
    billed = meta.get("billed_units") if isinstance(meta, Mapping) else None
    used = usage(billed) if isinstance(billed, Mapping) else None
    named = {**doc, "model": model}
    return told(named, Embeddings(tuple(vectors)), used, _REPLY | {"model"})


def _vectors(value: Json) -> Sequence[Json] | None:
    if isinstance(value, Mapping):
        found = (value.get(name) for name in ("float", "base64", *value))
        value = next((one for one in found if one is not None), None)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    return value
