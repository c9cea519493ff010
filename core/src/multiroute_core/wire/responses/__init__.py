"""The responses format: the client's dialect, and codecs for providers that speak it.

For adapters: `encode_call`, `decode_reply`, `ResponsesDecoder`, `relay_fields`, `usage`. For the
gateway: `ResponsesDialect`. Source: the public OpenAPI description of `/v1/responses` and recorded
traffic of the providers that speak it; where they differ, the recorded bytes win.

How parts keep what this format has beyond them (origin "responses"):

* thinking: `content` is the native reasoning item, `signature` its encrypted content.
* text and refusal: `extra["item"]` on the first part of a message item holds the item's own
  fields (id, status, phase); a part with it begins a new item. `extra["blank"]` names lists that
  the sender spelt out empty, `extra["short"]` says that the content was a string. `name` says how
  the item was spelt: "instructions" for the field of that name, "message" where an item named its
  type.
* tool_call: `extra["id"]` is the item's id; `extra["type"]` is set for custom tools, whose
  `arguments` are free text.
* server tools and opaque parts: `content` is the native item.
"""

from multiroute_core.wire.responses.dialect import ResponsesDialect
from multiroute_core.wire.responses.relay import relay_fields
from multiroute_core.wire.responses.reply_in import ResponsesDecoder, decode_reply
from multiroute_core.wire.responses.request_in import decode_call
from multiroute_core.wire.responses.request_out import encode_call
from multiroute_core.wire.responses.state import needs_state
from multiroute_core.wire.responses.usage import usage

__all__ = [
    "ResponsesDecoder",
    "ResponsesDialect",
    "decode_call",
    "decode_reply",
    "encode_call",
    "needs_state",
    "relay_fields",
    "usage",
]
