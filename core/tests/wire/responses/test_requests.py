"""Requests: recorded ones come back as they were, others keep what this format has a word for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multiroute_core.api import Call, CannotEncode, ChatBody, InvalidRequest, Loss
from multiroute_core.testing import Normalisation, Recordings, normalise_json
from multiroute_core.wire import chat, messages, responses
from multiroute_core.wire.strict import dump

_EVERYTHING = Normalisation(ignore_fields=frozenset())


def _encoded(call: Call) -> tuple[dict[str, Any], list[Loss]]:
    document, losses = responses.encode_call(call, call.model)
    return json.loads(dump(document)), list(losses)


def _body(call: Call) -> ChatBody:
    assert isinstance(call.body, ChatBody)
    return call.body


def _decoded(**fields: Any) -> Call:
    return responses.decode_call({"model": "m", **fields})


def test_recorded_requests_come_back_as_they_were(recorded: Recordings) -> None:
    assert len(recorded) > 400
    for one in recorded:
        document = json.loads(one.request.body)
        written, losses = _encoded(responses.decode_call(document))
        assert normalise_json(written, _EVERYTHING) == normalise_json(document, _EVERYTHING), one.id
        assert losses == [], one.id


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "phase": "final", "content": [
             {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
             {"type": "refusal", "refusal": "b", "why": 1},
             {"type": "output_text", "text": "c", "annotations": [{"type": "file_path"}]}]},
        {"role": "assistant", "content": "a", "phase": "commentary"},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [], "id": "msg_2"},
        {"type": "message", "role": "user", "id": "msg_3", "content": [
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "high"},
            {"type": "input_image", "file_id": "file_1", "detail": "auto"},
            {"type": "input_file", "file_data": "AAAA", "filename": "a.pdf"},
            {"type": "input_file", "file_data": "data:text/plain;base64,AA==", "filename": "a"},
            {"type": "input_file", "file_url": "https://a/b.pdf", "detail": "low"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "input_video", "video": 1},
            {"type": "input_text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {"type": "message", "role": "user", "content": [{"type": "new"}, {"type": "newer"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "new", "a": 1}]},
        {"role": "assistant", "content": [{"type": "new", "a": 1}]},
        {"role": "assistant", "content": [{"type": "text", "text": "untypical"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{ }",
         "id": "fc_1", "status": "completed", "namespace": "n", "caller": {"type": "direct"}},
        {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "4 + 4", "id": "ctc_1"},
        {"type": "function_call_output", "call_id": "c", "output": "x", "id": "o"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": [
            {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://a"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [
            {"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
         "encrypted_content": "gAAA", "status": "completed", "format": "f"},
        {"type": "reasoning", "id": "rs_2", "summary": [],
         "content": [{"type": "reasoning_text", "text": "t", "more": 1}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed",
         "action": {"type": "search", "query": "q"}},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
        {"type": "local_shell_call", "id": "l", "call_id": "c", "action": {"command": ["ls"]}},
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "item_reference", "id": "msg_9"},
        {"type": "from_the_future", "deep": {"a": [1, None, 2.5]}},
    ],
    ids=lambda item: f"{item.get('type', 'easy')}-{item.get('role', '')}",
)  # fmt: skip
def test_an_item_comes_back_alone_and_among_others(item: dict[str, Any]) -> None:
    others = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "z", "name": "g", "arguments": "{}"},
        {"role": "assistant", "content": "one"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "two"}]},
    ]
    for items in ([item], [*others, item, *others], [item, item], [others[1], item, item]):
        document = {"model": "m", "input": items}
        written, losses = _encoded(responses.decode_call(document))
        assert normalise_json(written, _EVERYTHING) == normalise_json(document, _EVERYTHING)
        assert losses == []


def test_a_turn_of_the_assistant_is_one_message() -> None:
    call = _decoded(
        input=[
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"},
            {"role": "assistant", "content": "I look"},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "function_call_output", "call_id": "b", "output": "2"},
        ]
    )
    document, _ = chat.encode_call(call, "m")
    written = json.loads(dump(document))["messages"]
    assert [message["role"] for message in written] == ["user", "assistant", "tool", "tool"]
    assert [one["id"] for one in written[1]["tool_calls"]] == ["a", "b"]
    assert written[1]["content"] == "I look"


def test_answers_of_the_assistant_that_follow_one_another_stay_apart() -> None:
    call = _decoded(input=[{"role": "assistant", "content": text} for text in ("a", "b")])
    assert [message.parts[0].text for message in _body(call).messages] == ["a", "b"]


def test_instructions_are_a_system_message_for_other_formats() -> None:
    call = _decoded(input="hi", instructions="Be brief.")
    document, losses = chat.encode_call(call, "m")
    assert document["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    assert losses == ()
    assert _encoded(call)[0]["instructions"] == "Be brief."


def test_fields_of_the_format_get_their_common_words() -> None:
    call = _decoded(
        input="hi",
        max_output_tokens=9,
        parallel_tool_calls=False,
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {}}},
        reasoning={"effort": "low", "summary": "auto", "context": "all_turns"},
        tools=[{"type": "function", "name": "f"}, {"type": "web_search", "deep": {"a": 1}}],
        tool_choice={"type": "function", "name": "f"},
        include=["message.output_text.logprobs"],
        presence_penalty=0.5,
        surprise={"a": 1},
    )
    body = _body(call)
    assert body.max_output == 9
    assert body.parallel_tools is False
    assert body.schema is not None
    assert body.schema.name == "n"
    assert body.reasoning is not None
    assert (body.reasoning.effort, body.reasoning.summary) == ("low", "auto")
    assert [tool.kind for tool in body.tools] == ["function", "web_search"]
    assert body.tool_choice is not None
    assert body.tool_choice.name == "f"
    assert dict(body.params) == {"verbosity": "low", "logprobs": True, "presence_penalty": 0.5}
    assert dict(body.extra) == {
        "include": ["message.output_text.logprobs"],
        "surprise": {"a": 1},
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": [3]}, "input[0]"),
        ({"input": [{"a": 1}]}, "input[0].type"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
         "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
         "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0]"),
        ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": "x", "tools": [{"name": "f"}]}, "tools[0].type"),
        ({"input": "x", "tool_choice": "some"}, "tool_choice"),
        ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": "x", "max_output_tokens": "9"}, "max_output_tokens"),
        ({"input": "x", "instructions": 3}, "instructions"),
        ({"input": "x", "stream": "yes"}, "stream"),
        ({"input": "x", "text": {"format": {}}}, "text.format.type"),
        ({"input": "x", "reasoning": {"effort": 3}}, "reasoning.effort"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _decoded(**fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_1", "input": "x"},
        {"conversation": "conv_1", "input": "x"},
        {"conversation": {"id": "conv_1"}},
        {"background": True, "input": "x"},
        {"prompt": {"id": "pmpt_1"}},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
    ],
)
def test_only_this_format_takes_a_call_that_goes_on_with_kept_state(fields: dict[str, Any]) -> None:
    call = _decoded(**fields)
    assert call.needs_state
    assert responses.needs_state(call)
    written, losses = _encoded(call)
    assert {**written} == {"model": "m", **fields}
    assert losses == []
    with pytest.raises(CannotEncode, match="state"):
        chat.encode_call(call, "m")
    with pytest.raises(CannotEncode, match="state"):
        messages.encode_call(call, "m", 9)


def test_a_call_without_kept_state_needs_none() -> None:
    call = _decoded(input="x", background=False, previous_response_id=None, store=True)
    assert not call.needs_state
    assert responses.needs_state(call) is None


def test_a_chat_call_becomes_items() -> None:
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [
                    {"type": "text", "text": "see"},
                    {"type": "image_url", "image_url": {"url": "https://a/b", "detail": "low"}},
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}]},
                {"role": "assistant", "content": "t", "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
                {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            "reasoning_effort": "low",
            "max_tokens": 7,
            "logprobs": True,
            "top_logprobs": 2,
            "verbosity": "low",
        }
    )  # fmt: skip
    written, losses = _encoded(call)
    assert losses == []
    assert written == {
        "model": "m",
        "input": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "detail": "low", "image_url": "https://a/b"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,AA==",
                 "filename": "document.pdf"}]},
            {"role": "assistant", "content": "t"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c",
             "output": [{"type": "input_text", "text": "r"}]},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"a": 1}, "strict": False}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 7,
        "top_logprobs": 2,
        "store": False,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    }  # fmt: skip


def test_what_this_format_lacks_is_reported() -> None:
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x", "name": "ann"}],
            "tools": [{"type": "custom", "custom": {"name": "c"}}],
            "n": 2,
            "stop": ["a"],
            "seed": 3,
            "frequency_penalty": 0,
            "logit_bias": {"1": 2},
            "surprise": 1,
        }
    )
    _, losses = _encoded(call)
    paths = sorted(loss.path for loss in losses)
    assert paths == ["logit_bias", "messages[0].name", "n", "seed", "stop", "surprise", "tools[0]"]


def test_a_call_for_another_operation_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        responses.ResponsesDialect().call("embeddings", {"model": "m", "input": "x"}, ())
