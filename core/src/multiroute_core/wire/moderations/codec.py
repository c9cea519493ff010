"""Requests for moderation and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Media, Part
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import Moderation, ModerationBody
from multiroute_core.api.reply import Reply
from multiroute_core.wire.fields import as_list, as_object, as_text, data_url, media_from_url, rest
from multiroute_core.wire.plain import PlainDialect, read_object, told
from multiroute_core.wire.strict import dump

WIRE: Final = "moderations"
_KNOWN: Final = frozenset({"model", "input"})
_REPLY: Final = frozenset({"id", "model", "results"})


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    given = doc.get("input")
    inputs: tuple[str | tuple[Part, ...], ...]
    if isinstance(given, str):
        inputs = (given,)
    else:
        items = as_list(given, "input")
        if not items:
            raise InvalidRequest("input must hold at least one text", param="input")
        if all(isinstance(item, str) for item in items):
            inputs = tuple(as_text(item, "input") for item in items)
        else:
            inputs = (tuple(_part(item, f"input[{i}]") for i, item in enumerate(items)),)
    model = doc.get("model")
    name = "" if model is None else as_text(model, "model")
    body = ModerationBody(inputs, rest(doc, _KNOWN))
    return Call("moderations", name, WIRE, False, body, frozen(doc), headers)


def _part(value: Json, path: str) -> Part:
    given = as_object(value, path)
    if given.get("type") == "text":
        return Part("text", text=as_text(given.get("text"), f"{path}.text"), origin=WIRE)
    image = as_object(given.get("image_url"), f"{path}.image_url")
    mime, data, url = media_from_url(as_text(image.get("url"), f"{path}.image_url.url"))
    return Part("image", media=Media(mime, data, url), origin=WIRE)


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream of this format; "" as `model` leaves the choice to it.

    Raises:
        CannotEncode: not a moderation call.
    """
    body = call.body
    if not isinstance(body, ModerationBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a moderation request")
    inputs: list[Json] = []
    for item in body.inputs:
        if isinstance(item, str):
            inputs.append(item)
        else:
            inputs.extend(_written(part) for part in item)
    single = call.wire == WIRE and isinstance(call.doc.get("input"), str)
    doc: dict[str, Json] = {"input": inputs[0] if single else inputs}
    if model:
        doc["model"] = model
    doc.update(body.extra)
    return doc, ()


def _written(part: Part) -> Json:
    if part.kind == "image" and part.media is not None:
        media = part.media
        url = data_url(media.mime, media.data_b64) if media.data_b64 is not None else media.url
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": part.text}


def decode_reply(body: bytes) -> Sequence[Event]:
    """The events of a whole answer."""
    doc = read_object(body)
    if isinstance(doc, Broken):
        return [doc]
    results = doc.get("results")
    if isinstance(results, str) or not isinstance(results, Sequence):
        return [Broken(Fault("protocol", "the provider's reply has no results"))]
    verdicts = tuple(frozen(item) for item in results if isinstance(item, Mapping))
    return told(doc, Moderation(verdicts), None, _REPLY)


def write_reply(reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
    """An answer for a client of this format."""
    result = reply.result
    if not isinstance(result, Moderation):
        raise CannotEncode("the answer holds no moderation")
    doc: dict[str, Json] = {
        "id": reply.id,
        "model": reply.model,
        "results": list(result.results),
    }
    return dump(doc), ()


class ModerationsDialect(PlainDialect):
    """`/v1/moderations`, client's side."""

    _wire = WIRE

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole answer as JSON."""
        return write_reply(reply, call)
