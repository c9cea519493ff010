"""What the writers make of replies that no recording has: order, foreign state, ends, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from multiroute_core.api import (
    Delta,
    Event,
    Fault,
    Finish,
    Loss,
    Media,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Start,
    Usage,
    Used,
    fold,
)
from multiroute_core.testing import split_body
from multiroute_core.wire import messages
from multiroute_core.wire.sse import SseParser
from multiroute_core.wire.strict import dump

_ASK: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "x"}],
}
_CALL = messages.decode_call(_ASK)
_START = Start("chatcmpl-1", "m", {"created": 1, "system_fingerprint": "f"})


def _write(events: Sequence[Event]) -> tuple[list[dict[str, Any]], Sequence[Loss]]:
    writer = messages.MessagesDialect().writer(_CALL)
    body = b"".join([*(writer.feed([event]) for event in events), writer.close()])
    told = SseParser().feed(body)
    docs = [orjson.loads(event.data) for event in told]
    assert [event.event for event in told] == [doc["type"] for doc in docs]
    return docs, writer.losses()


def _whole(events: Sequence[Event]) -> tuple[dict[str, Any], Sequence[Loss]]:
    body, losses = messages.MessagesDialect().reply(fold(events), _CALL)
    return orjson.loads(body), losses


def _back(block: dict[str, Any]) -> Part:
    """What comes of a block that the client sends back."""
    turn = {"role": "assistant", "content": [block]}
    body = messages.decode_call({**_ASK, "messages": [turn]}).body
    part: Part = body.messages[0].parts[0]  # type: ignore[union-attr]  # a chat body
    return part


def _assert_in_order(docs: list[dict[str, Any]]) -> None:
    """Blocks follow one another, their indexes count up, and each ends."""
    open_index, following = None, 0
    for doc in docs:
        if doc["type"] == "content_block_start":
            assert open_index is None
            assert doc["index"] == following
            open_index, following = following, following + 1
        elif doc["type"] == "content_block_delta":
            assert doc["index"] == open_index
        elif doc["type"] == "content_block_stop":
            assert doc["index"] == open_index
            open_index = None
    assert open_index is None
    assert docs[0]["type"] == "message_start"
    assert [doc["type"] for doc in docs[-2:]] == ["message_delta", "message_stop"]


def _call_part(name: str) -> Part:
    return Part("tool_call", id=f"call_{name}", name=name, arguments="", origin="chat")


def test_parts_that_interleave_are_told_one_after_the_other() -> None:
    events: list[Event] = [
        _START,
        PartStart(0, Part("text", origin="chat")),
        Delta(0, "text", "a"),
        PartStart(1, _call_part("f")),
        Delta(1, "arguments", '{"x":'),
        PartStart(2, _call_part("g")),
        Delta(2, "arguments", "{}"),
        Delta(0, "text", "b"),
        Delta(1, "arguments", "1}"),
        PartEnd(0),
        PartEnd(2),
        PartEnd(1),
        Finish("tool_calls", "tool_calls"),
    ]
    docs, losses = _write(events)
    _assert_in_order(docs)
    assert not losses
    again = fold(messages.MessagesDecoder().feed(_bytes(docs)))
    assert again.text == "ab"
    calls = [(part.name, part.arguments) for part in again.choices[0].tool_calls]
    assert calls == [("f", '{"x":1}'), ("g", "{}")]
    assert docs[-2]["delta"]["stop_reason"] == "tool_use"


def _bytes(docs: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(doc) + b"\n\n" for doc in docs)


def test_parts_that_never_ended_are_ended() -> None:
    docs, _ = _write(
        [
            _START,
            PartStart(0, _call_part("f")),
            PartStart(1, _call_part("g")),
            Finish("tool_calls", "tool_calls"),
        ]
    )
    _assert_in_order(docs)
    assert sum(doc["type"] == "content_block_start" for doc in docs) == 2


def test_an_empty_text_of_another_format_is_no_block() -> None:
    events = [_START, PartStart(0, Part("text", origin="chat")), PartEnd(0), Finish("stop", "stop")]
    docs, _ = _write(events)
    assert [doc["type"] for doc in docs] == ["message_start", "message_delta", "message_stop"]
    assert _whole(events)[0]["content"] == []


@pytest.mark.parametrize(
    ("finish", "kind", "wanted"),
    [
        (Finish("stop", "stop"), "text", "end_turn"),
        (Finish("stop", "STOP"), "tool_call", "tool_use"),
        (Finish("length", "length"), "text", "max_tokens"),
        (Finish("content_filter", "content_filter"), "text", "refusal"),
        (Finish("stop", "stop"), "refusal", "refusal"),
        (Finish("pause", "x"), "text", "pause_turn"),
        (Finish("other", "new"), "text", "end_turn"),
        (Finish("error", "error"), "text", "end_turn"),
        (Finish("stop", "stop_sequence"), "text", "stop_sequence"),
    ],
)
def test_why_it_ended_is_told_in_this_format(finish: Finish, kind: Any, wanted: str) -> None:
    part = Part(kind, text="x", id="a", name="f", origin="chat")
    events = [_START, PartStart(0, part), PartEnd(0), finish]
    assert _write(events)[0][-2]["delta"]["stop_reason"] == wanted
    assert _whole(events)[0]["stop_reason"] == wanted


def test_usage_that_comes_after_the_end_is_told_at_the_end() -> None:
    used = Usage(input_fresh=5, cache_read=2, cache_write_5m=1, output_text=3, output_reasoning=4)
    events = [_START, Finish("stop", "stop"), Used(used)]
    docs, _ = _write(events)
    wanted = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 1,
        "cache_read_input_tokens": 2,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    assert docs[-2]["usage"] == wanted
    assert _whole(events)[0]["usage"] == wanted
    assert docs[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}


def test_thinking_without_a_signature_has_an_empty_one() -> None:
    part = Part("thinking", text="hm", origin="chat")
    events = [_START, PartStart(0, part), PartEnd(0), Finish("stop", "stop")]
    block = _whole(events)[0]["content"][0]
    assert block == {"type": "thinking", "thinking": "hm", "signature": ""}
    docs, _ = _write(events)
    assert docs[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert not any("signature_delta" in str(doc) for doc in docs)
    back = _back(block)
    assert (back.text, back.signature, back.origin) == ("hm", None, None)


@pytest.mark.parametrize(
    "part",
    [
        Part("thinking", text="hm", id="rs_1", signature="gAAA", origin="responses"),
        Part("thinking", id="rs_1", signature="gAAA", origin="responses"),
        Part("thinking", text="hm", name="reasoning_content", origin="chat"),
        Part("thinking", text="hm", signature="x", origin="gemini", extra={"a": [1]}),
    ],
)
def test_foreign_thinking_survives_the_client(part: Part) -> None:
    events = [_START, PartStart(0, part), PartEnd(0), Finish("stop", "stop")]
    whole = _whole(events)[0]["content"][0]
    assert _back(whole) == part
    docs, _ = _write(events)
    _assert_in_order(docs)
    streamed = fold(messages.MessagesDecoder().feed(_bytes(docs))).choices[0].parts[0]
    data = whole.get("signature") or whole.get("data")
    assert streamed.signature == data
    assert streamed.name == whole["type"]
    # To this family's own upstream it does not go, and that is reported.
    call = messages.decode_call({**_ASK, "messages": [{"role": "assistant", "content": [whole]}]})
    assert messages.relay_fields(call, "m") is None
    written, losses = messages.encode_call(call, "m", 9)
    assert written["messages"] == [{"role": "assistant", "content": []}]
    assert [loss.what for loss in losses] == ["thinking block"]


def test_the_opaque_state_of_a_foreign_call_survives_the_client() -> None:
    part = Part("tool_call", id="a", name="f", arguments="{}", signature="sig", origin="gemini")
    events = [_START, PartStart(0, part), PartEnd(0), Finish("tool_calls", "STOP")]
    whole = _whole(events)[0]["content"][0]
    assert _back(whole) == part
    assert _write(events)[0][1]["content_block"]["signature"] == whole["signature"]


def test_own_thinking_is_told_byte_for_byte_with_or_without_text() -> None:
    for part, wanted in (
        (Part("thinking", name="thinking", signature="s", origin="messages"),
         {"type": "thinking", "thinking": "", "signature": "s"}),
        (Part("thinking", name="redacted_thinking", signature="d", origin="messages"),
         {"type": "redacted_thinking", "data": "d"}),
    ):  # fmt: skip
        events = [_START, PartStart(0, part), PartEnd(0), Finish("stop", "end_turn")]
        assert _whole(events)[0]["content"] == [wanted]
        docs, _ = _write(events)
        again = fold(messages.MessagesDecoder().feed(_bytes(docs))).choices[0].parts[0]
        assert (again.name, again.text, again.signature) == (part.name, "", part.signature)
        assert _back(wanted) == part


def test_arguments_that_are_no_object_are_kept_in_one() -> None:
    part = Part("tool_call", id="a", name="f", arguments='{"x": 1', origin="chat")
    doc, losses = _whole([_START, PartStart(0, part), Finish("length", "length")])
    assert doc["content"][0]["input"] == {"INVALID_JSON": '{"x": 1'}
    assert [loss.path for loss in losses] == ["content[0].arguments"]


def test_a_call_without_an_id_gets_one() -> None:
    part = Part("tool_call", id="", name="f", arguments="{}", origin="chat")
    events = [_START, PartStart(0, part), PartEnd(0), Finish("tool_calls", "tool_calls")]
    made = _whole(events)[0]["content"][0]["id"]
    assert made == "toolu_chatcmpl1_0"
    assert _write(events)[0][1]["content_block"]["id"] == made


def test_a_foreign_citation_is_shown_and_does_not_go_upstream() -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://x/", "title": "X", "start_index": 0, "end_index": 2},
    }
    events = [
        _START,
        PartStart(0, Part("text", text="hello", origin="chat")),
        Delta(0, "citation", note),
        Delta(0, "citation", {"type": "file_citation", "file_id": "f"}),
        PartEnd(0),
        Finish("stop", "stop"),
    ]
    doc, losses = _whole(events)
    wanted = {
        "type": "web_search_result_location",
        "url": "https://x/",
        "title": "X",
        "cited_text": "he",
        "encrypted_index": "",
    }
    assert doc["content"][0]["citations"] == [wanted]
    assert len(losses) == 1
    docs, streamed_losses = _write(events)
    assert {"type": "citations_delta", "citation": wanted} in [doc.get("delta") for doc in docs]
    assert len(streamed_losses) == 1
    history = [{"role": "assistant", "content": doc["content"]}]
    call = messages.decode_call({**_ASK, "messages": history})
    assert messages.relay_fields(call, "m") is None
    written, told = messages.encode_call(call, "m", 9)
    assert written["messages"][0]["content"] == [{"type": "text", "text": "hello"}]
    assert len(told) == 1


@pytest.mark.parametrize(
    "part",
    [
        Part("audio", media=Media("audio/mp3", "AAAA"), origin="chat"),
        Part("image", media=Media("image/png", "AAAA"), origin="gemini"),
        Part("opaque", name="x", content={"type": "x"}, origin="responses"),
        Part("server_tool_call", id="a", name="web_search", origin="responses"),
    ],
)
def test_what_cannot_be_shown_is_reported(part: Part) -> None:
    events = [
        _START,
        PartStart(0, part),
        Delta(0, "media", "AAAA"),
        PartEnd(0),
        PartStart(1, Part("text", text="x", origin="chat")),
        PartEnd(1),
        Finish("stop", "stop"),
    ]
    docs, losses = _write(events)
    _assert_in_order(docs)
    assert [doc["content_block"]["type"] for doc in docs if "content_block" in doc] == ["text"]
    assert [loss.path for loss in losses] == ["content[0]"]
    assert [loss.path for loss in _whole(events)[1]] == ["content[0]"]


def test_further_answers_are_reported() -> None:
    events = [
        _START,
        PartStart(0, Part("text", text="x", origin="chat"), choice=0),
        PartStart(0, Part("text", text="other", origin="chat"), choice=1),
        Delta(0, "text", "other", choice=1),
        PartEnd(0, 1),
        PartEnd(0),
        Finish("stop", "stop"),
        Finish("stop", "stop", 1),
    ]
    docs, losses = _write(events)
    _assert_in_order(docs)
    assert "other" not in str(docs)
    assert [loss.path for loss in losses] == ["choices[1]"]
    assert [loss.path for loss in _whole(events)[1]] == ["choices[1]"]


def test_native_events_without_a_word_of_ours_are_written_back() -> None:
    source = _bytes(
        [
            {"type": "message_start", "message": {"id": "i", "model": "m", "usage": {}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "x": 1}},
            {"type": "content_block_stop", "index": 0},
            {"type": "new_event", "y": 2},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "new", "z": "a"}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "z_delta", "z": "b"}},
            {"type": "content_block_stop", "index": 1},
            {"type": "message_delta", "delta": {"stop_reason": "new_reason", "stop_sequence": "s"},
             "usage": {"output_tokens": 1, "new_count": 4}, "new_field": 5},
            {"type": "message_stop"},
        ]
    )  # fmt: skip
    decoder = messages.MessagesDecoder()
    events = [event for piece in split_body(source, "bytes") for event in decoder.feed(piece)]
    assert any(isinstance(event, Opaque) for event in events)
    docs, losses = _write(events)
    _assert_in_order(docs)
    assert not losses
    told = dump({"docs": docs}).decode()
    for piece in ('{"type":"new_delta","x":1}', '{"type":"new_event","y":2}', '"z":"ab"',
                  '"stop_reason":"new_reason","stop_sequence":"s"', '"new_count":4',
                  '"new_field":5'):  # fmt: skip
        assert piece in told


def test_a_failure_is_an_error_event_in_place_of_the_end() -> None:
    writer = messages.MessagesDialect().writer(_CALL)
    writer.feed([_START])
    told = SseParser().feed(writer.fail(Fault("error_event", "busy", cause="overloaded")))
    assert [event.event for event in told] == ["error"]
    wanted = {"type": "overloaded_error", "message": "busy"}
    assert orjson.loads(told[0].data) == {"type": "error", "error": wanted}


@pytest.mark.parametrize(
    ("given", "wanted"), [("4 + 4", {"INVALID_JSON": "4 + 4"}), ('{"a": 1}', {"a": 1})]
)
@pytest.mark.parametrize(
    ("origin", "kind"), [("responses", "custom_tool_call"), ("chat", "custom")]
)
def test_free_text_for_a_tool_is_put_in_an_object_as_in_a_whole_reply(
    origin: str, kind: str, given: str, wanted: dict[str, Any]
) -> None:
    call = Part("tool_call", id="c", name="f", arguments="", origin=origin, extra={"type": kind})
    pieces = [Delta(0, "arguments", piece) for piece in (given[:2], given[2:])]
    events = [_START, PartStart(0, call), *pieces, PartEnd(0), Finish("tool_calls", "tool_calls")]

    docs, _ = _write(events)
    whole, _ = _whole(events)

    deltas = [doc["delta"] for doc in docs if doc["type"] == "content_block_delta"]
    assert [orjson.loads(delta["partial_json"]) for delta in deltas] == [wanted]
    assert whole["content"][0]["input"] == wanted
