"""Ollama's own API, `/api/chat` and `/api/generate`, both ways.

Source: Ollama's API reference (2026-08) and recorded traffic; where they differ, the recorded bytes
win.
"""

from multiroute_ollama.native.names import GENERATE, WIRE
from multiroute_ollama.native.reply_in import OllamaDecoder, decode_reply
from multiroute_ollama.native.request_in import decode_chat, decode_generate
from multiroute_ollama.native.request_out import encode_call
from multiroute_ollama.native.usage import usage

__all__ = [
    "GENERATE",
    "WIRE",
    "OllamaDecoder",
    "decode_chat",
    "decode_generate",
    "decode_reply",
    "encode_call",
    "usage",
]
