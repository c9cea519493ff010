"""Nothing of a request vanishes: each field is carried over or reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings, strategies as st

from multiroute_core.api import CannotEncode, Part, PartEnd, PartStart
from multiroute_core.testing.normalise import Normalisation, normalise_json
from multiroute_core.wire import chat, messages
from multiroute_core.wire.chat.details import thinking_detail
from multiroute_core.wire.strict import dump

_ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}]}

_NAMES = st.sampled_from(["zeta", "prefix", "weird_field", "x-y", "name2", "safe_prompt"])
_MARK = st.integers(10**6, 10**9)


@st.composite
def _requests(draw: st.DrawFn) -> tuple[dict[str, Any], dict[int, str]]:
    """A request with unknown fields in many places, and the place of each by its unique value."""
    places: dict[int, str] = {}

    def marked(place: str, fields: dict[str, Any]) -> dict[str, Any]:
        for name in draw(st.lists(_NAMES, unique=True, max_size=2)):
            mark = draw(_MARK.filter(lambda mark: mark not in places))
            places[mark] = place
            fields[name] = mark
        return fields

    image = marked("inner", {"url": "https://a/b.png"})
    function = marked("inner", {"name": "f", "arguments": "{}"})
    doc = marked(
        "top",
        {
            "model": "m",
            "messages": [
                marked(
                    "message",
                    {
                        "role": "user",
                        "content": [
                            marked("part", {"type": "text", "text": "a"}),
                            marked("part", {"type": "image_url", "image_url": image}),
                            marked("part", {"type": "novel", "b": 1}),
                        ],
                    },
                ),
                marked(
                    "message",
                    {
                        "role": "assistant",
                        "content": "b",
                        "tool_calls": [
                            marked("call", {"id": "1", "type": "function", "function": function})
                        ],
                    },
                ),
                marked("message", {"role": "tool", "tool_call_id": "1", "content": "r"}),
            ],
            "tools": [
                marked(
                    "tool",
                    {"type": "function", "function": marked("inner", {"name": "f"})},
                )
            ],
        },
    )
    return doc, places


def _numbers(value: Any) -> set[int]:
    if isinstance(value, Mapping):
        return set().union(*(_numbers(v) for v in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(_numbers(v) for v in value)) if value else set()
    return {value} if isinstance(value, int) else set()


@settings(max_examples=200, deadline=None)
@given(_requests())
def test_the_same_format_carries_everything(drawn: tuple[dict[str, Any], dict[int, str]]) -> None:
    doc, _ = drawn
    written, losses = chat.encode_call(chat.decode_call(doc), "m")
    strict = Normalisation(ignore_fields=frozenset(), text_shorthand=frozenset())
    assert losses == ()
    assert normalise_json(json.loads(dump(written)), strict) == normalise_json(doc, strict)


@settings(max_examples=200, deadline=None)
@given(_requests())
def test_another_format_carries_or_reports(drawn: tuple[dict[str, Any], dict[int, str]]) -> None:
    doc, places = drawn
    try:
        written, losses = messages.encode_call(chat.decode_call(doc), "m", 100)
    except CannotEncode:
        return
    carried = _numbers(json.loads(dump(written)))
    lost = {mark for mark in places if mark not in carried}
    # One opaque part holds its fields whole: a single receipt for all of them.
    opaque = {m for m in lost if m in _numbers(doc["messages"][0]["content"][2])}
    reported = [loss for loss in losses if not loss.what.startswith("opaque")]
    assert any(loss.what.startswith("opaque") for loss in losses)
    assert len(reported) >= len(_owners(doc, lost - opaque))


def _owners(doc: Any, lost: set[int], path: str = "") -> set[str]:
    """The objects that hold a lost field, fields of an inner object counted once."""
    found: set[str] = set()
    if isinstance(doc, Mapping):
        for name, value in doc.items():
            if isinstance(value, int) and value in lost:
                found.add(path if path.endswith(("function", "image_url")) else f"{path}.{name}")
            found |= _owners(value, lost, f"{path}.{name}")
    elif isinstance(doc, list):
        for number, value in enumerate(doc):
            found |= _owners(value, lost, f"{path}[{number}]")
    return found


def test_a_budget_is_reported_where_only_words_are_taken() -> None:
    doc = {
        "model": "m",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [{"role": "user", "content": "a"}],
    }
    call = messages.decode_call(doc)
    _, losses = chat.encode_call(call, "m")
    assert any("budget" in loss.what for loss in losses)
    written, losses = chat.encode_call(call, "m", reasoning_object=True)
    assert written["reasoning"] == {"max_tokens": 2000, "enabled": True} or losses == ()


def test_signed_thinking_is_carried_where_details_are_taken() -> None:
    block = {"type": "thinking", "thinking": "t", "signature": "s"}
    doc = {
        "model": "m",
        "max_tokens": 4000,
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [block, {"type": "text", "text": "b"}]},
        ],
    }
    call = messages.decode_call(doc)
    _, losses = chat.encode_call(call, "m")
    assert [loss.what for loss in losses if "thinking" in loss.what]
    written, losses = chat.encode_call(call, "m", reasoning_details=True)
    assert not [loss for loss in losses if "thinking" in loss.what]
    message: Any = json.loads(dump(written))["messages"][1]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "t", "format": "messages", "index": 0, "signature": "s"}
    ]


def test_a_citation_at_the_start_of_a_part_is_streamed_or_reported() -> None:
    citations = ({"url": "https://a/b", "title": "t"}, {"type": "char_location", "cited_text": "c"})
    part = Part("text", text="abc", citations=citations, origin="messages")
    writer = chat.ChatDialect().writer(chat.decode_call(_ASK))

    body = writer.feed([PartStart(0, part), PartEnd(0)])

    notes = [
        note
        for line in body.decode().splitlines()
        if line.startswith("data: {")
        for note in json.loads(line[6:])["choices"][0]["delta"].get("annotations", ())
    ]
    assert [note["url_citation"]["url"] for note in notes] == ["https://a/b"]
    assert notes[0]["url_citation"]["end_index"] == 3
    assert [loss.what for loss in writer.losses()] == ["citation"]


def test_thinking_whose_text_is_withheld_is_not_taken_for_redacted() -> None:
    part = Part("thinking", name="thinking", signature="s", origin="messages")
    writer = chat.ChatDialect().writer(chat.decode_call(_ASK))
    chunk = writer.feed([PartStart(0, part), PartEnd(0)]).decode()
    assert '"type":"reasoning.text"' in chunk
    assert '"signature":"s"' in chunk
    redacted = Part("thinking", name="redacted_thinking", signature="s", origin="messages")
    assert thinking_detail(redacted, 0)["type"] == "reasoning.encrypted"
    assert thinking_detail(part, 0)["type"] == "reasoning.text"


def test_a_foreign_field_that_says_nothing_is_no_loss() -> None:
    block = {"type": "text", "text": "a", "citations": [], "zz_own": []}
    turn = {"role": "user", "content": [block]}
    call = messages.decode_call({"model": "m", "max_tokens": 9, "messages": [turn], "zz_top": None})
    assert chat.encode_call(call, "m")[1] == ()
