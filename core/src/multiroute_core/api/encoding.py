"""Records as bytes: JSON with a `type` tag, one byte form for one record."""

from __future__ import annotations

from typing import Final

import msgspec

from multiroute_core.api.json import plain
from multiroute_core.api.records import Record

_ENCODER: Final = msgspec.json.Encoder(
    enc_hook=plain, decimal_format="string", order="deterministic"
)
_DECODER: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)


class NotARecord(ValueError):
    """The bytes are no record of ours; the message says where, and never holds a value."""


def encode_record(record: Record) -> bytes:
    """The record as JSON: equal records give equal bytes. Decimals are strings.

    Raises:
        TypeError, ValueError: it holds what is not JSON (an object, half a surrogate pair).
    """
    return _ENCODER.encode(record)


def decode_record(data: bytes | str) -> Record:
    """The record that `encode_record` wrote. Fields that this version does not know are left out,
    absent ones get their defaults.

    Raises:
        NotARecord: not JSON, an unknown type, a field that is missing or of another type.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise NotARecord(f"not a record: {error}") from None
