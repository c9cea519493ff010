"""Errors, as replies and inside of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from multiroute_core.api import Head
from multiroute_core.api.events import Broken, Event
from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat

Read = Callable[[Recording, str], list[Event]]


def _head(one: Recording) -> Head:
    pairs = [(k.encode(), v.encode()) for k, v in one.response.headers]
    return Head(one.response.status, tuple(pairs))


def _words(doc: Any) -> str:
    """The message of an error, read by hand."""
    inner = doc.get("error", doc)
    if isinstance(inner, str):
        return inner
    return str(inner.get("message") or inner.get("detail"))


def test_every_recorded_error_keeps_its_status_and_message(recorded: Recordings) -> None:
    kinds = {400: {"bad_request", "context_length"}, 401: {"upstream_auth"}}
    kinds |= {404: {"not_found"}, 429: {"rate_limited"}}
    errors = recorded.where(lambda one: one.response.status >= 400)
    assert len(errors) >= 30
    for one in errors:
        fault = chat.classify(_head(one), one.response.body, 0.0)
        assert fault.status == one.response.status
        assert fault.kind in kinds[one.response.status], (one.id, fault)
        assert _words(json.loads(one.response.body)) in fault.message


def test_every_recorded_error_inside_a_reply_breaks_it(
    recorded: Recordings, read: Read, documents_of: Callable[[Recording], list[Any]]
) -> None:
    found = 0
    for one in recorded.where(lambda one: one.response.status < 300):
        said = [doc for doc in documents_of(one) if doc.get("error")]
        if said:
            found += 1
            broken = next(e for e in read(one, "whole") if isinstance(e, Broken))
            kind = "error_event" if one.response.is_streamed else "error_in_200"
            assert broken.fault.kind == kind
            assert broken.fault.message == _words(said[-1])
    assert found >= 3


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"code": "c", "error": "words"}, "bad_request", "words"),
        (401, {"detail": "Invalid API Key"}, "upstream_auth", "Invalid API Key"),
        (422, {"message": {"detail": [{"msg": "extra"}]}}, "bad_request", "extra"),
        (400, {"error": {"type": "too_many_prompt_tokens", "message": "m"}}, "context_length", "m"),
        (
            429,
            {"error": {"message": "Provider returned error", "metadata": {"raw": "busy"}}},
            "rate_limited",
            "Provider returned error: busy",
        ),
        (
            502,
            {"error": {"message": "e", "metadata": {"raw": '{"error":{"message":"inner"}}'}}},
            "upstream_5xx",
            "e: inner",
        ),
        (
            400,
            {"error": {"code": "content_filter", "message": "filtered"}},
            "content_filter",
            "filtered",
        ),
    ],
)
def test_shapes_of_errors(status: int, body: dict[str, Any], kind: str, message: str) -> None:
    fault = chat.classify(Head(status, ()), json.dumps(body).encode(), 0.0)
    assert (fault.kind, fault.message) == (kind, message)


def test_a_body_that_is_no_json_is_still_a_fault() -> None:
    fault = chat.classify(Head(502, ()), b"<html>", 0.0)
    assert fault.kind == "upstream_5xx"
    assert "502" in fault.message


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": {"content": ""}, "finish_reason": "error", "error": {"message": "gone"}},
        {"delta": {"content": "half"}, "finish_reason": None, "error": {"message": "gone"}},
    ],
)
def test_an_error_in_a_choice_breaks_the_stream(choice: dict[str, Any]) -> None:
    decoder = chat.ChatDecoder()
    chunk = {"id": "r", "choices": [{"index": 0, **choice}]}
    events = decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    events += decoder.close()
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.message == "gone"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b" ", "empty"),
        (b"{", "protocol"),
        (b"[]", "protocol"),
        (b"{}", "protocol"),
        (b'{"choices":[]}', "empty"),
        (b'{"error":{"message":"m","type":"overloaded_error"}}', "error_in_200"),
        (b'{"object":"error","message":"m","code":400}', "error_in_200"),
    ],
)
def test_a_whole_reply_without_an_answer_is_broken(body: bytes, kind: str) -> None:
    events = chat.decode_reply(body)
    assert isinstance(events[-1], Broken)
    assert events[-1].fault.kind == kind
