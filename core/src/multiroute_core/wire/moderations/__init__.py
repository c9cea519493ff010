"""The moderations format: `/v1/moderations`, both ways."""

from multiroute_core.wire.moderations.codec import (
    ModerationsDialect,
    decode_call,
    decode_reply,
    encode_call,
    write_reply,
)

__all__ = ["ModerationsDialect", "decode_call", "decode_reply", "encode_call", "write_reply"]
