"""The embeddings format as clients speak it."""

from __future__ import annotations

from collections.abc import Sequence

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import JsonObject
from multiroute_core.api.reply import Reply
from multiroute_core.wire.embeddings.codec import WIRE, decode_call, write_reply
from multiroute_core.wire.plain import PlainDialect


class EmbeddingsDialect(PlainDialect):
    """`/v1/embeddings`, client's side."""

    _wire = WIRE

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole answer as JSON."""
        return write_reply(reply, call)
