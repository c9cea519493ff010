"""The messages format: the client's dialect, and codecs for providers that speak it.

For adapters: `encode_call`, `decode_call`, `decode_reply`, `decode_count`, `MessagesDecoder`,
`relay_fields`, `with_query`, `client_header`, `usage`, `classify`, `fault_of`, `UNSIGNED` and
`thinking_path` (to report thinking lost). For the gateway: `MessagesDialect`, `CLIENT_HEADERS`,
`QUERY_HEADER`.
Source: the vendor's public API reference and recorded traffic; the recorded bytes win.
"""

from multiroute_core.wire.messages.abilities import Abilities, abilities_of
from multiroute_core.wire.messages.blocks_out import UNSIGNED, thinking_path
from multiroute_core.wire.messages.dialect import MessagesDialect
from multiroute_core.wire.messages.faults import classify, fault_of
from multiroute_core.wire.messages.names import (
    BETA_HEADER,
    CLIENT_HEADERS,
    QUERY_HEADER,
    VERSION_HEADER,
)
from multiroute_core.wire.messages.relay import client_header, relay_fields, with_query
from multiroute_core.wire.messages.reply_in import MessagesDecoder, decode_count, decode_reply
from multiroute_core.wire.messages.request_in import decode_call
from multiroute_core.wire.messages.request_out import encode_call
from multiroute_core.wire.messages.stream_out import MessagesWriter
from multiroute_core.wire.messages.usage import usage

__all__ = [
    "BETA_HEADER",
    "CLIENT_HEADERS",
    "QUERY_HEADER",
    "UNSIGNED",
    "VERSION_HEADER",
    "Abilities",
    "MessagesDecoder",
    "MessagesDialect",
    "MessagesWriter",
    "abilities_of",
    "classify",
    "client_header",
    "decode_call",
    "decode_count",
    "decode_reply",
    "encode_call",
    "fault_of",
    "relay_fields",
    "thinking_path",
    "usage",
    "with_query",
]
