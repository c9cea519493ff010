"""Requests: recorded ones come back as they were; from other formats nothing is lost in silence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from multiroute_cohere import embed, v2chat
from multiroute_core.api import CannotEncode, InvalidRequest
from multiroute_core.testing import Normalisation, normalise_json, normalise_request
from multiroute_core.wire import chat, embeddings, messages, multipart, rerank
from multiroute_core.wire.audio.transcriptions import decode_call as decode_transcription
from multiroute_core.wire.strict import dump

_NOTHING_IGNORED = Normalisation(ignore_fields=frozenset())


def _normal(doc):
    return normalise_json(doc, _NOTHING_IGNORED)


def _sent(call):
    doc, losses = v2chat.encode_call(call, call.model)
    return json.loads(dump(doc)), losses


def test_recorded_chats_come_back_equal_and_without_losses(recorded, encode):
    listed = recorded("cohere.v2.chat")
    for one in listed:
        doc = json.loads(one.request.body)
        encoded = encode(v2chat.decode_call(doc))
        assert _normal(json.loads(encoded.request.body)) == _normal(doc), one.id
        assert encoded.losses == (), one.id
        assert encoded.request.url == "https://api.cohere.com/v2/chat"
    assert len(listed) >= 60


@pytest.mark.parametrize(
    ("api", "decode", "path"),
    [
        ("embeddings", embed.decode_call, "/v2/embed"),
        ("rerank", rerank.decode_call, "/v2/rerank"),
    ],
)
def test_recorded_embeddings_and_rankings_come_back_equal(recorded, encode, api, decode, path):
    for one in recorded(api):
        doc = json.loads(one.request.body)
        encoded = encode(decode(doc))
        assert _normal(json.loads(encoded.request.body)) == _normal(doc), one.id
        assert encoded.losses == ()
        assert encoded.request.url.endswith(path)


def test_a_recorded_transcription_form_comes_back_with_equal_parts(recorded, encode):
    for one in recorded("audio.transcriptions"):
        kind = dict(one.request.headers)["content-type"]
        encoded = encode(decode_transcription(multipart.parse_form(kind, one.request.body)))
        ours = {k.decode(): v.decode() for k, v in encoded.request.headers}
        sent = normalise_request("POST", "/", ours, encoded.request.body)
        was = normalise_request("POST", "/", {"content-type": kind}, one.request.body)
        assert sent.canonical == was.canonical


def test_every_field_of_the_format_comes_back():
    doc = {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "system", "content": "s"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a", "new": 1},
                    {"type": "image_url", "image_url": {"url": "https://a/b", "detail": "low"}},
                    {"type": "future", "payload": {"x": [1]}},
                ],
                "tag": "t",
            },
            {
                "role": "assistant",
                "tool_plan": "I will ask.",
                "content": [{"type": "thinking", "thinking": "hm"}],
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
                "citations": [{"start": 0, "end": 1, "text": "a", "sources": []}],
            },
            {
                "role": "tool",
                "tool_call_id": "c1",
                "content": [{"type": "document", "document": {"id": "1", "data": {"a": "b"}}}],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}],
        "strict_tools": False,
        "tool_choice": "NONE",
        "documents": ["d", {"id": "x", "data": {"text": "y"}}],
        "citation_options": {"mode": "FAST"},
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "safety_mode": "STRICT",
        "max_tokens": 9,
        "stop_sequences": [],
        "temperature": 0.5,
        "seed": 4,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "k": 3,
        "p": 0.9,
        "logprobs": True,
        "thinking": {"type": "enabled", "token_budget": 7, "new": 1},
        "priority": 2,
        "raw_prompting": False,
        "unknown": {"a": []},
    }
    sent, losses = _sent(v2chat.decode_call(doc))
    assert _normal(sent) == _normal(doc)
    assert losses == ()


def test_the_words_of_the_chat_format_become_those_of_this_one():
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": "s"},
                {"role": "user", "content": "q"},
            ],
            "tools": [
                {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
            ],
            "tool_choice": "required",
            "top_p": 0.4,
            "top_k": 7,
            "stop": "x",
            "max_completion_tokens": 5,
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}},
            "reasoning_effort": "none",
        }
    )
    sent, losses = _sent(call)
    assert sent["messages"][0]["role"] == "system"
    assert (sent["p"], sent["k"], sent["max_tokens"]) == (0.4, 7, 5)
    assert sent["stop_sequences"] == ["x"]
    assert (sent["tool_choice"], sent["strict_tools"]) == ("REQUIRED", True)
    assert sent["response_format"] == {"type": "json_object", "json_schema": {"a": 1}}
    assert sent["thinking"] == {"type": "disabled"}
    assert losses == ()


def test_a_named_tool_is_required_and_its_name_reported_lost():
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "q"}],
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        }
    )
    sent, losses = _sent(call)
    assert sent["tool_choice"] == "REQUIRED"
    assert [loss.path for loss in losses] == ["tool_choice"]


def test_thinking_beside_tool_calls_goes_back_as_the_plan():
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "q"},
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": "I will call f.",
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}
                    ],
                },
                {"role": "tool", "tool_call_id": "1", "content": "r"},
                {"role": "assistant", "content": "a", "reasoning_content": "done"},
                {"role": "user", "content": "q2"},
            ],
        }
    )
    sent, losses = _sent(call)
    asked, said = sent["messages"][1], sent["messages"][3]
    assert asked["tool_plan"] == "I will call f."
    assert "content" not in asked
    assert asked["tool_calls"][0]["function"]["arguments"] == "{}"
    assert said["content"][0] == {"type": "thinking", "thinking": "done"}
    assert losses == ()


def test_text_documents_become_documents_of_the_request():
    source = {"type": "text", "media_type": "text/plain", "data": "facts"}
    call = messages.decode_call(
        {
            "model": "m",
            "max_tokens": 5,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": source, "title": "T"},
                        {"type": "text", "text": "q"},
                    ],
                }
            ],
        }
    )
    sent, losses = _sent(call)
    assert sent["documents"] == [{"id": "document_0", "data": {"text": "facts", "title": "T"}}]
    assert sent["messages"] == [{"role": "user", "content": "q"}]
    assert losses == ()


def test_results_of_tools_in_one_message_become_messages_of_their_own():
    call = messages.decode_call(
        {
            "model": "m",
            "max_tokens": 5,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "1", "content": "a"},
                        {"type": "tool_result", "tool_use_id": "2", "content": "b"},
                        {"type": "text", "text": "go on"},
                    ],
                }
            ],
        }
    )
    sent, _ = _sent(call)
    assert [m["role"] for m in sent["messages"]] == ["tool", "tool", "user"]
    assert sent["messages"][1] == {"role": "tool", "tool_call_id": "2", "content": "b"}


def test_embeddings_of_the_common_format_say_what_the_api_asks_for(encode):
    call = embeddings.decode_call({"model": "e", "input": "a", "dimensions": 256, "user": "u"})
    encoded = encode(call)
    assert json.loads(encoded.request.body) == {
        "model": "e",
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    assert [loss.path for loss in encoded.losses] == ["user"]


def test_token_ids_cannot_be_embedded(encode):
    with pytest.raises(CannotEncode):
        encode(embeddings.decode_call({"model": "e", "input": [1, 2]}))


def test_documents_with_fields_are_ranked_as_text(encode):
    call = rerank.decode_call(
        {
            "model": "r",
            "query": "q",
            "documents": ["a", {"text": "b"}, {"title": "t", "text": "c"}],
            "return_documents": True,
        }
    )
    sent = json.loads(encode(call).request.body)
    assert sent["documents"] == ["a", "b", '{"title":"t","text":"c"}']
    assert "return_documents" not in sent


@pytest.mark.parametrize(
    "doc",
    [
        {"model": "m"},
        {"model": "m", "messages": []},
        {"model": "m", "messages": ["x"]},
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]},
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": "9"},
    ],
)
def test_a_wrong_document_is_refused_with_its_place(doc):
    with pytest.raises(InvalidRequest) as caught:
        v2chat.decode_call(doc)
    assert caught.value.param


_FIELDS = st.dictionaries(
    st.sampled_from(["zeta", "x-y", "min_p", "user", "logit_bias", "store", "verbosity", "n2"]),
    st.integers(10**6, 10**9),
    max_size=4,
)


@given(top=_FIELDS, message=_FIELDS, part=_FIELDS, tool=_FIELDS, call=_FIELDS)
def test_each_unknown_field_is_sent_or_reported(top, message, part, tool, call):
    doc = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", **part}], **message},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "1",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                        **call,
                    }
                ],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "f"}, **tool}],
        **top,
    }
    # The same fields in this format's own document come back; from another they go, or are told.
    own, own_losses = _sent(v2chat.decode_call(doc))
    assert own_losses == ()
    foreign, losses = _sent(messages_of(doc))
    told = " ".join(loss.path for loss in losses)
    for fields in (top, message, part, tool, call):
        for name, value in fields.items():
            assert str(value) in json.dumps(own)
            assert name in told or str(value) in json.dumps(foreign)


def messages_of(doc):
    """The call as if another format's codec had read it."""
    from msgspec.structs import replace

    call = v2chat.decode_call(doc)
    body = call.body

    def foreign(part):
        return replace(part, origin="other")

    said = tuple(
        replace(m, origin="other", parts=tuple(map(foreign, m.parts))) for m in body.messages
    )
    tools = tuple(replace(tool, origin="other") for tool in body.tools)
    return replace(call, wire="other", body=replace(body, messages=said, tools=tools))
