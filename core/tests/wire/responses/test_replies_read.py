"""Replies: what is read of recorded ones equals a small reading of their final object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from multiroute_core.api import Broken, Event, Fault, Finish, Opaque, Part, Start, Used, fold
from multiroute_core.api.reply import Reply
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import responses

Read = Callable[[Recording, str], list[Event]]
Final = Callable[[Recording], dict[str, Any]]
_CALLS = ("function_call", "custom_tool_call")
_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}


def _pieces(doc: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    messages = [item for item in doc["output"] if item["type"] == "message"]
    return [piece for item in messages for piece in item["content"] if piece["type"] == kind]


def _thoughts(item: dict[str, Any]) -> str:
    return "".join(p["text"] for name in ("summary", "content") for p in item.get(name) or ())


def _kinds(reply: Reply, *kinds: str) -> list[Part]:
    return [part for part in reply.choices[0].parts if part.kind in kinds]


def test_recorded_replies_are_read_as_they_are(
    answered: Recordings, read: Read, final: Final
) -> None:
    assert len(answered) > 400
    for one in answered:
        doc, reply = final(one), fold(read(one, "whole"))
        assert (reply.id, reply.model, reply.fault) == (doc["id"], doc["model"], None), one.id
        assert reply.text == "".join(p["text"] for p in _pieces(doc, "output_text")), one.id
        refused = "".join(p["refusal"] for p in _pieces(doc, "refusal"))
        assert "".join(part.text for part in _kinds(reply, "refusal")) == refused, one.id
        calls = [item for item in doc["output"] if item["type"] in _CALLS]
        assert [(c.id, c.name, c.arguments) for c in reply.choices[0].tool_calls] == [
            (i["call_id"], i["name"], i.get("arguments", i.get("input"))) for i in calls
        ], one.id
        thinking = [item for item in doc["output"] if item["type"] == "reasoning"]
        read_thinking = _kinds(reply, "thinking")
        assert [part.text for part in read_thinking] == [_thoughts(i) for i in thinking], one.id
        assert [part.id for part in read_thinking] == [i["id"] for i in thinking], one.id
        notes = [n for p in _pieces(doc, "output_text") for n in p.get("annotations") or ()]
        cited = [c for part in _kinds(reply, "text") for c in part.citations]
        assert cited == notes, one.id
        native = [i for i in doc["output"] if i["type"] not in (*_CALLS, "message", "reasoning")]
        kept = _kinds(reply, "server_tool_call", "server_tool_result", "opaque")
        assert [part.content for part in kept] == native, one.id


def test_recorded_ends_and_usage_are_read(answered: Recordings, read: Read, final: Final) -> None:
    for one in answered:
        doc, reply = final(one), fold(read(one, "whole"))
        finish = reply.choices[0].finish
        assert finish is not None, one.id
        reason = (doc["incomplete_details"] or {}).get("reason")
        has_calls = any(item["type"] in _CALLS for item in doc["output"])
        wanted = _FINISH.get(reason) or ("tool_calls" if has_calls else "stop")
        if doc["status"] == "queued":
            wanted = "pause"
        assert (finish.reason, finish.native) == (wanted, reason or doc["status"]), one.id
        if doc["usage"]:
            assert reply.usage is not None, one.id
            assert reply.usage.input_tokens == doc["usage"]["input_tokens"], one.id
            assert reply.usage.output_tokens == doc["usage"]["output_tokens"], one.id


def test_encrypted_reasoning_is_the_signature(answered: Recordings, read: Read) -> None:
    """Of a stream, the form in the item's own event counts; another form in the last is kept."""
    count = 0
    for one in answered:
        done = [
            doc["item"]
            for line in one.response.body.decode().splitlines()
            if line.startswith("data: {")
            for doc in [json.loads(line[6:])]
            if doc["type"] == "response.output_item.done"
        ]
        if not one.response.is_streamed:
            done = json.loads(one.response.body)["output"]
        wanted = [i.get("encrypted_content") for i in done if i["type"] == "reasoning"]
        reply = fold(read(one, "whole"))
        assert [part.signature for part in _kinds(reply, "thinking")] == wanted, one.id
        count += sum(value is not None for value in wanted)
    assert count > 60


def test_recorded_errors_are_no_replies(recorded: Recordings) -> None:
    for one in recorded.where(lambda one: one.response.status >= 400):
        events = responses.decode_reply(one.response.body)
        assert isinstance(events[-1], Broken), one.id
        assert json.loads(one.response.body)["error"]["message"] == events[-1].fault.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"[]", "protocol"),
        (b'{"id": "r"}', "protocol"),
        (b'{"output": [], "status": "failed", "error": {"code": "server_error", "message": "x"}}',
         "error_in_200"),
        (b'{"output": [], "status": "cancelled", "error": null}', "error_in_200"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_answer_is_broken(body: bytes, kind: str) -> None:
    events = responses.decode_reply(body)
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == kind


def _stream(*docs: dict[str, Any], end: bytes = b"") -> list[Event]:
    decoder = responses.ResponsesDecoder()
    body = b"".join(b"data: " + json.dumps(doc).encode() + b"\n\n" for doc in docs)
    return [*decoder.feed(body + end), *decoder.close()]


def _ended(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "model": "m", "status": "completed", "output": list(output)}
    return {"type": "response.completed", "response": {**response, **fields}}


_TEXT = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hello"}]}
_TOLD: dict[str, dict[str, Any]] = {
    "added": {"type": "response.output_item.added", "output_index": 0,
              "item": {"type": "message", "id": "msg_1", "content": []}},
    "delta": {"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
              "item_id": "msg_1", "delta": "Hel"},
    "text": {"type": "response.output_text.done", "output_index": 0, "content_index": 0,
             "item_id": "msg_1", "text": "Hello"},
    "part": {"type": "response.content_part.done", "output_index": 0, "content_index": 0,
             "part": {"type": "output_text", "text": "Hello"}},
    "item": {"type": "response.output_item.done", "output_index": 0, "item": _TEXT},
}  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        [],
        ["added"],
        ["delta"],
        ["text"],
        ["item"],
        ["added", "delta"],
        ["added", "text"],
        ["added", "delta", "item"],
        ["delta", "text", "part", "item"],
        ["added", "delta", "text", "part", "item"],
        ["added", "part", "part", "text"],
    ],
    ids="-".join,
)
def test_text_is_told_once_whatever_events_a_provider_sends(told: list[str]) -> None:
    begin = {"type": "response.created", "response": {"id": "resp_1", "model": "m"}}
    for first in ([begin], []):
        reply = fold(_stream(*first, *(_TOLD[name] for name in told), _ended(_TEXT)))
        assert reply.text == "Hello"
        assert reply.fault is None
        assert len(reply.choices[0].parts) == 1


def test_items_are_matched_though_their_ids_change() -> None:
    other = {**_TEXT, "id": "another"}
    reply = fold(_stream(_TOLD["added"], _TOLD["delta"], _ended(other)))
    assert reply.text == "Hello"
    assert len(reply.choices[0].parts) == 1


def test_an_output_that_the_last_event_leaves_out_is_kept() -> None:
    reply = fold(_stream(_TOLD["added"], _TOLD["delta"], _TOLD["item"], _ended()))
    assert reply.text == "Hello"


def test_arguments_are_told_once() -> None:
    item = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{"},
        {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{}"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    for kept in (events, events[:2], events[2:], events[3:], []):
        reply = fold(_stream(*kept, _ended(item)))
        (call,) = reply.choices[0].tool_calls
        assert (call.id, call.name, call.arguments) == ("c", "f", "{}")
        finish = reply.choices[0].finish
        assert finish is not None
        assert finish.reason == "tool_calls"


def test_thinking_in_several_pieces_is_told_once_and_kept_as_it_was() -> None:
    item = {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": t} for t in ("one", "two")],
        "content": [{"type": "reasoning_text", "text": "three"}],
        "encrypted_content": "e",
    }
    deltas = [
        {"type": f"response.reasoning_{kind}.delta", "output_index": 0, index: n, "delta": text}
        for kind, index, n, text in (
            ("summary_text", "summary_index", 0, "one"),
            ("summary_text", "summary_index", 1, "two"),
            ("text", "content_index", 0, "three"),
        )
    ]
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    for kept in ([*deltas, done], [*deltas[:1], done], [done], deltas, []):
        (part,) = fold(_stream(*kept, _ended(item))).choices[0].parts
        assert (part.text, part.signature, part.content) == ("onetwothree", "e", item)


def test_an_error_event_breaks_the_stream() -> None:
    event = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}
    events = _stream(_TOLD["added"], _TOLD["delta"], event, _ended(_TEXT))
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.treated_as == "rate_limited"
    assert events[-1].fault.message == "slow down"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("server_error", "upstream_5xx"),
        ("rate_limit_exceeded", "rate_limited"),
        ("invalid_prompt", "bad_request"),
        ("context_length_exceeded", "context_length"),
    ],
)
def test_a_failed_response_breaks_the_stream_by_its_code(code: str, cause: str) -> None:
    response = {"status": "failed", "error": {"code": code, "message": "no"}, "output": [],
                "usage": {"input_tokens": 3, "output_tokens": 0}}  # fmt: skip
    events = _stream(_TOLD["delta"], {"type": "response.failed", "response": response})
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == "error_event"
    assert events[-1].fault.treated_as == cause
    assert any(isinstance(event, Used) for event in events)


def test_an_event_without_a_word_of_ours_is_kept_and_pings_are_not() -> None:
    search = {"type": "response.web_search_call.searching", "item_id": "ws", "output_index": 0}
    events = _stream({"type": "keepalive"}, {**search, "sequence_number": 4}, _ended())
    assert [event for event in events if isinstance(event, Opaque)] == [
        Opaque("responses", search["type"], {"item_id": "ws", "output_index": 0})
    ]


def test_invalid_json_within_a_stream_is_a_fault_of_protocol() -> None:
    events = _stream(_TOLD["delta"], end=b"data: {oops\n\n")
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == "protocol"


def test_nothing_follows_the_end() -> None:
    events = _stream(_ended(_TEXT), _TOLD["delta"], end=b"data: [DONE]\n\n")
    assert isinstance(events[-1], Finish)
    assert isinstance(events[0], Start)


def test_a_fault_is_told_with_the_providers_words() -> None:
    events = _stream({"type": "response.failed", "response": {"status": "failed"}})
    assert events == [
        Broken(
            Fault(
                "error_event",
                "the provider ended the response as failed",
                cause="upstream_5xx",
            )
        )
    ]
