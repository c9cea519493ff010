"""Spoken audio to text: the request is a form with a file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Event, Finish, Result, Start, Used
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import Transcript, TranscriptionBody
from multiroute_core.api.reply import Reply
from multiroute_core.api.usage import Usage
from multiroute_core.wire.fields import as_object, own_text, rest, text_or_none
from multiroute_core.wire.multipart import encode_form, file_bytes
from multiroute_core.wire.plain import PlainDialect
from multiroute_core.wire.strict import dump, loads

WIRE: Final = "transcriptions"
_KNOWN: Final = frozenset({"file", "model", "language", "prompt", "response_format", "temperature"})
_TEXT: Final = ("text", "srt", "vtt")


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a form, read as a document, asks for.

    Raises:
        InvalidRequest: there is no file, or a field of the wrong type.
    """
    if "file" not in doc:
        raise InvalidRequest("file is missing: the audio, as a file of a form", param="file")
    file = as_object(doc["file"], "file")
    temperature = doc.get("temperature")
    try:
        warmth = None if temperature is None else float(str(temperature))
    except ValueError:
        raise InvalidRequest("temperature must be a number", param="temperature") from None
    body = TranscriptionBody(
        audio=file_bytes(file, "file"),
        filename=own_text(file, "filename") or "audio",
        mime=own_text(file, "content_type") or "",
        language=text_or_none(doc.get("language"), "language"),
        prompt=text_or_none(doc.get("prompt"), "prompt"),
        response=text_or_none(doc.get("response_format"), "response_format") or "json",
        temperature=warmth,
        extra=rest(doc, _KNOWN),
    )
    model = text_or_none(doc.get("model"), "model") or ""
    return Call("transcriptions", model, WIRE, False, body, frozen(doc), headers)


def encode_transcription(call: Call, model: str) -> tuple[bytes, bytes, tuple[Loss, ...]]:
    """(content type, body, losses): the form for an upstream of this format.

    Raises:
        CannotEncode: not a transcription call.
    """
    body = call.body
    if not isinstance(body, TranscriptionBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a transcription request")
    file: JsonObject = {
        "filename": body.filename,
        "content_type": body.mime or "application/octet-stream",
        "data": base64.b64encode(body.audio).decode("ascii"),
    }
    fields: list[tuple[str, Json]] = [("model", model), ("file", file)]
    given: dict[str, Json] = {
        "language": body.language,
        "prompt": body.prompt,
        "temperature": body.temperature,
    }
    fields += [(name, value) for name, value in given.items() if value is not None]
    if body.response != "json" or "response_format" in call.doc:
        fields.append(("response_format", body.response))
    for name, value in body.extra.items():
        listed = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        fields += [(name, item) for item in listed]
    content_type, form = encode_form(fields)
    return content_type, form, ()


def usage(native: JsonObject) -> Usage:
    """The buckets: audio and text tokens in, text out; or seconds, as a unit of their own."""
    if native.get("type") == "duration":
        seconds = native.get("seconds")
        units = (("audio_seconds", round(seconds)),) if isinstance(seconds, (int, float)) else ()
        return Usage(tool_units=units, native=native)

    def count(source: JsonObject, *names: str) -> int:
        for name in names:
            value = source.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
        return 0

    details = native.get("input_token_details") or native.get("prompt_tokens_details")
    inner: JsonObject = details if isinstance(details, Mapping) else {}
    audio = count(inner, "audio_tokens")
    fresh = count(native, "input_tokens", "prompt_tokens")
    if "input_tokens" in native:
        fresh = max(0, fresh - audio)
    return Usage(
        input_fresh=fresh,
        output_text=count(native, "output_tokens", "completion_tokens"),
        media=(("audio_in", audio),) if audio else (),
        native=native,
    )


def transcript_reply(body: bytes, content_type: str) -> Sequence[Event]:
    """The events of an answer: JSON, or text as it stands."""
    if not body:
        return [Broken(Fault("empty", "the provider's reply is empty"))]
    if "json" not in content_type:
        return [
            Start("", ""),
            Result(Transcript(body.decode("utf-8", "replace"))),
            Finish("stop", ""),
        ]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [Broken(Fault("protocol", "the provider's reply is not valid JSON"))]
    text = doc.get("text") if isinstance(doc, Mapping) else None
    if not isinstance(doc, Mapping) or not isinstance(text, str):
        return [Broken(Fault("protocol", "the provider's reply holds no text"))]
    extra = {k: v for k, v in doc.items() if k not in ("text", "usage") and v is not None}
    events: list[Event] = [
        Start("", own_text(doc, "model") or ""),
        Result(Transcript(text, frozen(extra))),
    ]
    native = doc.get("usage")
    if isinstance(native, Mapping):
        events.append(Used(usage(native)))
    events.append(Finish("stop", ""))
    return events


class TranscriptionsDialect(PlainDialect):
    """`/v1/audio/transcriptions`, client's side."""

    _wire = WIRE

    def reply_type(self, call: Call) -> str:
        """JSON, or plain text where that was asked for."""
        wanted = call.body.response if isinstance(call.body, TranscriptionBody) else "json"
        return "text/plain; charset=utf-8" if wanted in _TEXT else "application/json"

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """The transcript, in the form that was asked for."""
        result = reply.result
        if not isinstance(result, Transcript):
            raise CannotEncode("the answer holds no transcript")
        if self.reply_type(call) != "application/json":
            return result.text.encode(), ()
        doc: dict[str, Json] = {"text": result.text, **result.extra}
        if reply.usage is not None and reply.usage.native is not None:
            doc["usage"] = reply.usage.native
        return dump(doc), ()
