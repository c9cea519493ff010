"""Replies: recorded ones tell what they say, however they are cut."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest

from multiroute_cohere import v2chat
from multiroute_core.api import Broken, Delta, Finish, Opaque, PartEnd, PartStart, Used, fold
from multiroute_core.wire import chat, messages
from multiroute_core.wire.chat import ChatDialect


def _documents(one):
    """The JSON documents of a reply: one, or those of its stream."""
    if one.response.stream_format is None:
        return [json.loads(one.response.body)]
    lines = [line[5:].strip() for line in one.response.body.splitlines() if line[:5] == b"data:"]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def _said(one):
    """What a reply says, by another way than the codec's: all pieces of each kind, joined."""
    said = {"text": "", "thinking": "", "calls": [], "cited": [], "finish": None, "usage": {}}
    for doc in _documents(one):
        inner = doc.get("delta", doc)
        message = inner.get("message") or {}
        content = message.get("content") or []
        for block in [content] if isinstance(content, dict) else content:
            said["text"] += block.get("text", "")
            said["thinking"] += block.get("thinking", "")
        said["thinking"] += message.get("tool_plan") or ""
        calls = message.get("tool_calls") or []
        if isinstance(calls, dict) and "id" not in calls:
            said["calls"][-1][2] += calls["function"]["arguments"]
        else:
            for call in [calls] if isinstance(calls, dict) else calls:
                function = call["function"]
                said["calls"].append([call["id"], function["name"], function["arguments"]])
        cited = message.get("citations") or []
        for citation in [cited] if isinstance(cited, dict) else cited:
            said["cited"].append(citation)
        said["finish"] = inner.get("finish_reason", said["finish"])
        said["usage"] = inner.get("usage", said["usage"])
        said["error"] = inner.get("error")
    return said


def _joined(events):
    """The events with text of one part and channel joined."""
    out = []
    for event in events:
        last = out[-1] if out else None
        if (
            isinstance(event, Delta)
            and isinstance(last, Delta)
            and isinstance(event.value, str)
            and (event.at, event.channel) == (last.at, last.channel)
        ):
            out[-1] = Delta(event.at, event.channel, last.value + event.value)
        else:
            out.append(event)
    return out


def _events(one, read):
    body = one.response.body
    return read(body if one.response.stream_format is None else [body])


def test_recorded_replies_tell_what_they_say(recorded, read):
    told = 0
    for one in recorded("cohere.v2.chat", ok=True):
        said = _said(one)
        events = _events(one, read)
        reply = fold(events)
        if said["error"]:
            assert reply.fault is not None
            assert said["error"] in reply.fault.message
            continue
        told += 1
        (choice,) = reply.choices
        thinking = "".join(part.text for part in choice.parts if part.kind == "thinking")
        assert reply.fault is None, one.id
        assert (choice.text, thinking) == (said["text"], said["thinking"]), one.id
        assert [[c.id, c.name, c.arguments] for c in choice.tool_calls] == said["calls"], one.id
        cited = [citation for part in choice.parts for citation in part.citations]
        assert cited == said["cited"], one.id
        assert choice.finish.native == said["finish"]
        if said["calls"]:
            assert choice.finish.reason == "tool_calls"
        if said["usage"]:
            counted, billed = said["usage"]["tokens"], said["usage"]["billed_units"]
            assert reply.usage.input_tokens == max(counted["input_tokens"], billed["input_tokens"])
            assert (reply.usage.cache_read or 0) == said["usage"].get("cached_tokens", 0)
            total = reply.usage.input_tokens + reply.usage.output_tokens
            sums = [pair["input_tokens"] + pair["output_tokens"] for pair in (counted, billed)]
            assert total in sums
    assert told >= 58


def test_parts_follow_each_other_and_are_ended(recorded, read):
    for one in recorded("cohere.v2.chat", ok=True):
        still_open = set()
        for event in _events(one, read):
            if isinstance(event, PartStart):
                still_open.add(event.at)
            elif isinstance(event, PartEnd):
                still_open.remove(event.at)
            elif isinstance(event, Delta) and event.channel != "logprobs":
                assert event.at in still_open
            elif isinstance(event, Finish):
                assert not still_open


def test_however_a_stream_is_cut_up_the_events_are_the_same(recorded, read):
    for one in recorded("cohere.v2.chat", ok=True, streamed=True):
        body = one.response.body
        whole = _joined(read([body]))
        assert _joined(read([body[i : i + 1] for i in range(len(body))])) == whole
        assert _joined(read([body.replace(b"\n", b"\r\n")])) == whole
        dice = random.Random(one.id)
        for _ in range(3):
            cuts = sorted(dice.sample(range(1, len(body)), 25))
            pieces = [body[a:b] for a, b in pairwise([0, *cuts, len(body)])]
            assert _joined(read(pieces)) == whole


def test_a_stream_that_is_cut_off_before_its_end_is_broken(recorded, read):
    for one in recorded("cohere.v2.chat", ok=True, streamed=True):
        body = one.response.body
        start = body.index(b'{"type":"message-end"')
        end = body.index(b"\n", start)
        for place in {*range(start, end), *range(0, start, 53)}:
            events = read([body[:place]])
            assert isinstance(events[-1], Broken), (one.id, place)
            assert not any(isinstance(event, Finish) for event in events)


def test_the_end_counts_without_its_blank_line_and_without_the_mark(read):
    body = _stream({"type": "message-end", "delta": {"finish_reason": "COMPLETE"}})
    for cut in (body, body.rstrip(b"\n"), body.partition(b"data: [DONE]")[0]):
        assert isinstance(read([cut])[-1], Finish)


def _stream(*docs):
    lines = [
        b"event: %b\ndata: %b\n\n" % (d["type"].encode(), json.dumps(d).encode()) for d in docs
    ]
    return b"".join(lines) + b"data: [DONE]\n\n"


def test_an_error_at_the_end_of_a_stream_is_a_fault(recorded, read):
    broken = [one for one in recorded("cohere.v2.chat", streamed=True) if _said(one)["error"]]
    for one in broken:
        fault = read([one.response.body])[-1].fault
        assert (fault.kind, fault.cause) == ("error_event", "bad_request")
        assert fault.code == "INVALID_TOOL_GENERATION"
    assert broken


@pytest.mark.parametrize(
    ("delta", "cause"),
    [
        ({"finish_reason": "ERROR"}, "upstream_5xx"),
        ({"finish_reason": "ERROR", "error": "too many tokens: limit"}, "context_length"),
    ],
)
def test_a_failed_generation_is_never_a_success(read, delta, cause):
    fault = read([_stream({"type": "message-end", "delta": delta})])[-1].fault
    assert (fault.kind, fault.cause) == ("error_event", cause)
    whole = {"id": "1", "message": {"role": "assistant"}, **delta}
    fault = read(json.dumps(whole).encode())[-1].fault
    assert (fault.kind, fault.cause) == ("error_in_200", cause)


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"),
        ("TIMEOUT", "error"),
        ("NEW", "other"),
    ],
)
def test_finish_reasons_have_words_of_ours(read, native, reason):
    whole = {"id": "1", "message": {"content": []}, "finish_reason": native}
    finish = read(json.dumps(whole).encode())[-1]
    assert (finish.reason, finish.native) == (reason, native)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"<html>", "protocol"),
        (b"[]", "protocol"),
        (b"{}", "protocol"),
        (b'{"id":"1","message":"internal server error"}', "error_in_200"),
    ],
)
def test_a_body_that_is_no_reply_is_broken(read, body, kind):
    (event,) = read(body)
    assert event.fault.kind == kind


def test_a_stream_of_something_else_is_broken(read):
    for body, kind in (
        (b"data: {oops\n\n", "protocol"),
        (b"data: 7\n\n", "protocol"),
        (b'data: {"message":"overloaded"}\n\n', "error_event"),
        (b"", "empty"),
    ):
        assert read([body])[-1].fault.kind == kind


def test_citations_that_come_late_and_events_without_a_word_are_kept(read):
    text = {"index": 0, "delta": {"message": {"content": {"type": "text", "text": "a"}}}}
    citation = {"start": 0, "end": 1, "text": "a", "sources": [{"id": "d1"}]}
    late = {"index": 0, "delta": {"message": {"citations": citation}}}
    events = read(
        [
            _stream(
                {"type": "content-start", **text},
                {"type": "content-end", "index": 0},
                {"type": "citation-start", **late},
                {"type": "debug", "prompt": "p"},
                {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
            )
        ]
    )
    reply = fold(events)
    assert reply.choices[0].parts[0].citations == (citation,)
    assert [event.name for event in events if isinstance(event, Opaque)] == ["debug"]


def test_log_probabilities_take_the_shape_that_clients_know(read):
    whole = {
        "id": "1",
        "message": {"content": [{"type": "text", "text": "Hi"}]},
        "finish_reason": "COMPLETE",
        "logprobs": [{"text": "Hi", "token_ids": [5], "logprobs": [-0.5]}],
    }
    (block,) = fold(read(json.dumps(whole).encode())).choices[0].logprobs
    assert block["content"][0]["token"] == "Hi"
    assert block["content"][0]["logprob"] == -0.5


def test_what_is_billed_beyond_what_is_counted_is_counted():
    native = {
        "billed_units": {"input_tokens": 267, "output_tokens": 52},
        "tokens": {"input_tokens": 34, "output_tokens": 56, "image_tokens": 259},
        "cached_tokens": 0,
    }
    used = v2chat.usage(native)
    assert (used.input_fresh, dict(used.media)) == (8, {"image_in": 259})
    assert (used.input_tokens, used.output_tokens) == (267, 52)


def test_embeddings_rankings_and_transcripts_tell_what_they_say(recorded, read, provider, encode):
    from multiroute_cohere import embed
    from multiroute_core.wire import rerank

    for one in recorded("embeddings", ok=True):
        memo = encode(embed.decode_call(json.loads(one.request.body))).memo
        reply = fold(read(one.response.body, memo))
        said = json.loads(one.response.body)
        assert [list(v) for v in reply.result.vectors] == said["embeddings"]["float"]
        assert reply.usage.input_tokens == said["meta"]["billed_units"]["input_tokens"]
        assert reply.model == json.loads(one.request.body)["model"]
    for one in recorded("rerank", ok=True):
        memo = encode(rerank.decode_call(json.loads(one.request.body))).memo
        reply = fold(read(one.response.body, memo))
        said = json.loads(one.response.body)
        ranked = [(one.index, one.score) for one in reply.result.results]
        assert ranked == [(r["index"], r["relevance_score"]) for r in said["results"]]
        assert dict(reply.usage.tool_units) == said["meta"]["billed_units"]
    for one in recorded("audio.transcriptions", ok=True):
        events = provider.decode(None, one.response.body, _transcription_memo(encode))
        assert fold(events).result.text == json.loads(one.response.body)["text"]


def _transcription_memo(encode):
    from multiroute_core.wire.audio.transcriptions import decode_call

    call = decode_call({"model": "t", "file": {"filename": "a.wav", "data": "AAAA"}})
    return encode(call).memo


def test_errors_keep_kind_status_and_words(recorded, provider):
    from multiroute_core.api import Head

    (one,) = recorded("cohere.v2.chat", ok=False)
    fault = provider.classify(Head(one.response.status, ()), one.response.body)
    assert (fault.kind, fault.status, fault.code) == ("context_length", 400, "TOO_MANY_TOKENS")
    assert fault.message == json.loads(one.response.body)["message"]
    (one,) = recorded("embeddings", ok=False)
    assert provider.classify(Head(404, ()), one.response.body).kind == "not_found"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "invalid api token", "upstream_auth"),
        (429, "You are using a Trial key, limited to 10 API calls / minute.", "rate_limited"),
        (429, "You are using a Trial key, limited to 1000 API calls / month.", "quota_exhausted"),
        (498, "blocked output", "content_filter"),
        (422, "tools are not supported by this model", "bad_request"),
        (500, "internal server error", "upstream_5xx"),
        (503, "service overloaded, try again", "overloaded"),
    ],
)
def test_documented_errors_have_their_kind(provider, status, message, kind):
    from multiroute_core.api import Head

    fault = provider.classify(Head(status, ()), json.dumps({"message": message}).encode())
    assert (fault.kind, fault.status) == (kind, status)
    if kind != "upstream_auth":
        assert fault.message == message


def _loaded(stream: bytes):
    """What the official chat client makes of our stream, collected."""
    from openai.types.chat import ChatCompletionChunk

    text, calls = "", {}
    for line in stream.splitlines():
        if not line.startswith(b"data: {"):
            continue
        chunk = ChatCompletionChunk.model_validate_json(line[6:])
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                known = calls.setdefault(call.index, ["", "", ""])
                known[0] += call.id or ""
                known[1] += call.function.name or ""
                known[2] += call.function.arguments or ""
    return text, [calls[index] for index in sorted(calls)]


def test_told_again_in_the_chat_format_replies_load_in_the_official_client(recorded, read):
    from openai.types.chat import ChatCompletion

    asked = {"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": True}
    call = chat.decode_call({**asked, "stream_options": {"include_usage": True}})
    for one in recorded("cohere.v2.chat", ok=True):
        said = _said(one)
        if said["error"]:
            continue
        events = _events(one, read)
        body, _ = ChatDialect().reply(fold(events), call)
        loaded = ChatCompletion.model_validate_json(body)
        assert (loaded.choices[0].message.content or "") == said["text"]
        writer = ChatDialect().writer(call)
        stream = b"".join(writer.feed([event]) for event in events) + writer.close()
        assert _loaded(stream) == (said["text"], said["calls"])
        assert any(isinstance(event, Used) for event in events) == bool(said["usage"])


def test_a_plan_survives_a_tool_loop_through_the_messages_and_the_chat_format(read):
    whole = {
        "id": "1",
        "message": {
            "tool_plan": "I will ask f.",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        "finish_reason": "TOOL_CALL",
    }
    reply = fold(read(json.dumps(whole).encode()))
    user = {"role": "user", "content": "q"}
    call = chat.decode_call({"model": "m", "messages": [user]})
    body, _ = ChatDialect().reply(reply, call)
    said = json.loads(body)["choices"][0]["message"]
    answer = {"role": "tool", "tool_call_id": "c", "content": "r"}
    again = chat.decode_call({"model": "m", "messages": [user, said, answer]})
    doc, losses = v2chat.encode_call(again, "m")
    assert doc["messages"][1]["tool_plan"] == "I will ask f."
    assert losses == ()
    asked = messages.decode_call({"model": "m", "max_tokens": 9, "messages": [user]})
    body, _ = messages.MessagesDialect().reply(reply, asked)
    content = json.loads(body)["content"]
    result = {"type": "tool_result", "tool_use_id": "c", "content": "r"}
    turns = [user, {"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    doc, _ = v2chat.encode_call(
        messages.decode_call({"model": "m", "max_tokens": 9, "messages": turns}), "m"
    )
    assert doc["messages"][1]["tool_plan"] == "I will ask f."
