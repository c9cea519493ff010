"""A replay upstream answers recorded requests with recorded bytes, and nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from multiroute_core.testing import (
    Answer,
    Nearest,
    Normalisation,
    Recording,
    Recordings,
    ReplayIndex,
    ReplayUpstream,
)

DROPPED = {
    "accept-encoding",
    "connection",
    "content-length",
    "content-encoding",
    "host",
    "transfer-encoding",
}


def _made(
    recording_id: str,
    request: object = None,
    reply: str = "{}",
    *,
    url: str = "https://api.acme.example/v1/chat",
    response: dict[str, Any] | None = None,
    **changes: Any,
) -> Recording:
    record = {
        "id": recording_id,
        "provider": "acme",
        "api": "chat",
        "request": {
            "method": "POST",
            "url": url,
            "headers": {},
            "body": json.dumps(request) if request is not None else "",
        },
        "response": {"status": 200, "reason": "", "headers": {}, "body": reply, **(response or {})},
        **changes,
    }
    return Recording.from_json(record)


async def _resend(
    client: httpx.AsyncClient, upstream: ReplayUpstream, item: Recording
) -> httpx.Response:
    headers = [pair for pair in item.request.headers if pair[0] not in DROPPED]
    return await client.request(
        item.request.method,
        upstream.base_url + item.request.target,
        headers=headers,
        content=item.request.body,
    )


def _replay(items: Iterable[Recording], posts: list[object], **options: Any) -> list[Any]:
    """Send each document to /v1/chat and give the replies' JSON."""

    async def scenario() -> list[Any]:
        async with ReplayUpstream(items, **options) as upstream, httpx.AsyncClient() as client:
            url = upstream.base_url + "/v1/chat"
            return [(await client.post(url, json=document)).json() for document in posts]

    return asyncio.run(scenario())


async def _all_are_answered_as_recorded(recordings: Recordings, chunking: str) -> int:
    """Send every recorded request once; each reply must be one of those recorded for its key."""
    by_reply = {(item.response.status, item.response.body) for item in recordings}
    async with ReplayUpstream(recordings, chunking) as upstream, httpx.AsyncClient() as client:
        for number, item in enumerate(recordings):
            reply = await _resend(client, upstream, item)
            served = recordings.by_id(upstream.served[number])
            assert served.request.target == item.request.target
            assert (reply.status_code, reply.content) == (
                served.response.status,
                served.response.body,
            )
            assert (reply.status_code, reply.content) in by_reply
        assert upstream.unmatched == []
        assert len(upstream.served) == len(upstream.requests) == len(recordings)
        # Every recording of a request that repeats had its turn.
        assert sorted(upstream.served) == sorted(item.id for item in recordings)
        return len(upstream.served)


def test_every_recorded_chat_request_is_answered_byte_for_byte(
    chat_recordings: Recordings,
) -> None:
    assert asyncio.run(_all_are_answered_as_recorded(chat_recordings, "whole")) > 300


def test_every_recorded_messages_request_is_answered_byte_for_byte(
    messages_recordings: Recordings,
) -> None:
    assert asyncio.run(_all_are_answered_as_recorded(messages_recordings, "events")) > 300


@pytest.mark.parametrize("chunking", ["whole", "bytes", "events", "awkward", "random:11"])
@pytest.mark.parametrize("compress", [None, "gzip"])
def test_recorded_streams_are_the_same_bytes_in_every_chunking(
    messages_recordings: Recordings, chunking: str, compress: str | None
) -> None:
    streams = messages_recordings.where(
        lambda item: item.response.is_streamed and len(item.response.body) < 6000
    )
    some = list(streams)[:4]
    assert len(some) == 4

    async def scenario() -> None:
        async with (
            ReplayUpstream(some, chunking, compress) as upstream,  # type: ignore[arg-type]  # parametrised
            httpx.AsyncClient() as client,
        ):
            for item in some:
                reply = await _resend(client, upstream, item)
                assert reply.content == item.response.body
                assert reply.headers.get("content-encoding") == compress
                assert reply.headers["transfer-encoding"] == "chunked"

    asyncio.run(scenario())


def test_a_changed_tool_name_is_404_with_a_diff_that_names_it(chat_recordings: Recordings) -> None:
    item = next(item for item in chat_recordings if "tool_call" in item.tags)
    document = json.loads(item.request.body)
    function = document["tools"][0]["function"]
    old, function["name"] = function["name"], "renamed_by_the_test"

    async def scenario() -> None:
        async with (
            ReplayUpstream(chat_recordings) as upstream,
            httpx.AsyncClient() as client,
        ):
            reply = await client.post(upstream.base_url + "/v1/chat/completions", json=document)
            assert reply.status_code == 404
            error = reply.json()["error"]
            assert error["type"] == "replay_mismatch"
            lines = error["diff"].splitlines()
            assert any(line.startswith("-") and f'"{old}"' in line for line in lines)
            assert any(line.startswith("+") and '"renamed_by_the_test"' in line for line in lines)
            assert len(lines) < 40, "the nearest request differs in one place only"
            assert upstream.served == []
            [mismatch] = upstream.unmatched
            assert mismatch.diff == error["diff"]
            assert mismatch.request is upstream.requests[0]
            assert mismatch.nearest_id in error["message"]

    asyncio.run(scenario())


def test_an_unknown_path_is_404_with_the_nearest_path() -> None:
    async def scenario() -> str:
        items = [_made("a", {"n": 1}), _made("b", {"n": 1}, url="https://x/v1/embed")]
        async with ReplayUpstream(items) as upstream, httpx.AsyncClient() as client:
            reply = await client.post(upstream.base_url + "/v2/embed", json={"n": 1})
            assert reply.status_code == 404
            diff: str = reply.json()["error"]["diff"]
            return diff

    diff = asyncio.run(scenario())
    assert "--- recorded b" in diff
    assert "-POST /v1/embed" in diff
    assert "+POST /v2/embed" in diff


def test_recordings_of_one_request_come_in_sequence_order_and_then_again() -> None:
    question = {"n": 1}
    items = [
        _made("s-1", question, '"s-1"', sequence={"id": "s", "pos": 1}),
        _made("t-0", question, '"t-0"', sequence={"id": "t", "pos": 0}),
        _made("s-0", question, '"s-0"', sequence={"id": "s", "pos": 0}),
    ]
    replies = _replay(items, [question] * 5)
    assert replies == ["s-0", "s-1", "t-0", "s-0", "s-1"]


def test_a_recording_that_agrees_in_ignored_fields_too_goes_first() -> None:
    plain = {"n": 1}
    asking = {"n": 1, "stream_options": {"include_usage": True}}
    items = [_made("plain", plain, '"plain"'), _made("asking", asking, '"asking"')]
    assert _replay(items, [asking, plain, asking]) == ["asking", "plain", "asking"]
    other = {"n": 1, "user": "u"}
    assert _replay(items, [other]) == ["plain"]


def test_the_comparison_can_be_made_stricter() -> None:
    rules = Normalisation(ignore_fields=frozenset())
    [reply] = _replay([_made("a", {"n": 1})], [{"n": 1, "user": "u"}], normalisation=rules)
    assert '"user": "u"' in reply["error"]["diff"]


def test_a_redacted_recording_answers_whatever_comes_to_its_path_but_last() -> None:
    items = [
        _made("redacted", None, '"redacted"', notes=["empty-request-body"]),
        _made("exact", {"n": 1}, '"exact"'),
    ]
    assert _replay(items, [{"n": 1}, {"n": 2}]) == ["exact", "redacted"]


def test_headers_are_kept_but_for_framing_and_lost_content_types_are_restored() -> None:
    kept = {"x-request-id": "r", "retry-after": "1"}
    framing = {"transfer-encoding": "chunked", "content-encoding": "br", "content-length": "999"}
    items = [
        _made("whole", 1, '{"a":1}', response={"headers": {**kept, **framing}, "status": 429}),
        _made("sse", 2, "data: 1\n\n", response={"stream_format": "sse"}),
        _made(
            "wrong",
            3,
            "data: 1\n\n",
            response={"stream_format": "sse", "headers": {"content-type": "application/json"}},
        ),
        _made("lines", 4, "{}\n", response={"stream_format": "ndjson"}),
        _made("text", 5, "plain"),
    ]

    async def scenario() -> list[httpx.Headers]:
        async with ReplayUpstream(items) as upstream, httpx.AsyncClient() as client:
            url = upstream.base_url + "/v1/chat"
            return [(await client.post(url, json=number)).headers for number in range(1, 6)]

    whole, sse, wrong, lines, text = asyncio.run(scenario())
    assert dict(whole) == {**kept, "content-type": "application/json", "content-length": "7"}
    assert dict(sse) == {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    assert dict(wrong) == dict(sse)
    assert lines["content-type"] == "application/x-ndjson"
    assert text["content-type"] == "text/plain; charset=utf-8"


def test_every_shared_recording_can_be_sent_and_found_again(wire: Path) -> None:
    recordings = Recordings.load(wire)
    upstream = ReplayUpstream(recordings)
    index = ReplayIndex(recordings)
    for item in recordings:
        request = item.request
        found = index.take(request.method, request.url, request.headers, request.body)
        assert not isinstance(found, Nearest)
        answer = upstream._answer(item)
        assert b"".join(answer.pieces) == item.response.body
        assert any(name.lower() == "content-type" for name, _ in answer.header_pairs)


def test_a_recorded_answer_can_be_altered_into_a_fault() -> None:
    def cut(recording: Recording, answer: Answer) -> Answer:
        return dataclasses.replace(answer, cut_at=2) if recording.id == "bad" else answer

    async def scenario() -> None:
        items = [_made("bad", 1, '{"a":1}'), _made("good", 2, '{"a":2}')]
        async with ReplayUpstream(items, alter=cut) as upstream, httpx.AsyncClient() as client:
            url = upstream.base_url + "/v1/chat"
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(url, json=1)
            assert (await client.post(url, json=2)).json() == {"a": 2}
            assert upstream.served == ["bad", "good"]

    asyncio.run(scenario())


def test_credentials_are_in_no_diff() -> None:
    async def scenario() -> str:
        async with (
            ReplayUpstream([_made("a", {"n": 1})]) as upstream,
            httpx.AsyncClient() as client,
        ):
            headers = {"authorization": "Bearer CANARY-1", "x-api-key": "CANARY-2"}
            url = upstream.base_url + "/v1/chat?key=CANARY-3"
            return (await client.post(url, json={"n": 2}, headers=headers)).text

    assert "CANARY" not in asyncio.run(scenario())


def test_a_very_long_difference_is_shortened() -> None:
    long = {"items": list(range(3000))}
    [reply] = _replay([_made("a", {"n": 1})], [long])
    lines = reply["error"]["diff"].splitlines()
    assert len(lines) == 201
    assert lines[-1].endswith("more lines")


def test_no_recordings_and_unknown_chunking_are_refused() -> None:
    with pytest.raises(ValueError, match="no recordings to replay"):
        ReplayUpstream([])
    with pytest.raises(ValueError, match="chunking 'odd' is unknown"):
        ReplayUpstream([_made("a")], "odd")
