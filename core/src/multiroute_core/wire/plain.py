"""What the dialects of operations beside chat have in common: one whole JSON answer, no stream."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.call import Call
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import ClientError, Framer, StreamWriter
from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.events import Broken, Event, Finish, Result, Start, Used
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import ResultValue
from multiroute_core.api.usage import Usage
from multiroute_core.wire.error_shape import error_document
from multiroute_core.wire.strict import loads


class PlainDialect:
    """A client dialect without streams; errors have the shape of the chat format."""

    _wire: Wire = ""

    @property
    def wire(self) -> Wire:
        """The format's name."""
        return self._wire

    @property
    def stream_type(self) -> str:
        """Content type of its streams: it has none."""
        return "application/json"

    @property
    def client_headers(self) -> frozenset[bytes]:
        """No header of a client belongs to this format."""
        return frozenset()

    def reply_type(self, call: Call) -> str:
        """Content type of a whole answer."""
        return "application/json"

    def writer(self, call: Call) -> StreamWriter:
        """There is none.

        Raises:
            InvalidRequest: always.
        """
        raise InvalidRequest(f"{call.operation} cannot be streamed", param="stream")

    def framer(self) -> Framer:
        """There is none.

        Raises:
            InvalidRequest: always.
        """
        raise InvalidRequest("this operation cannot be streamed", param="stream")

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        return error_document(error)


def read_object(body: bytes) -> JsonObject | Broken:
    """A whole JSON object, or how it is broken."""
    if not body.strip():
        return Broken(Fault("empty", "the provider's reply is empty"))
    try:
        doc: Json = loads(body)
    except ValueError:
        return Broken(Fault("protocol", "the provider's reply is not valid JSON"))
    if not isinstance(doc, dict):
        return Broken(Fault("protocol", "the provider's reply is not a JSON object"))
    return doc


def told(
    doc: JsonObject, value: ResultValue, usage: Usage | None, known: frozenset[str]
) -> Sequence[Event]:
    """The events of a whole answer. What `known` does not name goes along with the start."""
    extra = {k: v for k, v in doc.items() if k not in known and v is not None}
    events: list[Event] = [
        Start(str(doc.get("id") or ""), str(doc.get("model") or ""), frozen(extra)),
        Result(value),
    ]
    if usage is not None:
        events.append(Used(usage))
    events.append(Finish("stop", ""))
    return events
