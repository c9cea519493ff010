"""Nothing of a request vanishes: unknown fields are carried, or reported."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
from hypothesis import given, strategies as st

from multiroute_core.api import Broken
from multiroute_core.wire import chat, messages, responses
from multiroute_core.wire.strict import dump

_VALUE = st.one_of(
    st.booleans(),
    st.integers(-9, 9),
    st.text(min_size=1, max_size=5),
    st.lists(st.integers(0, 3), min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3), min_size=1, max_size=2),
)
_NAME = st.text("abcdefghij", min_size=3, max_size=8).map(lambda name: f"zz_{name}")
_BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": "x"},
    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
    {"type": "document", "source": {"type": "file", "file_id": "f"}},
    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    {"type": "tool_result", "tool_use_id": "t", "content": "x"},
    {"type": "thinking", "thinking": "x", "signature": "s"},
    {"type": "redacted_thinking", "data": "s"},
    {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {}},
    {"type": "web_search_tool_result", "tool_use_id": "t", "content": []},
    {"type": "search_result", "source": "s", "title": "t", "content": []},
]


@st.composite
def _requests(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A request with one unknown field somewhere, and where its value ends in the path."""
    block = deepcopy(draw(st.sampled_from(_BLOCKS)))
    tool = {"name": "f", "input_schema": {"type": "object"}}
    doc: dict[str, Any] = {
        "model": "m",
        "max_tokens": 5000,
        "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [block]}],
        "tools": [tool],
        "tool_choice": {"type": "auto"},
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    }
    places: list[dict[str, Any]] = [
        doc,
        doc["messages"][0],
        block,
        doc["system"][0],
        tool,
        doc["tool_choice"],
        doc["metadata"],
        doc["thinking"],
        doc["output_config"],
        doc["output_config"]["format"],
    ]
    if "source" in block and isinstance(block["source"], dict):
        places.append(block["source"])
    name = draw(_NAME)
    draw(st.sampled_from(places))[name] = draw(_VALUE)
    return doc, name


@given(_requests())
def test_an_unknown_field_comes_back_to_its_own_format(case: tuple[dict[str, Any], str]) -> None:
    doc, _ = case
    written, losses = messages.encode_call(messages.decode_call(doc), "m", 9)
    assert orjson.loads(dump(written)) == doc
    assert not losses


@given(_requests())
def test_an_unknown_field_is_reported_where_another_model_is_taken(
    case: tuple[dict[str, Any], str],
) -> None:
    doc, name = case
    written, losses = messages.encode_call(messages.decode_call(doc), "claude-opus-4-8", 9)
    assert name in dump(written).decode() or any(name in loss.path for loss in losses)


@given(_NAME, _VALUE, st.sampled_from(["top", "message", "part", "tool", "function", "call"]))
def test_an_unknown_field_of_a_chat_client_is_reported(name: str, value: Any, place: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    tool: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {}}}
    part: dict[str, Any] = {"type": "text", "text": "x"}
    first: dict[str, Any] = {"role": "user", "content": [part]}
    doc: dict[str, Any] = {
        "model": "m",
        "messages": [first, {"role": "assistant", "tool_calls": [call]}],
        "tools": [tool],
    }
    places = {
        "top": doc,
        "message": first,
        "part": part,
        "tool": tool,
        "function": tool["function"],
        "call": call,
    }
    places[place][name] = value
    written, losses = messages.encode_call(chat.decode_call(doc), "m", 9)
    carried = name in dump(written).decode()
    reported = [loss for loss in losses if name in loss.path]
    if place == "function":
        reported = [loss for loss in losses if loss.path == "tools[0].function"]
    assert carried or len(reported) == 1


def _lost(call: Any) -> list[str]:
    return [loss.path for loss in messages.encode_call(call, "claude-sonnet-4-5", 9000)[1]]


def test_of_two_names_for_the_end_user_one_is_reported() -> None:
    ask = {"model": "m", "messages": [{"role": "user", "content": "a"}], "user": "u"}
    assert _lost(chat.decode_call({**ask, "safety_identifier": "u"})) == []
    doc, losses = messages.encode_call(
        chat.decode_call({**ask, "safety_identifier": "s"}), "claude-sonnet-4-5", 9
    )
    assert doc["metadata"] == {"user_id": "u"}
    assert [loss.path for loss in losses] == ["safety_identifier"]


def test_thinking_of_a_chat_client_is_reported_where_it_stood() -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning_content": "c"},
        {"role": "user", "content": "d"},
    ]
    assert _lost(chat.decode_call({"model": "m", "messages": turns})) == [
        "messages[1].reasoning_content"
    ]


def test_a_kind_of_summary_is_reported_where_thinking_has_a_budget() -> None:
    wish = {"effort": "high", "summary": "detailed"}
    call = responses.decode_call({"model": "m", "input": "a", "reasoning": wish})
    assert _lost(call) == ["reasoning", "reasoning.summary"]


def test_an_empty_body_is_an_empty_reply() -> None:
    for read in (messages.decode_reply, messages.decode_count, responses.decode_reply):
        (broken,) = read(b"")
        assert isinstance(broken, Broken)
        assert broken.fault.kind == "empty"
