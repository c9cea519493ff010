"""Whatever is in a body: an answer or a 4xx, never a 500."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from core.tests.gateway.stand_in import KEY, StandIn, answer_of, told
from multiroute_core.api import Call, ModelNotFound
from multiroute_core.engine.sink import Sink
from multiroute_core.gateway import Gateway
from multiroute_core.wire.strict import dump

MESSAGES = [{"role": "user", "content": "hi"}]


async def echo(call: Call, sink: Sink, call_id: str) -> None:
    """As the router does: a name of its own is answered, any other is not found; the document is
    written again on the way."""
    if call.model != "balanced":
        raise ModelNotFound(f"no model {call.model!r}", param="model")
    dump(call.doc)
    await sink.begin(answer_of(call_id))
    for batch in told():
        await sink.send(batch, None)
    await sink.end(None)


class EchoRouter(StandIn):
    async def answer(self, call: Call, principal: Any, sink: Sink, call_id: str) -> None:
        await echo(call, sink, call_id)


def status_of(body: bytes, pieces: int = 1) -> int:
    """The status for a body; the reply is checked to be sound."""
    size = max(1, -(-len(body) // pieces))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        piece = parts.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "raw_path": b"/v1/chat/completions",
        "headers": [(b"host", b"x"), (b"x-api-key", KEY.encode())],
    }
    asyncio.run(Gateway(EchoRouter())(scope, receive, send))
    assert [m["type"] for m in sent[:1]] == ["http.response.start"]
    assert sent[-1]["more_body"] is False
    headers = dict(sent[0]["headers"])
    for name, value in headers.items():
        assert not set(b"\r\n\0") & set(name + value)
    status: int = sent[0]["status"]
    if status != 200:
        error = json.loads(sent[-1]["body"])["error"]
        assert error["message"]
        assert headers[b"x-should-retry"] == b"false"
    return status


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()))
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "model",
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "n",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "response_format",
        "reasoning_effort",
        "temperature",
        "metadata",
        "user",
        "prompt_cache_key",
    ]
)


@given(st.binary(max_size=200), st.integers(1, 4))
@example(b"", 1)
@example(b"\xff\xfe", 1)
@example(b"[" * 100_000, 3)
@example(b'{"a":' * 100_000, 3)
@example(b"null", 1)
@example(b'{"model":NaN}', 1)
def test_bytes_that_are_no_document_are_a_400(body: bytes, pieces: int) -> None:
    assert status_of(body, pieces) == 400


@given(st.dictionaries(FIELDS | st.text(max_size=6), values, max_size=6))
def test_any_document_is_refused_or_answered(document: dict[str, Any]) -> None:
    assert status_of(json.dumps(document).encode("utf-8", "surrogatepass")) in (200, 400, 404)


@settings(max_examples=300)
@given(FIELDS, values)
def test_a_good_document_with_one_odd_field_is_refused_or_answered(field: str, value: Any) -> None:
    document = {"model": "balanced", "messages": MESSAGES, field: value}
    assert status_of(json.dumps(document).encode()) in (200, 400, 404)


@given(values)
def test_an_odd_message_is_refused_or_answered(value: Any) -> None:
    for messages in (
        [value],
        [{"role": "user", "content": value}],
        [{"role": "user", "content": [value]}],
        [{"role": value, "content": "hi"}],
        [{"role": "assistant", "tool_calls": [value]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": value}]}],
    ):
        document = {"model": "balanced", "messages": messages}
        assert status_of(json.dumps(document).encode()) in (200, 400, 404)


@pytest.mark.parametrize(
    "model", ["a\r\nx-evil: 1", "\0", "\ud800", "ü" * 5000, "", "{}", "../../etc"]
)
def test_a_hostile_model_name_is_only_a_name(model: str) -> None:
    document = {"model": model, "messages": MESSAGES}
    assert status_of(json.dumps(document).encode()) in (400, 404)


def test_a_number_beyond_64_bits_is_a_400() -> None:
    body = b'{"model":"balanced","messages":[{"role":"user","content":"hi"}],"seed":%d}'
    assert status_of(body % 2**63) == 200
    assert status_of(body % 2**70) == 400
