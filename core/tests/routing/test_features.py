"""Features: what a decision knows of a request."""

from __future__ import annotations

from typing import Any

import pytest

from multiroute_core.routing import features_of
from multiroute_core.wire.chat import decode_call

USER = {"role": "user", "content": "hello there"}


def features(**fields: Any) -> Any:
    return features_of(decode_call({"model": "m", "messages": [USER], **fields}))


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, ()),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, ("tools",)),
        ({"response_format": {"type": "json_object"}}, ("json_mode",)),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            ("json_schema",),
        ),
        ({"reasoning_effort": "low"}, ("reasoning",)),
        ({"logprobs": True}, ("logprobs",)),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
                ]
            },
            ("vision",),
        ),
    ],
)
def test_needs_are_what_the_request_uses(fields: dict[str, Any], needs: tuple[str, ...]) -> None:
    assert features(**fields).needs == needs


def test_tokens_grow_with_the_text_and_output_is_what_is_allowed() -> None:
    long = features(messages=[{"role": "user", "content": "word " * 1000}])
    assert 1100 < long.input_tokens < 1400
    assert features().input_tokens >= 1
    assert features(max_tokens=10).output_tokens == 10
    assert features(max_tokens=10).max_output == 10
    assert features().output_tokens == 500


def test_the_text_is_there_only_if_a_scorer_reads_it() -> None:
    call = decode_call({"model": "m", "messages": [USER]})
    assert features_of(call).text is None
    assert features_of(call, with_text=True).text == "hello there"


def loop(last: dict[str, Any]) -> list[dict[str, Any]]:
    detail = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "messages"}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    return [USER, {**said, "reasoning_details": [detail]}, last]


def test_an_open_tool_loop_with_signed_thinking_stays_in_its_format() -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    assert features(messages=loop(result)).continues == "messages"
    assert features(messages=loop(USER)).continues is None
    unsigned = loop(result)
    del unsigned[1]["reasoning_details"]
    assert features(messages=unsigned).continues is None
