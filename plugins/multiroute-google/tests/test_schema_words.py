"""Schemas in the subset's words, wherever a client writes them."""

from __future__ import annotations

from typing import Any

import pytest

from multiroute_core.api import ChatBody
from multiroute_google.gemini import decode_call, encode_call

UPPER: dict[str, Any] = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
LOWER: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
SAID = [{"role": "user", "parts": [{"text": "hi"}]}]


@pytest.mark.parametrize("field", ["responseSchema", "responseJsonSchema"])
def test_an_answer_schema_is_json_schema_for_others_and_as_written_for_its_own(field: str) -> None:
    config = {"responseMimeType": "application/json", field: UPPER}
    call = decode_call({"contents": SAID, "generationConfig": config}, model="m")
    assert isinstance(call.body, ChatBody)
    assert call.body.schema is not None
    assert call.body.schema.schema == LOWER
    document, losses = encode_call(call, "m")
    assert document["generationConfig"][field] == UPPER  # type: ignore[index,call-overload]
    assert losses == ()


@pytest.mark.parametrize("field", ["parameters", "parametersJsonSchema"])
def test_so_is_a_tools_schema(field: str) -> None:
    tools = [{"functionDeclarations": [{"name": "f", field: UPPER}]}]
    call = decode_call({"contents": SAID, "tools": tools}, model="m")
    assert isinstance(call.body, ChatBody)
    assert call.body.tools[0].schema == LOWER
    document, losses = encode_call(call, "m")
    assert document["tools"] == tools
    assert losses == ()
