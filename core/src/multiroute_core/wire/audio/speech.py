"""Text to spoken audio: the answer is the audio itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.errors import CannotEncode
from multiroute_core.api.events import Broken, Event, Finish, Result, Start
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import Speech, SpeechBody
from multiroute_core.api.reply import Reply
from multiroute_core.wire.fields import as_text, rest, text_or_none, wrong
from multiroute_core.wire.plain import PlainDialect

WIRE: Final = "speech"
_KNOWN: Final = frozenset({"model", "input", "voice", "response_format", "speed", "instructions"})
MIMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mp3": "audio/mpeg",
        "opus": "audio/opus",
        "aac": "audio/aac",
        "flac": "audio/flac",
        "wav": "audio/wav",
        "pcm": "audio/pcm",
    }
)


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    speed = doc.get("speed")
    if speed is not None and (isinstance(speed, bool) or not isinstance(speed, (int, float))):
        raise wrong("speed", "a number", speed)
    voice = doc.get("voice")
    body = SpeechBody(
        text=as_text(doc.get("input"), "input"),
        voice=as_text(voice, "voice"),
        format=text_or_none(doc.get("response_format"), "response_format") or "mp3",
        speed=None if speed is None else float(speed),
        instructions=text_or_none(doc.get("instructions"), "instructions"),
        extra=rest(doc, _KNOWN),
    )
    model = text_or_none(doc.get("model"), "model") or ""
    return Call("speech", model, WIRE, False, body, frozen(doc), headers)


def encode_speech(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream of this format.

    Raises:
        CannotEncode: not a speech call.
    """
    body = call.body
    if not isinstance(body, SpeechBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a speech request")
    doc: dict[str, Json] = {"model": model, "input": body.text, "voice": body.voice}
    if body.format != "mp3" or "response_format" in call.doc:
        doc["response_format"] = body.format
    if body.speed is not None:
        doc["speed"] = body.speed
    if body.instructions is not None:
        doc["instructions"] = body.instructions
    doc.update(body.extra)
    return doc, ()


def speech_reply(body: bytes, content_type: str, model: str = "") -> Sequence[Event]:
    """The events of an answer that is audio."""
    if not body:
        return [Broken(Fault("empty", "the provider's reply holds no audio"))]
    mime = content_type.partition(";")[0].strip() or "application/octet-stream"
    if mime in ("application/json", "text/html"):
        return [Broken(Fault("protocol", "the provider's reply is no audio"))]
    return [Start("", model), Result(Speech(body, mime)), Finish("stop", "")]


class SpeechDialect(PlainDialect):
    """`/v1/audio/speech`, client's side."""

    _wire = WIRE

    def reply_type(self, call: Call) -> str:
        """Content type of the audio that was asked for."""
        wanted = call.body.format if isinstance(call.body, SpeechBody) else "mp3"
        return MIMES.get(wanted, "application/octet-stream")

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """The audio."""
        result = reply.result
        if not isinstance(result, Speech):
            raise CannotEncode("the answer holds no audio")
        return result.data, ()
