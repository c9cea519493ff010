"""The messages format: codecs for providers that speak it.

For adapters: `encode_call`, `decode_reply`, `MessagesDecoder`, `usage`, `classify`.
Source: the vendor's public API reference and recorded traffic; the recorded bytes win.
"""

from multiroute_core.wire.messages.faults import classify
from multiroute_core.wire.messages.reply_in import MessagesDecoder, decode_reply
from multiroute_core.wire.messages.request_out import encode_call
from multiroute_core.wire.messages.usage import usage

__all__ = ["MessagesDecoder", "classify", "decode_reply", "encode_call", "usage"]
