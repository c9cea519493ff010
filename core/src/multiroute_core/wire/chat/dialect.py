"""The chat format as clients speak it."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import ClientError, Framer, StreamWriter
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import JsonObject
from multiroute_core.api.reply import Reply
from multiroute_core.wire.chat.reply_out import DONE, ChatWriter, write_reply
from multiroute_core.wire.chat.request_in import decode_call
from multiroute_core.wire.chat.words import WIRE
from multiroute_core.wire.error_shape import error_document
from multiroute_core.wire.sse import SseFramer


class ChatDialect:
    """`/v1/chat/completions`, client's side."""

    @property
    def wire(self) -> Wire:
        """The format's name."""
        return WIRE

    @property
    def stream_type(self) -> str:
        """Content type of its streams."""
        return "text/event-stream; charset=utf-8"

    @property
    def client_headers(self) -> frozenset[bytes]:
        """No header of a client belongs to this format."""
        return frozenset()

    def reply_type(self, call: Call) -> str:
        """Content type of a whole reply."""
        return "application/json"

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words.

        Raises:
            InvalidRequest: the document is not of this format.
        """
        if operation != "chat":
            raise InvalidRequest(f"the chat format has no operation {operation}")
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole reply as JSON, and what of it could not be shown."""
        return write_reply(reply, call)

    def writer(self, call: Call) -> StreamWriter:
        """A writer for one stream."""
        return ChatWriter(call)

    def framer(self) -> Framer:
        """A framer for passing on one stream."""
        return SseFramer(end=DONE, end_data=b"data: [DONE]")

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        return error_document(error)
