"""Gemini requests, read and written."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from multiroute_core.api import CannotEncode, InvalidRequest, plain
from multiroute_core.testing import normalise_json
from multiroute_core.wire import chat
from multiroute_google import gemini

OPERATIONS = {
    "generateContent": "chat",
    "streamGenerateContent": "chat",
    "countTokens": "count_tokens",
    "embeddings": "embeddings",
}


def written(doc: dict[str, Any], operation: str = "chat") -> tuple[dict[str, Any], Any]:
    call = gemini.decode_call(doc, operation=operation)
    out, losses = gemini.encode_call(call)
    return json.loads(orjson.dumps(out, default=plain)), losses


def from_chat(model: str = "gemini-3-flash", **fields: Any) -> tuple[dict[str, Any], Any]:
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    call = chat.decode_call({"model": "m", **fields})
    out, losses = gemini.encode_call(call, model)
    return json.loads(orjson.dumps(out, default=plain)), losses


@pytest.mark.parametrize("api", OPERATIONS)
def test_recorded_requests_come_back_as_they_were(api, recorded):
    differing = []
    for record in recorded(api):
        if not record.request.body:
            continue
        doc = json.loads(record.request.body)
        out, losses = written(doc, OPERATIONS[api])
        if losses or normalise_json(out) != normalise_json(doc):
            differing.append((record.id, losses))
    assert differing == []


@pytest.mark.parametrize(
    "doc",
    [
        {"contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "_-8="}}]}]},
        {"contents": {"role": "user", "parts": {"text": "one"}}, "generation_config": {"top_k": 3}},
        {"contents": [], "tools": {"function_declarations": [{"name": "f"}]}},
        {
            "contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}}]}],
            "tool_config": {"function_calling_config": {"mode": "any"}},
        },
        {"contents": [], "tools": [{"google_search": {}, "function_declarations": []}]},
        {
            "contents": [
                {"parts": [{"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {}}]}
            ],
            "newField": {"a": [1]},
            "generationConfig": {"newer": 1, "thinkingConfig": {"thinkingBudget": 0, "x": 1}},
        },
        {
            "contents": [{"role": "function", "parts": [{"text": "", "thought": False}]}],
            "systemInstruction": {"role": "system", "parts": [{"text": "s"}]},
        },
    ],
)
def test_rare_spellings_and_unknown_fields_come_back(doc):
    assert written(doc) == (doc, ())


def test_a_field_in_both_spellings_is_refused():
    with pytest.raises(InvalidRequest, match="two spellings"):
        gemini.decode_call({"contents": [], "toolConfig": {}, "tool_config": {}})


def test_a_request_without_contents_is_refused():
    with pytest.raises(InvalidRequest, match="contents"):
        gemini.decode_call({"generationConfig": {}})


def test_results_without_ids_answer_the_calls_of_their_name_in_order():
    doc = {
        "contents": [
            {
                "role": "model",
                "parts": [{"functionCall": {"name": n, "args": {}}} for n in ("a", "b", "a")],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": n, "response": {"output": o}}}
                    for n, o in (("a", "1"), ("a", "2"), ("b", "3"))
                ],
            },
        ]
    }
    call = gemini.decode_call(doc)
    calls, results = call.body.messages
    ids = [part.id for part in calls.parts]
    assert len(set(ids)) == 3
    assert all(len(name) <= 40 for name in ids)
    assert [part.id for part in results.parts] == [ids[0], ids[2], ids[1]]
    assert gemini.decode_call(doc) == call
    assert written(doc) == (doc, ())


def test_results_of_chat_clients_go_into_one_turn_in_the_order_of_the_calls():
    calls = [
        {"id": i, "type": "function", "function": {"name": n, "arguments": "{}"}}
        for i, n in (("c1", "a"), ("c2", "b"))
    ]
    out, _ = from_chat(
        messages=[
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c2", "content": '{"x": 1.0}'},
            {"role": "tool", "tool_call_id": "c1", "content": "plain"},
        ]
    )
    turn = out["contents"][2]
    assert turn["role"] == "user"
    assert [part["functionResponse"] for part in turn["parts"]] == [
        {"name": "a", "id": "c1", "response": {"output": "plain"}},
        {"name": "b", "id": "c2", "response": {"x": 1.0}},
    ]


def test_arguments_that_are_no_object_cannot_be_sent():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "oops"}}
    with pytest.raises(CannotEncode, match="arguments of f"):
        from_chat(messages=[{"role": "assistant", "content": None, "tool_calls": [call]}])


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "parameters"),
        ({"type": "object", "properties": {}}, "parametersJsonSchema"),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "additionalProperties": False,
            },
            "parametersJsonSchema",
        ),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {}}},
            "parametersJsonSchema",
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
            "parametersJsonSchema",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "enum": [1]}}},
            "parametersJsonSchema",
        ),
    ],
)
def test_a_schema_is_never_cut_to_fit(schema, field):
    out, losses = from_chat(
        tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}]
    )
    assert out["tools"] == [{"functionDeclarations": [{"name": "f", field: schema}]}]
    assert losses == ()


def test_a_schema_of_the_format_is_json_schema_for_other_targets():
    call = gemini.decode_call(
        {
            "contents": [{"parts": [{"text": "x"}]}],
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseSchema": {
                    "type": "OBJECT",
                    "properties": {"a": {"type": "STRING", "nullable": True, "min_length": "2"}},
                },
            },
        }
    )
    out, _ = chat.encode_call(call, "m")
    assert out["response_format"]["json_schema"]["schema"] == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"], "minLength": 2}},
    }


@pytest.mark.parametrize(
    ("model", "effort", "config", "paths"),
    [
        ("gemini-3-flash", "low", {"thinkingLevel": "low"}, []),
        ("gemini-3-flash", "xhigh", {"thinkingLevel": "high"}, ["reasoning_effort"]),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024}, ["reasoning_effort"]),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, []),
    ],
)
def test_effort_becomes_what_the_model_takes(model, effort, config, paths):
    out, losses = from_chat(model, reasoning_effort=effort)
    assert out["generationConfig"]["thinkingConfig"] == config
    assert [loss.path for loss in losses] == paths


def test_a_history_without_signatures_is_sent_so_that_newer_models_take_it():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "d"}]},
    ]
    newer, losses = from_chat("gemini-3-flash", messages=messages)
    parts = newer["contents"][0]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [
        "skip_thought_signature_validator",
        None,
    ]
    assert [loss.what for loss in losses] == ["thought signature"]
    older, losses = from_chat("gemini-2.5-flash", messages=messages)
    assert "thoughtSignature" not in older["contents"][0]["parts"][0]
    assert losses == ()


def test_the_signature_of_the_compatible_endpoint_is_taken_back():
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    out, losses = from_chat(messages=[{"role": "assistant", "content": None, "tool_calls": [call]}])
    assert out["contents"][0]["parts"][0]["thoughtSignature"] == "c2ln"
    assert losses == ()


NAMES = st.sampled_from(
    [
        "temperature",
        "top_p",
        "seed",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "user",
        "metadata",
        "verbosity",
        "prediction",
        "service_tier",
        "modalities",
        "parallel_tool_calls",
        "x_unknown",
        "store",
    ]
)
VALUES = {
    "logit_bias": {"1": 2},
    "metadata": {"a": "b"},
    "prediction": {"type": "content", "content": "x"},
    "user": "u1",
    "verbosity": "low",
    "service_tier": "flex",
    "modalities": ["text", "image"],
    "parallel_tool_calls": False,
    "logprobs": True,
    "store": True,
}


@given(st.sets(NAMES))
def test_each_parameter_is_sent_or_reported(names):
    fields = {name: VALUES.get(name, 1) for name in names}
    out, losses = from_chat(**fields)
    reported = {loss.path for loss in losses}
    for name in names:
        without, fewer = from_chat(**{n: v for n, v in fields.items() if n != name})
        assert out != without or name in reported - {loss.path for loss in fewer}
