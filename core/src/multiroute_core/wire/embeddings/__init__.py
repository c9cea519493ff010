"""The embeddings format: `/v1/embeddings`, both ways."""

from multiroute_core.wire.embeddings.codec import (
    decode_call,
    decode_reply,
    encode_call,
    usage,
    write_reply,
)
from multiroute_core.wire.embeddings.dialect import EmbeddingsDialect

__all__ = [
    "EmbeddingsDialect",
    "decode_call",
    "decode_reply",
    "encode_call",
    "usage",
    "write_reply",
]
