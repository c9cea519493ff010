"""Thinking goes back to the family that signed it, byte for byte, whatever client carried it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, strategies as st
from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    ChatBody,
    Delta,
    Event,
    Finish,
    Part,
    PartEnd,
    PartStart,
    Start,
    fold,
)
from multiroute_core.wire import chat, messages, responses
from multiroute_core.wire.responses.thinking import seal, unseal
from multiroute_core.wire.strict import dump


def _reply(part: Part, text: str, signature: str) -> list[Event]:
    return [
        Start("r", "m"),
        PartStart(0, part),
        Delta(0, "thinking", text),
        Delta(0, "signature", signature),
        PartEnd(0),
        PartStart(1, Part("tool_call", id="c", name="f", arguments="{}", origin=part.origin)),
        PartEnd(1),
        Finish("tool_calls", "x"),
    ]


def _sent_back(output: list[Any]) -> Call:
    result = {"type": "function_call_output", "call_id": "c", "output": "1"}
    user = {"role": "user", "content": "x"}
    return responses.decode_call({"model": "m", "input": [user, *output, result]})


def _shown(events: list[Event]) -> list[list[Any]]:
    """The output that a client sees: whole, and at the end of a stream."""
    ask = responses.decode_call({"model": "m", "input": "x"})
    body, _ = responses.ResponsesDialect().reply(fold(events), ask)
    writer = responses.ResponsesDialect().writer(ask)
    stream = writer.feed(events) + writer.close()
    last = json.loads(stream.rsplit(b"data: ", 1)[1])
    return [json.loads(body)["output"], last["response"]["output"]]


@given(signature=st.text(min_size=1, max_size=20), text=st.text(min_size=1, max_size=20))
def test_a_foreign_signature_comes_back_to_its_family(signature: str, text: str) -> None:
    for output in _shown(_reply(Part("thinking", origin="messages"), text, signature)):
        body = _sent_back(output).body
        assert isinstance(body, ChatBody)
        part = body.messages[1].parts[0]
        assert (part.text, part.signature, part.origin) == (text, signature, "messages")


def test_signed_thinking_reaches_the_messages_format_through_this_one() -> None:
    for output in _shown(_reply(Part("thinking", origin="messages"), "hm", "SIG==")):
        document, losses = messages.encode_call(_sent_back(output), "m", 9)
        written = json.loads(dump(document))["messages"]
        block = {"type": "thinking", "thinking": "hm", "signature": "SIG=="}
        assert block in written[1]["content"]
        assert not [loss for loss in losses if "thinking" in loss.what]


def test_encrypted_reasoning_comes_back_through_the_chat_format() -> None:
    part = Part("thinking", id="rs_1", origin="responses")
    reply = fold(_reply(part, "sum", "gAAAA"))
    ask = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    body, _ = chat.ChatDialect().reply(reply, ask)
    message = json.loads(body)["choices"][0]["message"]
    call = chat.decode_call({"model": "m", "messages": [message]})
    document, _ = responses.encode_call(call, "m")
    item = json.loads(dump(document))["input"][0]
    assert item == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "sum"}],
        "encrypted_content": "gAAAA",
    }


def test_thinking_of_another_family_is_not_sent_to_this_one() -> None:
    (output, _) = _shown(_reply(Part("thinking", origin="messages"), "hm", "SIG=="))
    call = _sent_back(output)
    document, losses = responses.encode_call(call, "m")
    assert b"SIG==" not in dump(document)
    assert [loss.what for loss in losses] == ["thinking block"]
    assert responses.relay_fields(call, "m") is None


def test_a_call_of_this_format_is_passed_on_with_its_model_only() -> None:
    native = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"}
    assert responses.relay_fields(_sent_back([native]), "up") == {"model": "up"}
    other = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert responses.relay_fields(other, "up") is None


@given(st.text(max_size=30))
def test_a_seal_is_undone(signature: str) -> None:
    assert unseal(seal(signature, "messages")) == (signature, "messages")


def test_thinking_whose_text_was_changed_is_not_sent_as_it_was() -> None:
    item = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "key"}]}
    call = _sent_back([item])
    assert isinstance(call.body, ChatBody)
    told, turn, *rest = call.body.messages
    hidden = replace(turn.parts[0], text="***")
    turn = replace(turn, parts=(hidden, *turn.parts[1:]))
    body = replace(call.body, messages=(told, turn, *rest))
    document, _ = responses.encode_call(replace(call, body=body), "m")
    assert b"key" not in dump(document)
    assert b"***" in dump(document)
