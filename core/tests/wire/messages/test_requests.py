"""Requests of the messages format: read, and written again without loss."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from multiroute_core.api import CannotEncode, InvalidRequest, Part
from multiroute_core.testing import Normalisation, Recording, normalise_json
from multiroute_core.wire import messages
from multiroute_core.wire.strict import dump

_ALL = Normalisation(ignore_fields=frozenset())


def _again(doc: dict[str, Any], operation: str = "chat") -> tuple[dict[str, Any], tuple[Any, ...]]:
    call = messages.decode_call(doc, (), operation)  # type: ignore[arg-type]  # a test's words
    written, losses = messages.encode_call(call, doc["model"], 4096)
    return orjson.loads(dump(written)), losses


def _doc(**fields: Any) -> dict[str, Any]:
    base = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    return {**base, **fields}


def _said(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return _doc(messages=[{"role": role, "content": list(blocks)}])


def test_recorded_requests_come_back_as_they_were(recorded: tuple[Recording, ...]) -> None:
    refused = []
    for item in recorded:
        doc = orjson.loads(item.request.body)
        try:
            again, losses = _again(doc)
        except InvalidRequest:
            refused.append(item)
            continue
        assert normalise_json(again, _ALL) == normalise_json(doc, _ALL), item.id
        assert not losses, item.id
    assert len(recorded) > 400
    # What the provider refused we may refuse, and nothing else.
    assert len(refused) <= 1
    assert all(item.response.status == 400 for item in refused)


def test_recorded_counts_come_back_as_they_were(recorded_counts: tuple[Recording, ...]) -> None:
    for item in recorded_counts:
        doc = orjson.loads(item.request.body)
        again, losses = _again(doc, "count_tokens")
        assert normalise_json(again, _ALL) == normalise_json(doc, _ALL), item.id
        assert not losses
    assert recorded_counts


@pytest.mark.parametrize(
    "doc",
    [
        _doc(system="be brief"),
        _doc(system=[{"type": "text", "text": "be brief"}]),
        _doc(system=[]),
        _doc(system=""),
        _doc(messages=[{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]),
        _doc(messages=[{"role": "user", "content": []}]),
        _doc(messages=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
        _doc(stop_sequences=[]),
        _doc(stream=False),
        _doc(metadata={"user_id": "short", "other": 1}),
        _doc(metadata={"user_id": "long" * 40}),
        _doc(service_tier="standard_only"),
        _doc(service_tier="auto"),
        _doc(service_tier="something-new"),
        _doc(temperature=0.5, top_p=0.1, top_k=3),
        _doc(output_format={"type": "json_schema", "schema": {"type": "object"}, "n": 1}),
        _doc(output_config={"format": {"type": "json_schema", "schema": {}}, "effort": "low"}),
        _doc(output_config={"format": {"type": "new", "x": 1}, "task_budget": {"total": 5}}),
        _doc(output_config={}),
        _doc(thinking={"type": "adaptive", "display": "omitted"}),
        _doc(thinking={"type": "something-new", "x": 1}),
        _doc(tool_choice={"type": "none", "disable_parallel_tool_use": True, "x": 1}, tools=[]),
        _doc(tool_choice={"type": "new", "x": 1}),
        _doc(tools=[{"type": "custom", "name": "f", "input_schema": {}, "input_examples": [{}]}]),
        _doc(tools=[{"name": "f", "input_schema": {"type": "object"}, "strict": False}]),
        _doc(tools=[{"type": "mcp_toolset", "mcp_server_name": "s"}]),
        _said({"type": "text", "text": "", "citations": []}),
        _said({"type": "tool_result", "tool_use_id": "a"}),
        _said({"type": "tool_result", "tool_use_id": "a", "content": ""}),
        _said({"type": "tool_result", "tool_use_id": "a", "content": []}),
        _said({"type": "document", "source": {"type": "content", "content": "x"}, "title": "t"}),
        _said({"type": "document", "source": {"type": "text", "media_type": "text/plain",
                                              "data": "ü"}, "context": "c"}),
        _said({"type": "document", "source": {"type": "base64", "media_type": "text/plain",
                                              "data": "eA=="}}),
        _said({"type": "image", "source": {"type": "url", "url": "https://x/y.png", "z": 1}}),
        _said({"type": "thinking", "thinking": "", "signature": "sig"}, role="assistant"),
        _said({"type": "thinking", "thinking": "t", "signature": "s", "x": 1}, role="assistant"),
        _said({"type": "redacted_thinking", "data": "abc"}, role="assistant"),
        _said({"type": "never_seen", "x": {"y": [1]}}, role="assistant"),
    ],
)  # fmt: skip
def test_spellings_are_kept(doc: dict[str, Any]) -> None:
    again, losses = _again(doc)
    assert again == doc
    assert not losses


@pytest.mark.parametrize(
    ("doc", "where"),
    [
        ({"model": "m", "max_tokens": 1}, "messages"),
        (_doc(messages=[]), "messages"),
        (_doc(messages=["hi"]), "messages[0]"),
        (_doc(messages=[{"role": "robot", "content": "x"}]), "messages[0].role"),
        (_doc(messages=[{"role": "user"}]), "messages[0].content"),
        (_doc(max_tokens="9"), "max_tokens"),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}]}, "max_tokens"),
        (_doc(stream="yes"), "stream"),
        (_doc(system=3), "system"),
        (_doc(tools=[{"name": "f"}]), "tools[0].input_schema"),
        (_doc(tool_choice={"type": "tool"}), "tool_choice.name"),
        (_doc(metadata="x"), "metadata"),
        (_doc(stop_sequences="x"), "stop_sequences"),
        (_doc(thinking={"type": "enabled", "budget_tokens": "x"}), "thinking.budget_tokens"),
        (_said({"type": "text"}), "messages[0].content[0].text"),
        (_said({"text": "x"}), "messages[0].content[0].type"),
        (_said({"type": "tool_use", "id": "a", "name": "f", "input": "x"}),
         "messages[0].content[0].input"),
        (_said({"type": "image", "source": {"type": "base64", "data": "x"}}),
         "messages[0].content[0].source.media_type"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_the_place(doc: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages.decode_call(doc)
    assert caught.value.param == where


def test_counting_needs_no_output_limit_and_sends_none() -> None:
    doc = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert _again(doc, "count_tokens")[0] == doc


def test_the_session_is_taken_from_the_user_id() -> None:
    def session(user: str) -> str | None:
        return messages.decode_call(_doc(metadata={"user_id": user})).session

    assert session("user_ab_account_cd_session_ef") == "ef"
    assert session('{"device_id":"a","session_id":"s"}') == "s"
    assert session("plain") == "plain"
    assert messages.decode_call(_doc()).session is None


def test_a_short_user_is_common_a_long_one_stays_here() -> None:
    short = messages.decode_call(_doc(metadata={"user_id": "u"})).body
    long = messages.decode_call(_doc(metadata={"user_id": "u" * 65})).body
    assert short.params == {"user": "u"}  # type: ignore[union-attr]  # a chat body
    assert "user" not in long.params  # type: ignore[union-attr]  # a chat body


def test_text_documents_are_media_for_other_formats() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "ü"}
    call = messages.decode_call(_said({"type": "document", "source": source, "title": "t"}))
    part = call.body.messages[0].parts[0]  # type: ignore[union-attr]  # a chat body
    assert part.media.mime == "text/plain"
    assert part.media.name == "t"
    assert base64.b64decode(part.media.data_b64).decode() == "ü"
    assert not part.extra


def test_ids_that_the_format_does_not_take_are_respelt_on_both_sides() -> None:
    call = messages.decode_call(
        _doc(
            messages=[
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "functions.f:0", "name": "f", "input": {}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "functions.f:0", "content": "x"}]},
            ]
        )
    )  # fmt: skip
    assert messages.relay_fields(call, "m") is None
    written, _ = messages.encode_call(call, "m", 9)
    turns = orjson.loads(dump(written))["messages"]
    made, used = turns[0]["content"][0]["id"], turns[1]["content"][0]["tool_use_id"]
    assert made == used == "functions_f_0"


def test_a_streamed_server_tool_call_can_go_back() -> None:
    part = Part(
        "server_tool_call",
        id="srv",
        name="web_search",
        arguments='{"query":"x"}',
        origin="messages",
        extra={"type": "server_tool_use", "caller": {"type": "direct"}},
    )
    block = _written(part)
    assert block == {
        "type": "server_tool_use",
        "id": "srv",
        "name": "web_search",
        "caller": {"type": "direct"},
        "input": {"query": "x"},
    }


def _written(part: Part) -> Any:
    call = messages.decode_call(_doc())
    from msgspec.structs import replace

    from multiroute_core.api import Message

    body = replace(call.body, messages=(Message("assistant", (part,), "messages"),))
    written, _ = messages.encode_call(replace(call, body=body), "m", 9)
    return orjson.loads(dump(written))["messages"][0]["content"][0]


def test_arguments_that_are_no_json_cannot_be_encoded() -> None:
    with pytest.raises(CannotEncode):
        _written(Part("tool_call", id="a", name="f", arguments="{oops"))
