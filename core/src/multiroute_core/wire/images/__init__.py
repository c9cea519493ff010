"""The images format: `/v1/images/generations` and `/v1/images/edits`, both ways."""

from multiroute_core.wire.images.codec import (
    ImagesDialect,
    decode_call,
    decode_reply,
    encode_call,
    encode_edit,
    usage,
    write_reply,
)

__all__ = [
    "ImagesDialect",
    "decode_call",
    "decode_reply",
    "encode_call",
    "encode_edit",
    "usage",
    "write_reply",
]
