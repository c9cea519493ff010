"""Requests: recorded ones come back as they were; from other formats nothing is lost in silence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from multiroute_core.api import CannotEncode, InvalidRequest
from multiroute_core.testing import Normalisation, normalise_json
from multiroute_core.wire import chat, embeddings, messages
from multiroute_core.wire.strict import dump
from multiroute_ollama import native

_NOTHING_IGNORED = Normalisation(ignore_fields=frozenset())
PIXEL = "iVBORw0KGgo="


def _normal(doc):
    return normalise_json(doc, _NOTHING_IGNORED)


def _sent(call):
    doc, losses = native.encode_call(call, call.model)
    return json.loads(dump(doc)), losses


@pytest.mark.parametrize(
    ("api", "decode", "path"),
    [
        ("ollama.chat", native.decode_chat, "/api/chat"),
        ("ollama.generate", native.decode_generate, "/api/generate"),
        ("chat.completions", chat.decode_call, "/v1/chat/completions"),
        ("embeddings", embeddings.decode_call, "/v1/embeddings"),
    ],
)
def test_recorded_requests_come_back_equal_and_without_losses(
    recorded, make, target, api, decode, path
):
    for one in recorded(api):
        doc = json.loads(one.request.body)
        call = decode(doc)
        encoded = make().encode(call, replace(target, upstream_id=call.model))
        sent, was = json.loads(encoded.request.body), dict(doc)
        for spelt in (sent, was):  # usage is always asked for in a stream
            spelt.pop("stream_options", None)
        assert _normal(sent) == _normal(was), one.id
        assert encoded.losses == (), one.id
        assert encoded.request.url == f"http://127.0.0.1:11434{path}"


def test_every_field_of_the_chat_comes_back():
    doc = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s", "new": 1},
            {"role": "user", "content": "q", "images": [PIXEL]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "hm",
                "tool_calls": [
                    {
                        "id": "c1",
                        "function": {"index": 0, "name": "f", "arguments": {"a": 1.5, "b": [1]}},
                    },
                    {"function": {"name": "g", "arguments": {}}},
                ],
            },
            {"role": "tool", "tool_name": "f", "tool_call_id": "c1", "content": "r"},
            {"role": "tool", "tool_name": "g", "content": "r", "images": [PIXEL]},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"a": 1}, "x": 2}},
            {"type": "future", "a": 1},
        ],
        "format": {"type": "object"},
        "options": {
            "temperature": 0.5,
            "top_k": 4,
            "num_predict": -1,
            "num_ctx": 8192,
            "stop": ["a"],
            "min_p": 0.1,
        },
        "think": "high",
        "keep_alive": "10m",
        "logprobs": True,
        "top_logprobs": 2,
        "unknown": {"a": []},
    }
    call = native.decode_chat(doc)
    sent, losses = _sent(call)
    assert _normal(sent) == _normal(doc)
    assert losses == ()
    assert call.stream is True  # unless told otherwise, it streams
    assert "stream" not in sent


def test_every_field_of_generate_comes_back():
    doc = {
        "model": "m",
        "prompt": "p",
        "system": "s",
        "images": [PIXEL],
        "suffix": "x",
        "template": "{{ .Prompt }}",
        "context": [1, 2],
        "raw": True,
        "stream": False,
        "format": "json",
        "think": False,
        "options": {"num_predict": 5, "stop": "z"},
    }
    call = native.decode_generate(doc)
    sent, losses = _sent(call)
    assert _normal(sent) == _normal(doc)
    assert losses == ()
    assert call.body.max_output == 5
    assert call.needs_state  # the context is this model's own
    with pytest.raises(CannotEncode):
        chat.encode_call(call, "m")


def test_the_words_of_the_chat_format_become_options():
    call = chat.decode_call(
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": "s"},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "text", "text": "b"},
                        {
                            "type": "image_url",
                            "image_url": {"url": f"data:image/png;base64,{PIXEL}"},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "f", "arguments": '{"a":1.0}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "r"},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "temperature": 0.5,
            "seed": 7,
            "stop": "x",
            "max_tokens": 5,
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}},
        }
    )
    doc, losses = native.encode_call(call, "m")
    assert b'"arguments":{"a":1.0}' in dump(doc)  # letter for letter
    sent = json.loads(dump(doc))
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][1] == {"role": "user", "content": "a\nb", "images": [PIXEL]}
    assert sent["messages"][2]["thinking"] == "hm"
    assert sent["messages"][3]["tool_name"] == "f"
    assert sent["options"] == {"temperature": 0.5, "seed": 7, "num_predict": 5, "stop": ["x"]}
    assert (sent["think"], sent["format"], sent["stream"]) == ("low", {"a": 1}, False)
    assert losses == ()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"n": 2}, "n"),
        ({"user": "u"}, "user"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"reasoning": {"max_tokens": 9}}, "reasoning"),
        ({"min_p": 0.5}, "min_p"),
    ],
)
def test_what_the_api_lacks_is_reported(fields, path):
    ask = {"model": "m", "messages": [{"role": "user", "content": "q"}], **fields}
    _, losses = _sent(chat.decode_call(ask))
    assert [loss.path for loss in losses] == [path]


def test_no_tools_are_declared_where_none_may_be_called():
    tools = [{"type": "function", "function": {"name": "f"}}]
    ask = {"model": "m", "messages": [{"role": "user", "content": "q"}], "tools": tools}
    sent, losses = _sent(chat.decode_call({**ask, "tool_choice": "none"}))
    assert "tools" not in sent
    assert [loss.path for loss in losses] == ["tools"]


def test_the_address_of_an_image_is_reported_lost():
    content = [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]
    ask = {"model": "m", "messages": [{"role": "user", "content": content}]}
    _, losses = _sent(chat.decode_call(ask))
    assert [loss.what for loss in losses] == ["image part"]


def test_arguments_that_are_no_object_cannot_be_sent():
    function = {"name": "f", "arguments": "oops"}
    call = {"id": "1", "type": "function", "function": function}
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call]}]
    with pytest.raises(CannotEncode, match="arguments of f"):
        _sent(chat.decode_call({"model": "m", "messages": turns}))


def test_text_documents_and_results_of_tools_are_written_out():
    source = {"type": "text", "media_type": "text/plain", "data": "facts"}
    turns = [
        {"role": "user", "content": [{"type": "document", "source": source, "title": "T"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "r"}]},
    ]
    call = messages.decode_call({"model": "m", "max_tokens": 5, "messages": turns})
    sent, losses = _sent(call)
    assert sent["messages"][0] == {"role": "user", "content": "T\nfacts"}
    assert sent["messages"][2] == {
        "role": "tool",
        "content": "r",
        "tool_name": "f",
        "tool_call_id": "1",
    }
    assert losses == ()


@pytest.mark.parametrize(
    "doc",
    [
        {"model": "m"},
        {"model": "m", "messages": []},
        {"model": "m", "messages": [{"role": "user", "content": [1]}]},
        {"model": "m", "messages": [{"role": "user", "images": [7]}]},
        {"model": "m", "messages": [{"role": "user", "content": "q"}], "format": 7},
        {"model": "m", "messages": [{"role": "user", "content": "q"}], "options": []},
    ],
)
def test_a_wrong_document_is_refused_with_its_place(doc):
    if doc.get("options") == []:
        doc = {**doc, "options": "x"}
    with pytest.raises(InvalidRequest) as caught:
        native.decode_chat(doc)
    assert caught.value.param


_FIELDS = st.dictionaries(
    st.sampled_from(["zeta", "x-y", "min_p", "user", "logit_bias", "store", "verbosity", "n2"]),
    st.integers(10**6, 10**9),
    max_size=4,
)


@given(top=_FIELDS, message=_FIELDS, option=_FIELDS, tool=_FIELDS, call=_FIELDS)
def test_each_unknown_field_is_sent_or_reported(top, message, option, tool, call):
    doc = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "a", **message},
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "f", "arguments": {}}, **call}],
            },
        ],
        "tools": [{"type": "function", "function": {"name": "f"}, **tool}],
        "options": option,
        **top,
    }
    read = native.decode_chat(doc)
    own, own_losses = _sent(read)
    assert own_losses == ()
    foreign, losses = _sent(_as_of_another_format(read))
    told = " ".join(loss.path for loss in losses)
    for fields in (top, message, option, tool, call):
        for name, value in fields.items():
            assert str(value) in json.dumps(own)
            reported = name in told or (fields is option and "options" in told)
            assert reported or str(value) in json.dumps(foreign)


def _as_of_another_format(call):
    body = call.body
    said = tuple(
        replace(
            message,
            origin="other",
            parts=tuple(replace(part, origin="other") for part in message.parts),
        )
        for message in body.messages
    )
    tools = tuple(replace(tool, origin="other") for tool in body.tools)
    return replace(call, wire="other", body=replace(body, messages=said, tools=tools))
