"""The audio formats: `/v1/audio/speech` and `/v1/audio/transcriptions`, both ways."""

from multiroute_core.wire.audio.speech import MIMES, SpeechDialect, encode_speech, speech_reply
from multiroute_core.wire.audio.transcriptions import (
    TranscriptionsDialect,
    encode_transcription,
    transcript_reply,
)

__all__ = [
    "MIMES",
    "SpeechDialect",
    "TranscriptionsDialect",
    "encode_speech",
    "encode_transcription",
    "speech_reply",
    "transcript_reply",
]
