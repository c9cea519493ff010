"""The responses format as clients speak it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import ClientError, Framer, StreamWriter
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.reply import Reply
from multiroute_core.wire.responses.reply_out import write_reply
from multiroute_core.wire.responses.request_in import decode_call
from multiroute_core.wire.responses.stream_out import ResponsesWriter
from multiroute_core.wire.responses.thinking import WIRE
from multiroute_core.wire.sse import SseFramer
from multiroute_core.wire.strict import dump, loads

_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
_ENDS: Final = ("response.completed", "response.incomplete", "response.failed")


class ResponsesFramer(SseFramer):
    """Whole events of a responses stream. Its last event holds content: none can be added."""

    __slots__ = ()

    def is_end(self, event: bytes) -> bool:
        """Whether this event ends a response, however it ended. Where it has no name, its document
        tells, wherever in it the type stands."""
        if not any(end.encode() in event for end in _ENDS):
            return False
        name, data = "", b""
        for line in event.splitlines():
            field, _, value = line.partition(b":")
            if field == b"event":
                name = value.strip().decode("utf-8", "replace")
            elif field == b"data":
                data += value
        if name:
            return name in _ENDS
        try:
            doc: Json = loads(data)
        except ValueError:
            return False
        return isinstance(doc, Mapping) and doc.get("type") in _ENDS


class ResponsesDialect:
    """`/v1/responses`, client's side."""

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
            raise InvalidRequest(f"the responses format has no operation {operation}")
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole reply as JSON, and what of it could not be shown."""
        return write_reply(reply, call)

    def writer(self, call: Call) -> StreamWriter:
        """A writer for one stream."""
        return ResponsesWriter(call)

    def framer(self) -> Framer:
        """A framer for passing on one stream."""
        return ResponsesFramer()

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        inner: dict[str, Json] = {
            "message": error.message,
            "type": _TYPES.get(error.status, "server_error"),
            "param": error.param,
            "code": error.code,
        }
        return dump({"error": inner})
