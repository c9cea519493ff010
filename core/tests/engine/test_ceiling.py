"""The output limit of a call: lowered to what a target gives, with a receipt."""

from __future__ import annotations

import pytest

from multiroute_core.api import ChatBody
from multiroute_core.engine.ceiling import fitted
from multiroute_core.wire.chat import decode_call

HELLO = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_above_the_targets_is_lowered_and_told(name: str) -> None:
    call = decode_call({"model": "m", "messages": HELLO, name: 64_000})
    lowered, losses = fitted(call, 8_000)
    assert isinstance(lowered.body, ChatBody)
    assert (lowered.body.max_output, lowered.doc[name]) == (8_000, 8_000)
    assert losses[0].path == name
    assert "64000" in losses[0].what
    assert call.doc[name] == 64_000, "the client's own document stays as it was"


@pytest.mark.parametrize("most", [None, 64_000, 100_000])
def test_a_limit_that_fits_is_left_alone(most: int | None) -> None:
    call = decode_call({"model": "m", "messages": HELLO, "max_tokens": 64_000})
    assert fitted(call, most) == (call, ())


def test_a_call_without_a_limit_gets_none() -> None:
    call = decode_call({"model": "m", "messages": HELLO})
    assert fitted(call, 10) == (call, ())
