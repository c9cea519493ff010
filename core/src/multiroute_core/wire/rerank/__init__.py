"""The rerank format: `/v1/rerank`, in the shape that the field has settled on, both ways."""

from multiroute_core.wire.rerank.codec import (
    RerankDialect,
    decode_call,
    decode_reply,
    encode_call,
    usage,
    write_reply,
)

__all__ = ["RerankDialect", "decode_call", "decode_reply", "encode_call", "usage", "write_reply"]
