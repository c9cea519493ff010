"""The chat completions format: the client's dialect, and codecs for providers that speak it.

For adapters: `ChatAdapter` with `ChatQuirks` is a whole one; `encode_call`, `decode_call`,
`decode_reply`, `ChatDecoder`, `usage`, `classify` are its pieces. For the gateway: `ChatDialect`.
Source: the public OpenAPI description of `/v1/chat/completions` and recorded traffic of the
providers that speak it; where they differ, the recorded bytes win.
"""

from multiroute_core.wire.chat.adapter import ChatAdapter
from multiroute_core.wire.chat.dialect import ChatDialect
from multiroute_core.wire.chat.faults import classify, fault_of
from multiroute_core.wire.chat.quirks import ChatQuirks, Fit, fit, reset_s, usage_of
from multiroute_core.wire.chat.relay import relay_fields
from multiroute_core.wire.chat.reply_in import ChatDecoder, decode_reply
from multiroute_core.wire.chat.request_in import decode_call
from multiroute_core.wire.chat.request_out import encode_call
from multiroute_core.wire.chat.usage import usage

__all__ = [
    "ChatAdapter",
    "ChatDecoder",
    "ChatDialect",
    "ChatQuirks",
    "Fit",
    "classify",
    "decode_call",
    "decode_reply",
    "encode_call",
    "fault_of",
    "fit",
    "relay_fields",
    "reset_s",
    "usage",
    "usage_of",
]
