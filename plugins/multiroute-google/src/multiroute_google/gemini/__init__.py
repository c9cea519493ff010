"""The Gemini format: the client's dialect, and the codec for the vendor's APIs.

Source: the public API references of the Gemini API and of Vertex AI (read 2026-11) and recorded
traffic; where they differ, the recorded bytes win.
"""

from multiroute_google.gemini.dialect import GeminiDialect, is_array
from multiroute_google.gemini.embeddings import decode_embed_reply, encode_embed
from multiroute_google.gemini.faults import classify, fault_of
from multiroute_google.gemini.reply_in import GeminiDecoder, decode_count, decode_reply
from multiroute_google.gemini.reply_out import GeminiWriter, write_reply
from multiroute_google.gemini.request_in import ROUTED, decode_call
from multiroute_google.gemini.request_out import encode_call
from multiroute_google.gemini.spelling import WIRE
from multiroute_google.gemini.usage import usage, write_usage

__all__ = [
    "ROUTED",
    "WIRE",
    "GeminiDecoder",
    "GeminiDialect",
    "GeminiWriter",
    "classify",
    "decode_call",
    "decode_count",
    "decode_embed_reply",
    "decode_reply",
    "encode_call",
    "encode_embed",
    "fault_of",
    "is_array",
    "usage",
    "write_reply",
    "write_usage",
]
