"""Converse requests: there and back, and from other formats."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from multiroute_aws_bedrock import converse
from multiroute_core.api import (
    Call,
    CannotEncode,
    ChatBody,
    InvalidRequest,
    Media,
    Message,
    OutputSchema,
    Part,
    Reasoning,
    Tool,
    ToolChoice,
    plain,
)
from multiroute_core.testing import Recording, normalise_json

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "us.anthropic.claude-sonnet-4-6"
LLAMA = "meta.llama3-8b-instruct-v1:0"


def _json(document: object) -> Any:
    return json.loads(orjson.dumps(document, default=plain))


def _call(*messages: Message, wire: str = "chat", **fields: Any) -> Call:
    body = ChatBody(messages=messages or (Message("user", (Part("text", "Hi"),)),), **fields)
    return Call("chat", "m", wire, False, body, {})


def _sent(call: Call, model: str = CLAUDE) -> tuple[Any, list[str]]:
    document, losses = converse.encode_call(call, model)
    return _json(document), [loss.path for loss in losses]


def test_recorded_requests_come_back_as_they_were(
    recorded: Callable[..., list[Recording]],
) -> None:
    for item in recorded("converse", "converse-stream"):
        document = json.loads(item.request.body)
        call = converse.decode_call(document, model=item.model or "")
        written, losses = converse.encode_call(call, item.model or "")
        assert normalise_json(_json(written)) == normalise_json(document), item.id
        assert losses == (), item.id


def test_recorded_counts_come_back_as_they_were(recorded: Callable[..., list[Recording]]) -> None:
    seen = 0
    for item in recorded("count-tokens"):
        document = json.loads(item.request.body)
        if "converse" in document["input"]:
            call = converse.decode_count(document, model=item.model or "")
            written, _ = converse.encode_count(call, item.model or "")
            assert call.operation == "count_tokens"
            assert normalise_json(_json(written)) == normalise_json(document), item.id
            seen += 1
    assert seen


EVERYTHING = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "a"},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
                {"cachePoint": {"type": "default"}},
                {"image": {"format": "webp", "source": {"bytes": "AAAA"}}},
                {
                    "image": {
                        "format": "png",
                        "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}},
                    }
                },
                {"image": {"format": "png", "source": {"bytes": "AA=="}, "error": {"message": ""}}},
                {"document": {"format": "pdf", "name": "d", "source": {"bytes": "AAAA"}}},
                {"document": {"name": "t", "source": {"text": "é\n"}, "context": "c"}},
                {
                    "document": {
                        "format": "md",
                        "name": "c",
                        "source": {"content": [{"text": "x"}]},
                        "citations": {"enabled": True},
                    }
                },
                {"document": {"format": "new", "name": "n", "source": {"bytes": "AAAA"}}},
                {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v"}}}},
                {"audio": {"format": "mp3", "source": {"bytes": "AAAA"}}},
                {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
                {"guardContent": {"image": {"format": "png", "source": {"bytes": "AA=="}}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
                {"future": {"a": [1, {"b": 2.5}]}},
                {"text": ""},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"cachePoint": {"type": "default"}},
                {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s", "x": 1}}},
                {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}},
                {"reasoningContent": {"redactedContent": "AAAA"}},
                {
                    "citationsContent": {
                        "content": [{"text": "a"}, {"text": "b"}],
                        "citations": [{"title": "t", "location": {"web": {"url": "u"}}}],
                    }
                },
                {"citationsContent": {"content": [{"text": "a"}], "citations": []}},
                {"toolUse": {"toolUseId": "1", "name": "f", "input": {"n": 1.5, "z": {}}}},
                {
                    "toolUse": {
                        "toolUseId": "2",
                        "name": "g",
                        "input": {},
                        "type": "server_tool_use",
                    }
                },
                {"toolResult": {"toolUseId": "2", "content": [], "type": "g_result"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "1",
                        "content": [
                            {"json": {"a": [1.0]}},
                            {"json": [1, 2]},
                            {"text": ""},
                            {"image": {"format": "gif", "source": {"bytes": "AAAA"}}},
                            {"document": {"format": "txt", "name": "r", "source": {"bytes": "A"}}},
                            {"future": {"x": 1}},
                        ],
                        "status": "error",
                    }
                },
                {"toolResult": {"toolUseId": "3", "content": [], "status": "odd"}},
                {"cachePoint": {"type": "default"}},
            ],
        },
        {"role": "system", "content": [{"text": "late"}]},
    ],
    "system": [
        {"text": "s"},
        {"cachePoint": {"type": "default"}},
        {"guardContent": {"text": {"text": "g"}}},
    ],
    "inferenceConfig": {
        "maxTokens": 10,
        "temperature": 0.5,
        "topP": 1,
        "stopSequences": [],
        "new": 1,
    },
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}, "x": 1}},
            {"cachePoint": {"type": "default"}},
            {"toolSpec": {"name": "g", "description": "d", "inputSchema": {}, "strict": True}},
            {"systemTool": {"name": "nova_grounding"}},
            {"future": 1},
        ],
        "toolChoice": {"tool": {"name": "f", "x": 1}},
        "other": True,
    },
    "additionalModelRequestFields": {
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"effort": "high", "format": 1},
        "top_k": 5,
        "anthropic_beta": ["b"],
    },
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
    "outputConfig": {
        "textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"schema": '{ "type": "object" }', "name": "n"}},
        },
        "effort": "low",
    },
    "serviceTier": {"type": "flex"},
    "requestMetadata": {"k": "v"},
    "performanceConfig": {"latency": "optimized"},
    "promptVariables": {"v": {"text": "t"}},
    "future": {"x": [1]},
}


def test_every_field_of_the_format_comes_back() -> None:
    call = converse.decode_call(EVERYTHING)
    written, losses = converse.encode_call(call, CLAUDE)

    assert _json(written) == EVERYTHING
    assert losses == ()


_NAMES = st.sampled_from(
    ("text", "image", "toolUse", "toolResult", "cachePoint", "document", "reasoningContent", "new")
)
_VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just("default"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=2),
    max_leaves=6,
)
_BLOCKS = st.lists(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=2), max_size=3)


@given(
    st.lists(_BLOCKS, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(("a", "serviceTier", "requestMetadata")), _VALUES),
    st.dictionaries(st.sampled_from(("thinking", "top_k", "reasoningConfig", "x")), _VALUES),
)
def test_no_odd_document_loses_a_field(
    contents: list[Any], more: dict[str, Any], additional: dict[str, Any]
) -> None:
    document = {
        "messages": [{"role": "user", "content": content, "x": 1} for content in contents],
        "additionalModelRequestFields": additional,
        **more,
    }

    written, losses = converse.encode_call(converse.decode_call(document), LLAMA)

    assert _json(written) == document
    assert losses == ()


_PARAMS = ("temperature", "top_p", "top_k", "seed", "user", "logit_bias", "metadata", "verbosity")


@given(
    params=st.dictionaries(st.sampled_from(_PARAMS), st.just(0.5)),
    extra=st.dictionaries(st.sampled_from(("guardrailConfig", "thinking", "odd")), st.just({})),
    model=st.sampled_from((CLAUDE, NEW_CLAUDE, LLAMA, "amazon.nova-lite-v1:0")),
    effort=st.sampled_from((None, "low", "minimal", "odd", "none")),
    choice=st.sampled_from((None, "none", "required", "tool")),
    parts=st.lists(st.sampled_from(range(8)), max_size=4),
)
def test_what_a_foreign_call_holds_is_carried_or_reported(
    params: dict[str, Any],
    extra: dict[str, Any],
    model: str,
    effort: str | None,
    choice: Any,
    parts: list[int],
) -> None:
    pieces = (
        Part("text", "t", cache={"type": "ephemeral"}),
        Part("text", "t", origin="chat", extra={"odd": 1}),
        Part("image", media=Media("image/png", "AAAA", detail="high")),
        Part("image", media=Media(url="https://x/y.png")),
        Part("document", media=Media("application/pdf", "AAAA", name="a.pdf")),
        Part("audio", media=Media("audio/mp3", "AAAA")),
        Part("opaque", name="odd", content={}, origin="chat"),
        Part("thinking", "t", signature="s", origin="messages"),
    )
    chosen = tuple(pieces[number] for number in parts)
    call = _call(
        Message("user", (Part("text", "Hi"), *chosen)),
        params=params,
        extra=extra,
        tools=(Tool("function", "f"), Tool("web_search", "w", origin="chat")),
        tool_choice=None if choice is None else ToolChoice(choice, "f"),
        reasoning=None if effort is None else Reasoning(effort=effort),
        choices=2,
    )

    document, lost = _sent(call, model)

    text = json.dumps(document)
    inference = document.get("inferenceConfig", {})
    told = document.get("additionalModelRequestFields", {})
    for name, spelt in (("temperature", "temperature"), ("top_p", "topP")):
        assert name not in params or spelt in inference or name in lost
    for name in ("seed", "user", "logit_bias", "metadata", "verbosity"):
        assert name not in params or name in lost
    assert "top_k" not in params or "top_k" in lost or "top_k" in told or "topK" in text
    assert "odd" not in extra or "odd" in lost
    assert "guardrailConfig" not in extra or "guardrailConfig" in document
    assert "thinking" not in extra or "thinking" in lost or "thinking" in told
    assert "n" in lost
    assert "tools[1]" in lost
    if effort in ("low", "minimal"):
        carried = any(name in told for name in ("thinking", "output_config"))
        assert carried or "reasoning_effort" in lost
    if effort == "odd":
        assert "reasoning_effort" in lost
    content = document["messages"][0]["content"]
    for place, number in enumerate(parts, start=1):
        where = f"messages[0].content[{place}]"
        if number == 0:
            assert model == LLAMA or any("cachePoint" in block for block in content)
            assert model != LLAMA or f"{where}.cache_control" in lost
        elif number == 1:
            assert f"{where}.odd" in lost
        elif number == 2:
            assert f"{where}.detail" in lost
        elif number in (3, 6):
            assert where in lost
        elif number == 4:
            assert any("document" in block for block in content)
        elif number == 5:
            assert any("audio" in block for block in content)
        elif "claude" not in model:
            assert where in lost


def test_turns_of_one_role_are_joined_and_results_stand_with_the_user() -> None:
    call = _call(
        Message("system", (Part("text", "S"),)),
        Message("user", (Part("text", "Q"),)),
        Message("assistant", (Part("tool_call", id="1", name="f", arguments='{"a": 1.0}'),)),
        Message("tool", (Part("tool_result", id="1", text="R"),)),
        Message("user", (Part("text", "Go on"),)),
        tools=(Tool("function", "f", "d", {"type": "object"}, True),),
    )

    document, lost = _sent(call)

    assert lost == []
    assert document["system"] == [{"text": "S"}]
    assert document["messages"] == [
        {"role": "user", "content": [{"text": "Q"}]},
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1.0}}}],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "1", "content": [{"text": "R"}]}},
                {"text": "Go on"},
            ],
        },
    ]
    spec = document["toolConfig"]["tools"][0]["toolSpec"]
    assert spec == {
        "name": "f",
        "description": "d",
        "inputSchema": {"json": {"type": "object"}},
        "strict": True,
    }


def test_arguments_are_embedded_letter_for_letter() -> None:
    arguments = '{"n": 1.0, "e":1E5,  "s": "\\u00e9"}'
    call = _call(Message("assistant", (Part("tool_call", id="1", name="f", arguments=arguments),)))

    document, _ = converse.encode_call(call, CLAUDE)

    assert arguments.encode() in orjson.dumps(document, default=plain)


def test_arguments_that_are_no_object_cannot_be_sent() -> None:
    call = _call(Message("assistant", (Part("tool_call", id="1", name="f", arguments="[1"),)))

    with pytest.raises(CannotEncode):
        converse.encode_call(call, CLAUDE)


def test_tools_of_the_history_are_declared_where_the_call_declares_none() -> None:
    call = _call(
        Message("assistant", (Part("tool_call", id="1", name="f", arguments="{}"),)),
        Message("tool", (Part("tool_result", id="1", text="R"),)),
    )

    document, lost = _sent(call)

    assert [tool["toolSpec"]["name"] for tool in document["toolConfig"]["tools"]] == ["f"]
    assert lost == ["tools"]


def test_a_choice_of_no_tool_leaves_the_tools_out() -> None:
    document, lost = _sent(_call(tools=(Tool("function", "f"),), tool_choice=ToolChoice("none")))

    assert "toolConfig" not in document
    assert lost == []


def test_efforts_become_what_each_maker_takes() -> None:
    def _told(model: str, effort: str = "high") -> Any:
        document, _ = _sent(_call(reasoning=Reasoning(effort=effort)), model)
        return document.get("additionalModelRequestFields")

    assert _told(CLAUDE)["thinking"]["type"] == "enabled"
    assert _told(NEW_CLAUDE)["output_config"] == {"effort": "high"}
    assert _told(NEW_CLAUDE)["thinking"]["type"] == "adaptive"
    assert _told("openai.gpt-oss-120b-1:0") == {"reasoning_effort": "high"}
    assert _told("us.amazon.nova-2-lite-v1:0") == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}
    }
    assert _told("qwen.qwen3-32b-v1:0") == {"reasoning_config": "high"}
    assert _told(LLAMA) is None


def test_thinking_gets_room_beneath_the_output_limit() -> None:
    document, lost = _sent(_call(reasoning=Reasoning(effort="high")))

    budget = document["additionalModelRequestFields"]["thinking"]["budget_tokens"]
    assert document["inferenceConfig"]["maxTokens"] > budget
    assert "reasoning_effort" in lost


def test_a_schema_goes_where_the_model_takes_one() -> None:
    schema = OutputSchema("json_schema", "n", "d", {"type": "object"}, True)

    document, lost = _sent(_call(schema=schema))
    _, lost_by_llama = _sent(_call(schema=schema), LLAMA)

    definition = document["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert definition == {"name": "n", "description": "d", "schema": '{"type":"object"}'}
    assert lost == []
    assert lost_by_llama == ["response_format"]


def test_claudes_own_thinking_holds_in_both_of_its_formats() -> None:
    signed = Part("thinking", "t", signature="sig", origin="messages")
    redacted = Part("thinking", signature="data", origin="messages")
    call = _call(Message("assistant", (signed, redacted)), wire="messages")

    document, lost = _sent(call)
    _, lost_by_llama = _sent(call, LLAMA)

    told = [block["reasoningContent"] for block in document["messages"][0]["content"]]
    assert told[0] == {"reasoningText": {"text": "t", "signature": "sig"}}
    assert base64.b64decode(told[1]["redactedContent"]) == b"data"
    assert lost == []
    assert lost_by_llama == ["messages[0].content[0]", "messages[0].content[1]"]


def test_documents_get_names_that_the_format_takes() -> None:
    pdf = Part("document", media=Media("application/pdf", "AAAA", name="a.b_c.pdf"))
    bare = Part("document", media=Media("application/pdf", "AAAA"))
    call = _call(Message("user", (pdf, pdf, bare, bare)))

    document, lost = _sent(call)

    names = [block["document"]["name"] for block in document["messages"][0]["content"]]
    assert names == ["a-b-c-pdf", "a-b-c-pdf 2", "document", "document 2"]
    assert lost == ["messages[0].content[0].name", "messages[0].content[1].name"]


@pytest.mark.parametrize(
    "document",
    [
        {"messages": 1},
        {"messages": [1]},
        {"messages": [{"role": "user", "content": "text"}]},
        {"messages": [], "inferenceConfig": {"maxTokens": "x"}},
        {"messages": [], "toolConfig": {"tools": [{"toolSpec": {}}]}},
    ],
)
def test_a_document_of_another_form_is_refused(document: Any) -> None:
    with pytest.raises(InvalidRequest):
        converse.decode_call(document)
