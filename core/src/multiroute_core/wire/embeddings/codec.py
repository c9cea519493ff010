"""Requests for embeddings and their answers."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import EmbedBody, Embeddings
from multiroute_core.api.reply import Reply
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.usage import usage as chat_usage
from multiroute_core.wire.fields import as_int, as_list, as_text, rest, wrong
from multiroute_core.wire.plain import read_object, told
from multiroute_core.wire.strict import dump

WIRE: Final = "embeddings"
_KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_REPLY: Final = frozenset({"object", "data", "model", "usage", "id"})


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    model = doc.get("model")
    encoding = doc.get("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise InvalidRequest("encoding_format must be float or base64", param="encoding_format")
    dimensions = doc.get("dimensions")
    user = doc.get("user")
    body = EmbedBody(
        inputs=_inputs(doc.get("input")),
        dimensions=None if dimensions is None else as_int(dimensions, "dimensions", 1),
        encoding=None if encoding is None else "base64" if encoding == "base64" else "float",
        origin=WIRE,
        params=frozen({} if user is None else {"user": user}),
        extra=rest(doc, _KNOWN),
    )
    name = "" if model is None else as_text(model, "model")
    return Call("embeddings", name, WIRE, False, body, frozen(doc), headers)


def _inputs(value: Json) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(value, str):
        return (value,)
    items = as_list(value, "input")
    if not items:
        raise InvalidRequest("input must hold at least one text", param="input")
    if all(isinstance(item, int) and not isinstance(item, bool) for item in items):
        return (_tokens(items, "input"),)
    return tuple(
        item if isinstance(item, str) else _tokens(as_list(item, f"input[{i}]"), f"input[{i}]")
        for i, item in enumerate(items)
    )


def _tokens(items: Sequence[Json], path: str) -> tuple[int, ...]:
    found: list[int] = []
    for number, item in enumerate(items):
        if isinstance(item, bool) or not isinstance(item, int):
            raise wrong(f"{path}[{number}]", "a token id", item)
        found.append(item)
    return tuple(found)


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream of this format, and what it could not hold.

    Raises:
        CannotEncode: not an embeddings call, or inputs that are not text.
    """
    body = call.body
    if not isinstance(body, EmbedBody):
        raise CannotEncode(f"{call.operation} cannot be sent as an embeddings request")
    losses: list[Loss] = []
    inputs: list[Json] = []
    for number, item in enumerate(body.inputs):
        if isinstance(item, str):
            inputs.append(item)
        elif all(isinstance(token, int) for token in item):
            inputs.append([token for token in item if isinstance(token, int)])
        else:
            raise CannotEncode(f"input[{number}] is not text")
    same = call.wire == WIRE
    single = same and isinstance(call.doc.get("input"), str)
    flat = same and len(inputs) == 1 and _is_flat(call.doc.get("input"))
    doc: dict[str, Json] = {"model": model, "input": inputs[0] if single or flat else inputs}
    if body.dimensions is not None:
        doc["dimensions"] = body.dimensions
    if body.encoding is not None:
        doc["encoding_format"] = body.encoding
    doc.update(body.params)
    if body.task is not None:
        losses.append(Loss("task", "what the embedding is for", "target has no such field"))
    for name, value in body.extra.items():
        if same:
            doc[name] = value
        else:
            losses.append(Loss(name, "field", "belongs to another API format"))
    return doc, tuple(losses)


def _is_flat(value: Json) -> bool:
    """Whether the client sent one input as a bare list of token ids."""
    return isinstance(value, Sequence) and bool(value) and isinstance(value[0], int)


def usage(native: JsonObject) -> Usage:
    """The buckets: there is input only."""
    used = chat_usage({"prompt_tokens": native.get("total_tokens"), **native})
    return Usage(
        input_fresh=used.input_fresh,
        cache_read=used.cache_read,
        media=used.media,
        reported_cost_pusd=used.reported_cost_pusd,
        native=native,
    )


def decode_reply(body: bytes, read_usage: Callable[[JsonObject], Usage] = usage) -> Sequence[Event]:
    """The events of a whole answer."""
    doc = read_object(body)
    if isinstance(doc, Broken):
        return [doc]
    data = doc.get("data")
    if isinstance(data, str) or not isinstance(data, Sequence):
        return [Broken(Fault("protocol", "the provider's reply has no embeddings"))]
    vectors: dict[int, tuple[float, ...] | str] = {}
    for number, item in enumerate(data):
        if not isinstance(item, Mapping):
            return [Broken(Fault("protocol", "an embedding is not an object"))]
        index = item.get("index")
        vector = item.get("embedding")
        place = index if isinstance(index, int) else number
        if isinstance(vector, str):
            vectors[place] = vector
        elif isinstance(vector, Sequence):
            vectors[place] = tuple(float(x) for x in vector if isinstance(x, (int, float)))
        else:
            return [Broken(Fault("protocol", "an embedding holds no vector"))]
    native = doc.get("usage")
    used = read_usage(native) if isinstance(native, Mapping) else None
    ordered = tuple(vectors[place] for place in sorted(vectors))
    return told(doc, Embeddings(ordered), used, _REPLY)


def as_floats(vector: tuple[float, ...] | str) -> tuple[float, ...]:
    """A vector as floats.

    >>> as_floats(as_base64((0.5, -1.0)))
    (0.5, -1.0)
    """
    if not isinstance(vector, str):
        return vector
    raw = base64.b64decode(vector)
    return struct.unpack(f"<{len(raw) // 4}f", raw[: len(raw) // 4 * 4])


def as_base64(vector: tuple[float, ...] | str) -> str:
    """A vector as base64 of little-endian 32-bit floats."""
    if isinstance(vector, str):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def write_reply(reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
    """An answer for a client of this format, in the encoding that it asked for."""
    result = reply.result
    body = call.body
    if not isinstance(result, Embeddings) or not isinstance(body, EmbedBody):
        raise CannotEncode("the answer holds no embeddings")
    data: list[Json] = []
    for index, vector in enumerate(result.vectors):
        written: Json = vector
        if body.encoding is not None:
            written = as_base64(vector) if body.encoding == "base64" else as_floats(vector)
        data.append({"object": "embedding", "index": index, "embedding": written})
    doc: dict[str, Json] = {"object": "list", "data": data, "model": reply.model}
    tokens = 0 if reply.usage is None else reply.usage.input_tokens
    doc["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return dump(doc), ()
