"""Cohere's chat, version 2, both ways.

Source: Cohere's API reference of `/v2/chat` (2026-08) and recorded traffic; where they differ, the
recorded bytes win.
"""

from multiroute_cohere.v2chat.faults import classify
from multiroute_cohere.v2chat.names import WIRE
from multiroute_cohere.v2chat.reply_in import CohereDecoder, decode_reply
from multiroute_cohere.v2chat.request_in import decode_call
from multiroute_cohere.v2chat.request_out import encode_call
from multiroute_cohere.v2chat.usage import usage

__all__ = [
    "WIRE",
    "CohereDecoder",
    "classify",
    "decode_call",
    "decode_reply",
    "encode_call",
    "usage",
]
