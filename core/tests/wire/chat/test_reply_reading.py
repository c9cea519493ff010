"""What the events of a reply tell equals what stands in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from multiroute_core.api import fold
from multiroute_core.api.events import Event, Finish, Opaque, PartStart, Start, Used
from multiroute_core.api.reply import Choice
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat

Read = Callable[[Recording, str], list[Event]]


def _told(documents: list[Any]) -> dict[int, dict[str, Any]]:
    """Text, thinking, refusal, calls, citations and finish of each choice, read by hand."""
    found: dict[int, dict[str, Any]] = {}
    for doc in documents:
        for given in doc.get("choices") or ():
            choice = found.setdefault(
                given.get("index", 0),
                {"text": "", "thinking": "", "refusal": "", "calls": [], "cited": [], "end": None},
            )
            delta = given.get("delta") or given.get("message") or {}
            content = delta.get("content") or ""
            pieces = [{"type": "text", "text": content}] if isinstance(content, str) else content
            for piece in pieces:
                if piece["type"] == "text":
                    choice["text"] += piece["text"]
                elif piece["type"] == "thinking":
                    choice["thinking"] += "".join(inner["text"] for inner in piece["thinking"])
            details = delta.get("reasoning_details") or ()
            thinking = "".join(one.get("text") or one.get("summary") or "" for one in details)
            plain = delta.get("reasoning_content") or delta.get("reasoning") or ""
            choice["thinking"] += thinking or plain
            choice["refusal"] += delta.get("refusal") or ""
            for note in delta.get("annotations") or ():
                choice["cited"].append(note["url_citation"]["url"])
            whole = "message" in given
            for call in delta.get("tool_calls") or ():
                _add_call(choice["calls"], call, whole)
            if (delta.get("function_call") or {}).get("name"):
                _add_call(choice["calls"], {"index": 0, "function": delta["function_call"]}, False)
            choice["end"] = choice["end"] or given.get("finish_reason")
    return found


def _add_call(calls: list[dict[str, Any]], call: dict[str, Any], whole: bool) -> None:
    function = call.get("function") or call["custom"]
    index, own = call.get("index"), call.get("id")
    known = [one for one in calls if own and one["id"] == own]
    if not whole and not known and not function.get("name"):
        known = [calls[-1] if index is None else calls[index]]
    if whole or not known:
        known = [{"id": own or "", "name": function["name"], "arguments": ""}]
        calls += known
    known[0]["arguments"] += function.get("arguments") or function.get("input") or ""


def _seen(choice: Choice) -> dict[str, Any]:
    def text(kind: str) -> str:
        return "".join(part.text for part in choice.parts if part.kind == kind)

    return {
        "text": text("text"),
        "thinking": text("thinking"),
        "refusal": text("refusal"),
        "calls": [
            {"id": part.id, "name": part.name, "arguments": part.arguments}
            for part in choice.tool_calls
        ],
        "cited": [
            cited["url_citation"]["url"] for part in choice.parts for cited in part.citations
        ],
        "end": choice.finish.native if choice.finish else None,
    }


def test_every_recorded_reply_is_read_whole(
    answered: Recordings, read: Read, documents_of: Callable[[Recording], list[Any]]
) -> None:
    wrong = []
    for one in answered:
        reply = fold(read(one, "whole"))
        documents = documents_of(one)
        told = _told(documents)
        assert reply.fault is None, (one.id, reply.fault)
        for number, choice in zip(sorted(told), reply.choices, strict=True):
            wanted, seen = told[number], _seen(choice)
            if not wanted["cited"]:
                seen["cited"] = []  # sources beside the choices are told too
            for call, ours in zip(wanted["calls"], seen["calls"], strict=False):
                assert ours["id"]
                call["id"] = call["id"] or ours["id"]
            wanted["end"] = wanted["end"] or ""
            if wanted != seen:
                wrong.append((one.provider, one.id, wanted, seen))
    assert len(answered) > 700
    assert wrong == []


def test_a_chunk_of_usage_tells_of_usage_only(
    answered: Recordings, documents_of: Callable[[Recording], list[Any]]
) -> None:
    """The pass lane withholds such a chunk from a client that did not ask for it."""
    seen = 0
    for one in answered.where(lambda one: one.response.is_streamed):
        decoder = chat.ChatDecoder()
        for doc in documents_of(one):
            events = decoder.feed(f"data: {json.dumps(doc)}\n\n".encode())
            if doc.get("usage") and not doc.get("choices"):
                seen += 1
                assert [type(event) for event in events] == [Used], (one.id, events)
    assert seen > 50


def _stream(*chunks: Any) -> list[Event]:
    decoder = chat.ChatDecoder()
    text = "".join(f"data: {c if isinstance(c, str) else json.dumps(c)}\n\n" for c in chunks)
    return [*decoder.feed(text.encode()), *decoder.close()]


def _chunk(delta: dict[str, Any], finish: str | None = None, **top: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "r", "model": "m", "choices": [choice], **top}


def test_new_fields_of_a_usage_chunk_wait_for_the_next_event() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    events = _stream(
        _chunk({"content": "a"}, "stop"),
        {"id": "r", "choices": [], "usage": usage, "vendor": {"a": 1}},
        "[DONE]",
    )
    assert [type(e) for e in events[-2:]] == [Used, Opaque]
    assert fold(events).opaque[0].data == {"vendor": {"a": 1}}


def test_the_start_carries_what_came_before_it() -> None:
    filters = [{"prompt_index": 0}]
    events = _stream(
        {"id": "", "model": "", "choices": [], "prompt_filter_results": filters},
        _chunk({"content": "a"}, "stop"),
    )
    assert isinstance(events[0], Start)
    assert events[0].extra["prompt_filter_results"] == filters
    assert not [event for event in events if isinstance(event, Opaque)]


def test_calls_without_index_or_id_are_told_apart() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"id": "", "type": "function", "function": {"name": name, "arguments": "{}"}}

    reply = fold(_stream(_chunk({"tool_calls": [call("f"), call("g")]}, "stop")))
    ids = [part.id for part in reply.choices[0].tool_calls]
    assert [part.name for part in reply.choices[0].tool_calls] == ["f", "g"]
    assert all(ids)
    assert len(set(ids)) == 2
    assert reply.choices[0].finish is not None
    assert reply.choices[0].finish.reason == "tool_calls"


def test_calls_of_a_whole_message_stand_for_themselves() -> None:
    call = {"id": "", "index": 0, "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call, call]}
    body = {"id": "r", "choices": [{"message": message, "finish_reason": "tool_calls"}]}
    reply = fold(chat.decode_reply(json.dumps(body).encode()))
    assert len(reply.choices[0].tool_calls) == 2


def test_thinking_beside_encrypted_details_is_kept() -> None:
    detail = {"type": "reasoning.encrypted", "data": "e", "index": 0}
    events = _stream(_chunk({"reasoning": "why", "reasoning_details": [detail]}, "stop"))
    parts = fold(events).choices[0].parts
    assert [(part.text, part.signature) for part in parts] == [("", "e"), ("why", None)]


def test_sources_beside_the_choices_are_citations_of_the_text() -> None:
    sources = [{"url": "https://a", "title": "A"}, {"url": "https://b"}]
    events = _stream(_chunk({"content": "a"}, search_results=sources), _chunk({}, "stop"))
    text = fold(events).choices[0].parts[0]
    assert [c["url_citation"] for c in text.citations] == [
        {"url": "https://a", "title": "A"},
        {"url": "https://b"},
    ]


def test_empty_placeholders_are_no_parts() -> None:
    empty = {
        "content": "a",
        "refusal": "",
        "audio": {"id": "", "data": "", "transcript": "", "expires_at": 0},
        "function_call": {"name": "", "arguments": ""},
        "tool_calls": None,
    }
    body = {"id": "r", "choices": [{"index": 0, "message": empty, "finish_reason": ""}]}
    choice = fold(chat.decode_reply(json.dumps(body).encode())).choices[0]
    assert [part.kind for part in choice.parts] == ["text"]
    assert choice.finish is not None
    assert choice.finish.reason == "stop"


def test_parts_start_before_they_end_and_choices_finish_once(
    answered: Recordings, read: Read
) -> None:
    for one in answered:
        events = read(one, "whole")
        finishes = [event.choice for event in events if isinstance(event, Finish)]
        assert len(finishes) == len(set(finishes))
        assert isinstance(events[0], Start)
        starts = [(e.choice, e.at) for e in events if isinstance(e, PartStart)]
        assert len(starts) == len(set(starts))
