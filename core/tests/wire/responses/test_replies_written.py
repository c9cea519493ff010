"""Replies told again in this format load in the official client, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from multiroute_core.api import (
    Delta,
    Event,
    Fault,
    Finish,
    Loss,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Start,
    Usage,
    Used,
    fold,
)
from multiroute_core.api.reply import Reply
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat, responses
from multiroute_core.wire.responses.thinking import unseal

Read = Callable[[Recording, str], list[Event]]
_ASK = responses.decode_call({"model": "m", "input": "x", "temperature": 0.5})
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
Content = tuple[str, str, list[tuple[str, str, str]], str, list[str | None]]


def _streamed(events: Sequence[Event]) -> tuple[bytes, Sequence[Loss]]:
    writer = responses.ResponsesDialect().writer(_ASK)
    body = b"".join([*(writer.feed([event]) for event in events), writer.close()])
    return body, writer.losses()


def _docs(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(part.partition(b"data: ")[2]) for part in body.split(b"\n\n") if part]


def _ours(reply: Reply) -> Content:
    parts = reply.choices[0].parts
    calls = [
        (p.id or "", p.name or "", p.arguments or ("" if "type" in p.extra else "{}"))
        for p in parts
        if p.kind == "tool_call"
    ]
    return (
        "".join(p.text for p in parts if p.kind == "text"),
        "".join(p.text for p in parts if p.kind == "refusal"),
        calls,
        "".join(p.text for p in parts if p.kind == "thinking"),
        [p.signature for p in parts if p.kind == "thinking"],
    )


def _loaded(response: Response) -> Content:
    text = refusal = thinking = ""
    calls: list[tuple[str, str, str]] = []
    signatures: list[str | None] = []
    for item in response.output:
        if item.type == "message":
            for piece in item.content:
                if piece.type == "output_text":
                    text += piece.text
                else:
                    refusal += piece.refusal
        elif item.type == "function_call":
            calls.append((item.call_id, item.name, item.arguments))
        elif item.type == "custom_tool_call":
            calls.append((item.call_id, item.name, item.input))
        elif item.type == "reasoning":
            thinking += "".join(p.text for p in (*item.summary, *(item.content or ())))
            sealed = item.encrypted_content
            signatures.append(None if sealed is None else unseal(sealed)[0])
    return text, refusal, calls, thinking, signatures


def _check(events: Sequence[Event], client: Any, who: str) -> None:
    reply = fold(events)
    body, _ = responses.ResponsesDialect().reply(reply, _ASK)
    assert _loaded(client.whole(body)) == _ours(reply), who
    stream, _ = _streamed(events)
    loaded = client.stream(stream)
    assert [event.sequence_number for event in loaded] == list(range(len(loaded))), who
    ends = loaded[-1].response
    assert _loaded(ends)[:4] == _ours(reply)[:4], who
    deltas = "".join(e.delta for e in loaded if e.type == "response.output_text.delta")
    assert deltas == _ours(reply)[0], who
    if loaded[-1].type == "response.completed":
        assert _loaded(client.helper(stream))[:4] == _ours(reply)[:4], who
    assert ends.usage == client.whole(body).usage, who


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # items newer than the client
def test_recorded_replies_are_written_again(answered: Recordings, read: Read, client: Any) -> None:
    for one in answered:
        _check(read(one, "whole"), client, one.id)


def _read_chat(one: Recording) -> list[Event]:
    if not one.response.is_streamed:
        return chat.decode_reply(one.response.body)
    decoder = chat.ChatDecoder()
    return [*decoder.feed(one.response.body), *decoder.close()]


def test_recorded_chat_replies_are_written_in_this_format(chats: Recordings, client: Any) -> None:
    count = 0
    for one in chats:
        events = _read_chat(one)
        reply = fold(events)
        if reply.fault is not None:
            continue
        count += 1
        _check(events, client, one.id)
        body, _ = responses.ResponsesDialect().reply(reply, _ASK)
        Response.model_validate(json.loads(body))
        for doc in _docs(_streamed(events)[0]):
            _EVENT.validate_python(doc)
    assert count > 600


def test_native_items_come_back_whole(answered: Recordings, read: Read) -> None:
    """Written and read again, a reply of this format is the same, but for states of items."""
    for one in answered:
        events = read(one, "whole")
        decoder = responses.ResponsesDecoder()
        again = fold([*decoder.feed(_streamed(events)[0]), *decoder.close()])
        first = fold(events)
        kept = [part for part in first.choices[0].parts if part.kind != "thinking"]
        told = [part for part in again.choices[0].parts if part.kind != "thinking"]
        blank = [part for part in kept if part.kind == "tool_call" and not part.arguments]
        if not blank:
            assert told == kept, one.id
        assert again.text == first.text, one.id


_START = Start("chatcmpl-1", "m", {"created": 5})
_END = Finish("stop", "stop")


def _text(at: int, text: str, kind: str = "text", choice: int = 0) -> list[Event]:
    part = Part(kind)  # type: ignore[arg-type]  # a kind of part
    channel: Any = kind
    return [PartStart(at, part, choice), Delta(at, channel, text, choice), PartEnd(at, choice)]


def test_the_events_of_a_text_are_the_official_ones() -> None:
    body, losses = _streamed([_START, *_text(0, "hi"), Used(Usage(input_fresh=1)), _END])
    docs = _docs(body)
    assert [doc["type"] for doc in docs] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert docs[-1]["response"]["status"] == "completed"
    assert docs[-1]["response"]["temperature"] == 0.5
    assert docs[-1]["response"]["usage"]["input_tokens"] == 1
    assert b"[DONE]" not in body
    assert losses == ()


def test_usage_that_follows_the_finish_is_still_told() -> None:
    body, _ = _streamed([_START, *_text(0, "hi"), _END, Used(Usage(output_text=7))])
    assert _docs(body)[-1]["response"]["usage"]["output_tokens"] == 7


def test_texts_that_follow_one_another_are_one_message() -> None:
    events = [_START, *_text(0, "a"), *_text(1, "b"), *_text(2, "c", "refusal"), _END]
    response = _docs(_streamed(events)[0])[-1]["response"]
    (item,) = response["output"]
    assert [piece["type"] for piece in item["content"]] == ["output_text", "output_text", "refusal"]
    body, _ = responses.ResponsesDialect().reply(fold(events), _ASK)
    assert json.loads(body)["output"][0]["content"] == item["content"]


def test_tool_calls_that_interleave_keep_their_arguments() -> None:
    calls = [Part("tool_call", id=f"c{n}", name="f", arguments="") for n in (0, 1)]
    events = [
        _START,
        PartStart(0, calls[0]),
        PartStart(1, calls[1]),
        Delta(1, "arguments", '{"b":'),
        Delta(0, "arguments", '{"a":1}'),
        Delta(1, "arguments", "2}"),
        PartEnd(0),
        PartEnd(1),
        Finish("tool_calls", "tool_calls"),
    ]
    docs = _docs(_streamed(events)[0])
    output = docs[-1]["response"]["output"]
    assert [item["arguments"] for item in output] == ['{"a":1}', '{"b":2}']
    done = [d for d in docs if d["type"] == "response.function_call_arguments.done"]
    assert [(d["output_index"], d["arguments"]) for d in done] == [(0, '{"a":1}'), (1, '{"b":2}')]


@pytest.mark.parametrize(
    ("finish", "state", "why"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "incomplete", "content_filter"),
        ("tool_calls", "completed", None),
        ("pause", "completed", None),
    ],
)
def test_how_an_answer_ended_is_told(finish: Any, state: str, why: str | None) -> None:
    doc = _docs(_streamed([_START, *_text(0, "a"), Finish(finish, "x")])[0])[-1]
    assert doc["type"] == f"response.{state}"
    assert doc["response"]["status"] == state
    assert (doc["response"].get("incomplete_details") or {}).get("reason") == why


def test_citations_of_other_formats_become_annotations() -> None:
    notes: list[dict[str, Any]] = [
        {"type": "url_citation", "url_citation": {"url": "https://a", "title": "t"}},
        {"type": "web_search_result_location", "url": "https://b", "title": "u"},
        {"type": "char_location", "document_index": 0},
    ]
    cited: list[Event] = [Delta(0, "citation", note) for note in notes]
    start, text, end = _text(0, "abc")
    events = [_START, start, text, *cited, end, _END]
    body, losses = _streamed(events)
    annotations = _docs(body)[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert [(note["url"], note["end_index"]) for note in annotations] == [
        ("https://a", 3),
        ("https://b", 3),
    ]
    assert [loss.what for loss in losses] == ["citation"]
    whole, lost = responses.ResponsesDialect().reply(fold(events), _ASK)
    assert json.loads(whole)["output"][0]["content"][0]["annotations"] == annotations
    assert [loss.what for loss in lost] == ["citation"]


def test_a_citation_that_comes_with_its_text_is_told_or_reported() -> None:
    notes: tuple[dict[str, Any], ...] = ({"type": "x", "url": "https://a"}, {"type": "y"})
    part = Part("text", text="ab", citations=notes)
    body, losses = _streamed([_START, PartStart(0, part), PartEnd(0), _END])
    (note,) = _docs(body)[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert (note["url"], note["end_index"]) == ("https://a", 2)
    assert [loss.what for loss in losses] == ["citation"]


def test_what_cannot_be_shown_is_reported() -> None:
    events = [
        _START,
        *_text(0, "a"),
        *_text(0, "other", choice=1),
        PartStart(1, Part("server_tool_call", name="bash", origin="messages")),
        PartEnd(1),
        Opaque("messages", "ping_ping", {}),
        _END,
        Finish("stop", "stop", 1),
    ]
    body, losses = _streamed(events)
    assert [loss.what for loss in losses] == ["another choice", "server_tool_call bash", "event"]
    assert b"other" not in body
    _, lost = responses.ResponsesDialect().reply(fold(events), _ASK)
    assert [loss.what for loss in lost] == ["server_tool_call bash", "another choice"]


def test_a_broken_stream_ends_in_a_failed_response(client: Any) -> None:
    writer = responses.ResponsesDialect().writer(_ASK)
    body = writer.feed([_START, *_text(0, "half")])
    body += writer.fail(Fault("error_event", "too much", cause="rate_limited"))
    last = client.stream(body)[-1]
    assert last.type == "response.failed"
    assert (last.response.error.code, last.response.error.message) == (
        "rate_limit_exceeded",
        "too much",
    )
    decoder = responses.ResponsesDecoder()
    again = fold([*decoder.feed(body), *decoder.close()])
    assert again.fault is not None
    assert (again.fault.treated_as, again.fault.message) == ("rate_limited", "too much")


def test_a_stream_that_fails_before_its_start_is_still_a_response(client: Any) -> None:
    body = responses.ResponsesDialect().writer(_ASK).fail(Fault("stall", "nothing came"))
    assert [event.type for event in client.stream(body)] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]


def test_log_probabilities_stand_with_their_text() -> None:
    token = {"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    start, text, end = _text(0, "a")
    events = [_START, start, text, Delta(0, "logprobs", {"content": [token]}), end, _END]
    streamed = _docs(_streamed(events)[0])[-1]["response"]["output"]
    whole, _ = responses.ResponsesDialect().reply(fold(events), _ASK)
    for output in (streamed, json.loads(whole)["output"]):
        assert output[0]["content"][0]["logprobs"] == [token]


def test_items_with_one_id_are_told_apart(client: Any) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}
    part = Part("thinking", id="rs_1", content=item, signature="e", origin="responses")
    events = [_START, PartStart(0, part), PartEnd(0), PartStart(1, part), PartEnd(1), _END]
    output = client.helper(_streamed(events)[0]).output
    assert len({one.id for one in output}) == 2
    assert [one.encrypted_content for one in output] == ["e", "e"]
