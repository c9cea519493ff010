"""Replies: recorded ones tell what they say, however they are cut."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest

from multiroute_core.api import Broken, Delta, Finish, Head, PartEnd, PartStart, fold
from multiroute_core.wire import chat
from multiroute_core.wire.chat import ChatDialect

NATIVE = ("ollama.chat", "ollama.generate")


def _said(one):
    """What a native reply says, by another way than the codec's."""
    docs = [json.loads(line) for line in one.response.body.splitlines() if line.strip()]
    said = {"text": "", "thinking": "", "calls": []}
    for doc in docs:
        message = doc.get("message") or {}
        said["text"] += message.get("content") or doc.get("response") or ""
        said["thinking"] += message.get("thinking") or doc.get("thinking") or ""
        for call in message.get("tool_calls") or ():
            said["calls"].append((call["function"]["name"], call["function"]["arguments"]))
    last = docs[-1]
    return {**said, "model": last["model"], "finish": last["done_reason"], "last": last}


def _events(one, read):
    body = one.response.body
    return read(body if one.response.stream_format is None else [body])


def _joined(events):
    out = []
    for event in events:
        last = out[-1] if out else None
        if (
            isinstance(event, Delta)
            and isinstance(last, Delta)
            and (event.at, event.channel) == (last.at, last.channel)
            and isinstance(event.value, str)
        ):
            out[-1] = Delta(event.at, event.channel, last.value + event.value)
        else:
            out.append(event)
    return out


def test_recorded_replies_tell_what_they_say(recorded, read):
    listed = recorded(*NATIVE)
    for one in listed:
        said = _said(one)
        reply = fold(_events(one, read))
        (choice,) = reply.choices
        thinking = "".join(part.text for part in choice.parts if part.kind == "thinking")
        calls = [(call.name, json.loads(call.arguments)) for call in choice.tool_calls]
        assert (choice.text, thinking) == (said["text"], said["thinking"]), one.id
        assert calls == said["calls"]
        assert (reply.model, choice.finish.native) == (said["model"], said["finish"])
        assert choice.finish.reason == ("tool_calls" if calls else "stop")
        assert reply.usage.input_fresh == said["last"].get("prompt_eval_count")
        assert reply.usage.output_tokens == said["last"]["eval_count"]
        assert choice.finish.extra.get("context") == said["last"].get("context")
        assert isinstance(reply.extra["created"], int)
    assert len(listed) >= 12


def test_parts_follow_each_other_and_are_ended(recorded, read):
    for one in recorded(*NATIVE):
        still_open = None
        for event in _events(one, read):
            if isinstance(event, PartStart):
                assert still_open is None
                still_open = event.at
            elif isinstance(event, PartEnd):
                assert still_open == event.at
                still_open = None
            elif isinstance(event, Delta):
                assert event.at == still_open
            elif isinstance(event, Finish):
                assert still_open is None


def test_however_a_stream_is_cut_up_the_events_are_the_same(recorded, read):
    for one in recorded(*NATIVE, streamed=True):
        body = one.response.body
        whole = _joined(read([body]))
        assert _joined(read([body[i : i + 1] for i in range(len(body))])) == whole
        assert _joined(read([body.replace(b"\n", b"\r\n")])) == whole
        assert _joined(read(body)) == whole  # collected by someone on the way
        dice = random.Random(one.id)
        for _ in range(3):
            cuts = sorted(dice.sample(range(1, len(body)), 25))
            pieces = [body[a:b] for a, b in pairwise([0, *cuts, len(body)])]
            assert _joined(read(pieces)) == whole


def test_a_stream_that_is_cut_off_before_its_end_is_broken(recorded, read):
    for one in recorded(*NATIVE, streamed=True):
        body = one.response.body.rstrip(b"\n")
        start = body.rindex(b"\n")
        for place in {*range(start, len(body)), *range(0, start, 31)}:
            events = read([body[:place]])
            assert isinstance(events[-1], Broken), (one.id, place)
            assert not any(isinstance(event, Finish) for event in events)
        assert isinstance(read([body])[-1], Finish)  # the last line needs no end


def _lines(*docs):
    return b"".join(json.dumps({"model": "m", "done": False, **d}).encode() + b"\n" for d in docs)


def test_an_error_in_a_stream_ends_it(read):
    said = {"message": {"role": "assistant", "content": "a"}}
    events = read([_lines(said) + b'{"error":"model runner has unexpectedly stopped"}\n'])
    fault = events[-1].fault
    assert (fault.kind, fault.cause) == ("error_event", "upstream_5xx")
    assert fault.message == "model runner has unexpectedly stopped"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"<html>", "protocol"),
        (b"[]", "protocol"),
        (b'{"model":"m"}', "protocol"),
        (b'{"error":"boom"}', "error_in_200"),
    ],
)
def test_a_body_that_is_no_reply_is_broken(read, body, kind):
    assert read(body)[-1].fault.kind == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "empty"), (b"{oops\n", "protocol"), (b"7\n", "protocol"), (b'{"a":1}\n', "truncated")],
)
def test_a_stream_of_something_else_is_broken(read, body, kind):
    assert read([body])[-1].fault.kind == kind


@pytest.mark.parametrize(
    ("native", "reason"), [("stop", "stop"), ("length", "length"), ("load", "other")]
)
def test_finish_reasons_have_words_of_ours(read, native, reason):
    finish = read([_lines({"response": "a"}, {"done": True, "done_reason": native})])[-1]
    assert (finish.reason, finish.native) == (reason, native)


def test_calls_without_ids_get_ids_that_are_their_own_and_always_the_same(read):
    calls = [{"function": {"name": "f", "arguments": {"a": 1}}}] * 2
    body = _lines(
        {"created_at": "2026-01-01T00:00:00.123456789Z", "message": {"tool_calls": calls}},
        {"done": True},
    )
    first, second = fold(read([body])).choices[0].tool_calls
    assert first.id != second.id
    assert [c.id for c in fold(read([body])).choices[0].tool_calls] == [first.id, second.id]
    later = body.replace(b"2026-01-01", b"2026-01-02")
    assert fold(read([later])).choices[0].tool_calls[0].id != first.id


def test_log_probabilities_are_told(read):
    item = {"token": "a", "logprob": -0.5, "top_logprobs": []}
    body = _lines({"message": {"content": "a"}, "logprobs": [item]}, {"done": True})
    (block,) = fold(read([body])).choices[0].logprobs
    assert block == {"content": [item]}


def test_replies_of_the_compatible_api_tell_what_they_say(recorded, read):
    listed = recorded("chat.completions", ok=True)
    for one in listed:
        reply = fold(
            read(one.response.body if not one.response.is_streamed else [one.response.body], None)
        )
        text, calls = "", []
        bodies = [one.response.body]
        if one.response.is_streamed:
            bodies = [
                line[6:] for line in one.response.body.splitlines() if line.startswith(b"data: {")
            ]
        for body in bodies:
            for choice in json.loads(body)["choices"]:
                message = choice.get("message") or choice.get("delta")
                text += message.get("content") or ""
                for call in message.get("tool_calls") or ():
                    calls.append((call["id"], call["function"]["name"]))
        assert reply.fault is None, one.id
        assert reply.text == text, one.id
        assert [(c.id, c.name) for c in reply.choices[0].tool_calls] == calls, one.id
    assert len(listed) >= 40


def test_recorded_embeddings_tell_their_vectors(recorded, read):
    for one in recorded("embeddings"):
        reply = fold(read(one.response.body, "embeddings"))
        said = json.loads(one.response.body)
        assert [list(v) for v in reply.result.vectors] == [d["embedding"] for d in said["data"]]
        assert reply.usage.input_tokens == said["usage"]["prompt_tokens"]


def test_recorded_errors_keep_kind_status_and_words(recorded, make):
    kinds = {}
    for one in recorded("chat.completions", ok=False):
        status = one.response.status
        fault = make().classify(Head(status, ()), one.response.body)
        kinds[status] = fault.kind
        assert fault.status == status
        if fault.kind != "upstream_auth":
            assert fault.message == json.loads(one.response.body)["error"]["message"]
    assert kinds == {400: "context_length", 401: "upstream_auth"}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (404, "model 'x' not found", "not_found"),
        (400, '"x" does not support thinking', "bad_request"),
        (500, "model requires more system memory (5 GiB) than is available", "upstream_5xx"),
        (503, "server busy, please try again.", "overloaded"),
    ],
)
def test_documented_errors_have_their_kind(make, status, error, kind):
    fault = make().classify(Head(status, ()), json.dumps({"error": error}).encode())
    assert (fault.kind, fault.message) == (kind, error)


def test_told_again_in_the_chat_format_replies_load_in_the_official_client(recorded, read):
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    ask = {"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": True}
    call = chat.decode_call({**ask, "stream_options": {"include_usage": True}})
    for one in recorded(*NATIVE):
        said = _said(one)
        events = _events(one, read)
        body, losses = ChatDialect().reply(fold(events), call)
        message = ChatCompletion.model_validate_json(body).choices[0].message
        assert losses == ()
        assert (message.content or "") == said["text"]
        called = [
            (c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or ()
        ]
        assert called == said["calls"]
        writer = ChatDialect().writer(call)
        stream = b"".join(writer.feed([event]) for event in events) + writer.close()
        text = ""
        for line in stream.splitlines():
            if line.startswith(b"data: {"):
                chunk = ChatCompletionChunk.model_validate_json(line[6:])
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
        assert text == said["text"]
