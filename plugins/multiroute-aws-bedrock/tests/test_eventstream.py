"""The binary event stream: whole, in pieces, damaged."""

from __future__ import annotations

import itertools
import struct
import zlib

import pytest
from hypothesis import given, strategies as st

from multiroute_aws_bedrock.eventstream import (
    MAX_MESSAGE_BYTES,
    BadFrame,
    Frame,
    FrameParser,
    FrameTooLarge,
)


def _message(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return start + struct.pack(">I", zlib.crc32(start))


def _text(name: str, value: str) -> bytes:
    raw, own = name.encode(), value.encode()
    return bytes([len(raw)]) + raw + b"\x07" + struct.pack(">H", len(own)) + own


def _all(*pieces: bytes) -> list[Frame]:
    parser = FrameParser()
    return [frame for piece in pieces for frame in parser.feed(piece)]


ONE = _message(_text(":event-type", "messageStop") + _text("ü", "é"), b'{"a":1}')


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_messages_are_the_same_however_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(_message(_text("n", "x"), payload) for payload in payloads)
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]

    frames = _all(*pieces)

    assert [frame.payload for frame in frames] == payloads
    assert all(frame.headers == {"n": "x"} for frame in frames)


def test_every_type_of_header_is_read() -> None:
    def _head(name: str, kind: int, value: bytes) -> bytes:
        return bytes([len(name)]) + name.encode() + bytes([kind]) + value

    headers = b"".join(
        (
            _head("t", 0, b""),
            _head("f", 1, b""),
            _head("b", 2, b"\xff"),
            _head("s", 3, b"\xff\xfe"),
            _head("i", 4, b"\0\0\0\x07"),
            _head("l", 5, b"\0" * 7 + b"\x09"),
            _head("y", 6, b"\0\x02ab"),
            _head("x", 7, b"\0\x02ab"),
            _head("w", 8, b"\0" * 8),
            _head("u", 9, b"u" * 16),
        )
    )

    (frame,) = _all(_message(headers, b""))

    assert frame.headers == {
        "t": True,
        "f": False,
        "b": -1,
        "s": -2,
        "i": 7,
        "l": 9,
        "y": b"ab",
        "x": "ab",
        "w": 0,
        "u": b"u" * 16,
    }


@pytest.mark.parametrize("at", range(len(ONE)))
def test_a_flipped_bit_anywhere_is_noticed(at: int) -> None:
    damaged = bytearray(ONE)
    damaged[at] ^= 1

    with pytest.raises(BadFrame):
        _all(bytes(damaged) + ONE)


def test_a_message_before_the_damaged_one_is_given_out() -> None:
    parser = FrameParser()
    frames = parser.feed(ONE + ONE[:-1] + b"\0")

    assert next(frames).text(":event-type") == "messageStop"
    with pytest.raises(BadFrame):
        next(frames)


def test_a_message_without_end_is_refused_by_its_announcement() -> None:
    prelude = struct.pack(">II", MAX_MESSAGE_BYTES + 1, 0)

    with pytest.raises(FrameTooLarge):
        _all(prelude + struct.pack(">I", zlib.crc32(prelude)))


@pytest.mark.parametrize(
    "headers",
    [b"\x01n\x63", b"\x05n", b"\x01n\x07\0\x09ab", b"\x01n\x04\0", b"\x01n\x07\0\x01\xff"],
)
def test_headers_that_cannot_be_read_are_an_error(headers: bytes) -> None:
    with pytest.raises(BadFrame):
        _all(_message(headers, b""))


def test_headers_longer_than_their_message_are_an_error() -> None:
    prelude = struct.pack(">II", 16, 900)

    with pytest.raises(BadFrame):
        _all(prelude + struct.pack(">I", zlib.crc32(prelude)))
