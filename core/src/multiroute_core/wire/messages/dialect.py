"""The messages format as clients speak it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import ClientError, Framer, StreamWriter
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import JsonObject
from multiroute_core.api.reply import Reply
from multiroute_core.wire.messages.faults import error_doc, error_type
from multiroute_core.wire.messages.names import CLIENT_HEADERS, WIRE
from multiroute_core.wire.messages.reply_out import write_reply
from multiroute_core.wire.messages.request_in import decode_call
from multiroute_core.wire.messages.stream_out import STOP, MessagesWriter
from multiroute_core.wire.sse import SseFramer
from multiroute_core.wire.strict import dump

_END: Final = re.compile(
    rb'(?:^|[\r\n])(?:event: ?message_stop *(?:[\r\n]|$)|data: ?\{ ?"type": ?"message_stop")'
)
"""The end event, by its name or by its data. JSON holds no line end, so that no text of a reply
can look like this."""


class MessagesFramer(SseFramer):
    """Cuts a stream of this format into whole events."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(end=STOP)

    def is_end(self, event: bytes) -> bool:
        """Whether this is the event that ends a message."""
        return _END.search(event[:200]) is not None


class MessagesDialect:
    """`/v1/messages` and `/v1/messages/count_tokens`, client's side."""

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
        """The client's headers that go on with its request."""
        return CLIENT_HEADERS

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words.

        Raises:
            InvalidRequest: the document is not of this format.
        """
        if operation not in ("chat", "count_tokens"):
            raise InvalidRequest(f"the messages format has no operation {operation}")
        return decode_call(doc, headers, operation)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole reply as JSON, and what of it could not be shown."""
        return write_reply(reply, call)

    def reply_type(self, call: Call) -> str:
        """Content type of a whole reply."""
        return "application/json"

    def writer(self, call: Call) -> StreamWriter:
        """A writer for one stream."""
        return MessagesWriter(call)

    def framer(self) -> Framer:
        """A framer for passing on one stream."""
        return MessagesFramer()

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        return dump(error_doc(error_type(error.status), error.message, error.request_id))
