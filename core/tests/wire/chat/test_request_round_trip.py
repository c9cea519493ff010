"""A request read and written again is the same request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multiroute_core.api import ChatBody, InvalidRequest
from multiroute_core.testing import Recordings
from multiroute_core.testing.normalise import Normalisation, normalise_json
from multiroute_core.wire import chat
from multiroute_core.wire.strict import dump

_STRICT = Normalisation(ignore_fields=frozenset({"stream_options"}), text_shorthand=frozenset())


def _again(doc: dict[str, Any]) -> dict[str, Any]:
    written, losses = chat.encode_call(chat.decode_call(doc), doc.get("model", ""))
    assert losses == ()
    again: dict[str, Any] = json.loads(dump(written))
    if "model" not in doc:
        del again["model"]
    return again


def _asked(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [message], **fields}


def test_every_recorded_request_comes_back_unchanged(recorded: Recordings) -> None:
    """Not even text written as a list of one part becomes a string."""
    changed = []
    for one in recorded:
        doc = json.loads(one.request.body)
        if normalise_json(doc, _STRICT) != normalise_json(_again(doc), _STRICT):
            changed.append((one.provider, one.id))
    assert len(recorded) > 700
    assert changed == []


@pytest.mark.parametrize(
    "doc",
    [
        _asked(
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://a/b.png"}]}
        ),
        _asked(
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,AA==", "detail": "low", "x": 1},
                        "cache_control": {"type": "ephemeral"},
                        "y": 2,
                    }
                ],
            }
        ),
        _asked(
            {
                "role": "user",
                "content": [
                    {"type": "document_url", "document_url": "https://a/b", "document_name": "b"},
                    {"type": "document_url", "document_url": "data:application/pdf;base64,AA=="},
                    {"type": "input_audio", "input_audio": "AA=="},
                    {
                        "type": "input_audio",
                        "input_audio": {"data": "AA==", "format": "mp3", "x": 1},
                    },
                    {"type": "file", "file": {"file_id": "f", "x": 1}, "y": 2},
                    {"type": "file", "file_id": "f"},
                    {"type": "video_url", "video_url": {"url": "https://a/v"}},
                    {"type": "reference", "reference_ids": [1]},
                ],
            }
        ),
        _asked({"role": "user", "content": [], "name": "n"}),
        _asked(
            {
                "role": "assistant",
                "content": [{"type": "refusal", "refusal": "no", "x": 1}],
                "tool_calls": [
                    {"id": "1", "function": {"name": "f", "arguments": "{}", "x": 1}, "index": 0},
                    {"id": "2", "type": "custom", "custom": {"name": "g", "input": "free"}},
                ],
            }
        ),
        _asked({"role": "assistant", "content": "a", "refusal": "no", "prefix": True}),
        _asked(
            {
                "role": "assistant",
                "reasoning": "ab",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "a", "signature": "s", "index": 0, "x": 1},
                    {"type": "reasoning.summary", "summary": "b", "index": 1},
                    {"type": "reasoning.encrypted", "data": "e", "format": "anthropic-claude-v1"},
                ],
            }
        ),
        _asked({"role": "assistant", "reasoning_content": "a", "reasoning": "b", "content": None}),
        _asked({"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r"}]}),
        _asked({"role": "tool", "tool_call_id": "1", "name": "f"}),
        _asked({"role": "function", "name": "f", "content": "1"}, functions=[{"name": "f"}]),
        _asked(
            {"role": "user", "content": "a"}, tools=[{"function": {"name": "f", "x": 1}, "y": 2}]
        ),
        _asked(
            {"role": "user", "content": "a"},
            tool_choice={"type": "function", "function": {"name": "f", "x": 1}, "y": 2},
        ),
        _asked({"role": "user", "content": "a"}, tool_choice="any", stop="s", n=1, stream=False),
        _asked({"role": "user", "content": "a"}, max_tokens=5, max_completion_tokens=6),
        _asked({"role": "user", "content": "a"}, max_tokens=-1),
        _asked({"role": "user", "content": "a"}, reasoning={"effort": "high", "exclude": True}),
        _asked({"role": "user", "content": "a"}, reasoning={"max_tokens": 99, "enabled": True}),
        _asked({"role": "user", "content": "a"}, reasoning={}, reasoning_effort="low"),
        _asked({"role": "user", "content": "a"}, response_format={"type": "regex", "regex": "a"}),
        _asked(
            {"role": "user", "content": "a"},
            response_format={"type": "json_schema", "schema": {"type": "object"}},
        ),
        _asked(
            {"role": "user", "content": "a"},
            response_format={
                "type": "json_schema",
                "json_schema": {"schema": {"type": "object"}, "strict": True, "x": 1},
                "y": 2,
            },
        ),
    ],
)
def test_spellings_and_unknown_fields_survive(doc: dict[str, Any]) -> None:
    assert normalise_json(_again(doc), _STRICT) == normalise_json(doc, _STRICT)


def test_a_reasoning_object_has_words_of_ours() -> None:
    doc = _asked({"role": "user", "content": "a"}, reasoning={"max_tokens": 99, "exclude": True})
    body = chat.decode_call(doc).body
    assert isinstance(body, ChatBody)
    assert body.reasoning is not None
    assert body.reasoning.budget_tokens == 99
    assert body.extra == {"reasoning": {"exclude": True}}


def test_signed_thinking_is_given_to_the_family_that_signed_it() -> None:
    detail = {"type": "reasoning.text", "text": "t", "signature": "s"}
    message = {
        "role": "assistant",
        "content": "a",
        "reasoning_details": [{**detail, "format": "anthropic-claude-v1"}],
    }
    body = chat.decode_call(_asked(message)).body
    assert isinstance(body, ChatBody)
    thinking = body.messages[0].parts[0]
    assert (thinking.origin, thinking.text, thinking.signature) == ("messages", "t", "s")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"messages": "a"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": 1}]}, "messages[0].role"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tool_choice": "some"}, "tool_choice"),
        ({"stop": [1]}, "stop[0]"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], where: str) -> None:
    doc = {"model": "m", "messages": [{"role": "user", "content": "a"}], **fields}
    with pytest.raises(InvalidRequest) as refused:
        chat.decode_call(doc)
    assert refused.value.param == where
