"""Whatever a call says is sent or reported, also what no format knows."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st

from multiroute_core.wire import chat, messages, responses
from multiroute_core.wire.strict import dump

_FLAGS = st.sets(st.integers(0, 14))


def _odd(places: set[int], document: dict[str, Any]) -> list[str]:
    """Put an unknown field with a word of its own into some of a document's objects."""
    objects: list[dict[str, Any]] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            objects.append(value)
            for name, inner in list(value.items()):
                if name not in ("parameters", "input_schema", "schema", "input"):
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    if isinstance(document.get("input"), list):
        walk(document["input"])
    words = []
    for number in sorted(places):
        if number < len(objects):
            objects[number][f"odd{number}x"] = f"word{number}x"
            words.append(f"odd{number}x")
    return words


def _responses_document() -> dict[str, Any]:
    return {
        "model": "m",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"role": "assistant", "id": "msg", "content": [{"type": "output_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "1"},
            {"type": "web_search_call", "id": "ws", "status": "completed"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "reasoning": {"effort": "low"},
    }


def _chat_document() -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "assistant", "content": "b", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }


@given(_FLAGS)
def test_unknown_fields_of_this_format_come_back(places: set[int]) -> None:
    document = _responses_document()
    words = _odd(places, document)
    written, losses = responses.encode_call(responses.decode_call(document), "m")
    assert losses == ()
    for word in words:
        assert word.encode() in dump(written)


@given(_FLAGS)
def test_unknown_fields_of_chat_are_reported(places: set[int]) -> None:
    document = _chat_document()
    words = _odd(places, document)
    written, losses = responses.encode_call(chat.decode_call(document), "m")
    told = [f"{loss.path} {loss.what}" for loss in losses]
    for word in words:
        is_sent = word.encode() in dump(written)
        # Unknown fields of a tool call's or a tool's function are told by the object they are in.
        assert is_sent or any(word in one or "function" in one for one in told), (word, told)


def test_every_field_of_a_rare_request_is_reported_or_sent_to_other_formats() -> None:
    document = {
        **_responses_document(),
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "max_tool_calls": 3,
        "prompt_cache_retention": "24h",
    }
    call = responses.decode_call(document)
    for losses in (chat.encode_call(call, "m")[1], messages.encode_call(call, "m", 9)[1]):
        paths = {loss.path for loss in losses}
        assert {"include", "truncation", "max_tool_calls", "prompt_cache_retention"} <= paths
        assert any("web_search" in loss.what or "server_tool" in loss.what for loss in losses)
