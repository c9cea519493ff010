"""The chat completions format: the client's dialect, and codecs for providers that speak it.

For adapters: `encode_call`, `decode_reply`, `ChatDecoder`, `usage`, `classify`. For the gateway:
`ChatDialect`. Source: the public OpenAPI description of `/v1/chat/completions` and recorded
traffic of the providers that speak it; where they differ, the recorded bytes win.
"""

from multiroute_core.wire.chat.dialect import ChatDialect
from multiroute_core.wire.chat.faults import classify, fault_of
from multiroute_core.wire.chat.relay import relay_fields
from multiroute_core.wire.chat.reply_in import ChatDecoder, decode_reply
from multiroute_core.wire.chat.request_in import decode_call
from multiroute_core.wire.chat.request_out import encode_call
from multiroute_core.wire.chat.usage import usage

__all__ = [
    "ChatDecoder",
    "ChatDialect",
    "classify",
    "decode_call",
    "decode_reply",
    "encode_call",
    "fault_of",
    "relay_fields",
    "usage",
]
