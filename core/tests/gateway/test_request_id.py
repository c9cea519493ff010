"""Request ids: sortable, and a client's own only if harmless."""

from __future__ import annotations

from hypothesis import given, strategies as st

from multiroute_core.gateway.request_id import RequestIds, harmless_id


def test_an_id_is_its_time_then_its_entropy() -> None:
    new_id = RequestIds(lambda: 1_469_918_176_385, lambda size: b"\xff" * size)
    # The time of the example in the ULID specification.
    assert new_id() == "01ARYZ6S41" + "Z" * 16


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_by_time(one_ms: int, other_ms: int) -> None:
    one = RequestIds(lambda: one_ms, lambda size: b"\xff" * size)()
    other = RequestIds(lambda: other_ms, lambda size: b"\xff" * size)()
    assert (one < other) == (one_ms < other_ms)
    assert len(one) == 26


def test_ids_differ_and_are_harmless_themselves() -> None:
    new_id = RequestIds()
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(harmless_id(one.encode()) == one for one in ids)


@given(st.binary(max_size=70))
def test_a_clients_id_is_taken_whole_or_not_at_all(value: bytes) -> None:
    taken = harmless_id(value)
    if taken is not None:
        assert taken.encode() == value
        assert 1 <= len(value) <= 64
        assert taken.isascii()
        assert all(char.isalnum() or char in "._-" for char in taken)


def test_line_ends_are_not_overlooked() -> None:
    assert harmless_id(b"abc\n") is None
