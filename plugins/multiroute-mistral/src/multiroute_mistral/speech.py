"""Spoken audio, which Mistral answers as base64 in a document."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from multiroute_core.api import Broken, Event, Fault, Json
from multiroute_core.wire.audio import speech_reply
from multiroute_core.wire.strict import loads


def read_speech(body: bytes, mime: str) -> Sequence[Event]:
    """The events of an answer; `mime` is the content type of the audio that was asked for."""
    if not body.strip():
        return speech_reply(b"", mime)
    try:
        doc: Json = loads(body)
    except ValueError:
        return [Broken(Fault("protocol", "the provider's reply is not valid JSON"))]
    data = doc.get("audio_data") if isinstance(doc, Mapping) else None
    if not isinstance(data, str):
        return [Broken(Fault("protocol", "the provider's reply holds no audio"))]
    try:
        return speech_reply(base64.b64decode(data, validate=True), mime)
    except binascii.Error:
        return [Broken(Fault("protocol", "the audio in the provider's reply is not valid base64"))]
