"""The Gemini format as clients speak it."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api import (
    Call,
    ClientError,
    Embeddings,
    Framer,
    InvalidRequest,
    JsonObject,
    Loss,
    Operation,
    Pairs,
    Reply,
    StreamWriter,
    TokenCount,
    Wire,
)
from multiroute_core.wire.sse import SseFramer
from multiroute_core.wire.strict import dump
from multiroute_google.gemini.embeddings import write_embed
from multiroute_google.gemini.reply_out import GeminiWriter, write_error, write_reply
from multiroute_google.gemini.request_in import ROUTED, decode_call
from multiroute_google.gemini.spelling import WIRE


class GeminiDialect:
    """`/v1beta/models/{model}:generateContent` and its siblings, client's side.

    Model and streaming stand in the path, the framing of a stream in the query: the endpoint puts
    them over the document as `model`, `stream` and `alt`.
    """

    @property
    def wire(self) -> Wire:
        """The format's name."""
        return WIRE

    @property
    def stream_type(self) -> str:
        """Content type of its streams; an endpoint that gives JSON arrays states its own."""
        return "text/event-stream"

    @property
    def client_headers(self) -> frozenset[bytes]:
        """No header of a client belongs to this format."""
        return frozenset()

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words.

        Raises:
            InvalidRequest: the document is not of this format, or the operation not of its.
        """
        if operation not in ("chat", "count_tokens", "embeddings"):
            raise InvalidRequest(f"the Gemini format has no operation {operation}")
        model = doc.get("model")
        name = model.removeprefix("models/") if isinstance(model, str) else ""
        return decode_call(doc, name, doc.get("stream") is True, operation, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole reply as JSON, and what of it could not be shown."""
        if isinstance(reply.result, TokenCount):
            count = reply.result
            return dump({"totalTokens": count.input_tokens, **count.extra}), ()
        if isinstance(reply.result, Embeddings):
            asked = {name: value for name, value in call.doc.items() if name not in ROUTED}
            return dump(write_embed(reply.result, asked)), ()
        return write_reply(reply, call)

    def reply_type(self, call: Call) -> str:
        """Content type of a whole reply."""
        return "application/json; charset=UTF-8"

    def writer(self, call: Call) -> StreamWriter:
        """A writer for one stream, framed as the query asked."""
        return GeminiWriter(call, as_array=is_array(call))

    def framer(self) -> Framer:
        """A framer for passing on one stream: server-sent events, without an end mark."""
        return SseFramer()

    def error(self, error: ClientError) -> bytes:
        """The body of an error reply."""
        return dump(write_error(error.status, error.message, error.code))


def is_array(call: Call) -> bool:
    """Whether a stream is to be one JSON array: what the format gives unless `alt=sse` is asked."""
    return call.stream and call.doc.get("alt") != "sse"
