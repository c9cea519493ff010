"""The plugin as core uses it: its facts, its settings, its adapter, its credential."""

from __future__ import annotations

import asyncio
import tomllib
from importlib import resources

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

import multiroute_cohere
from multiroute_cohere import CohereProvider, CohereSettings, v2chat
from multiroute_core.api import CannotEncode, Target, UpstreamRequest
from multiroute_core.wire import chat

TARGET = Target("t", "cohere", "command-a", "m", "https://api.cohere.com", "default", ("cohere",))
ASK = {"model": "m", "messages": [{"role": "user", "content": "q"}]}


def test_the_facts_name_its_origins_keys_and_formats():
    text = (resources.files(multiroute_cohere) / "plugin.toml").read_text()
    facts = tomllib.loads(text)["provider"]["cohere"]
    assert facts["env"] == ["CO_API_KEY", "COHERE_API_KEY"]
    assert facts["base_url"] in facts["origins"]
    assert facts["wires"] == ["cohere", "rerank"]
    assert (resources.files(multiroute_cohere) / facts["offerings"]).is_file()


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError):
        CohereSettings.model_validate({"input_type": "x"})


def test_the_hooks_make_an_adapter(provider):
    assert multiroute_cohere.multiroute_settings("provider", "cohere") is CohereSettings
    made = multiroute_cohere.multiroute_make_provider("cohere", "c", None, provider._runtime)
    assert isinstance(made, CohereProvider)


def test_the_key_goes_into_the_bearer_header_and_only_where_there_is_one(provider):
    request = UpstreamRequest("POST", "https://api.cohere.com/v2/chat", (), b"")
    signed = asyncio.run(provider.authorize(request, TARGET))
    assert dict(signed.headers) == {b"authorization": b"Bearer key-1"}
    bare = asyncio.run(provider.authorize(request, replace(TARGET, credential="")))
    assert bare.headers == ()


def test_a_document_of_its_own_format_is_passed_on_others_are_translated(provider):
    relay = provider.relay(v2chat.decode_call(ASK), TARGET)
    assert relay.url == "https://api.cohere.com/v2/chat"
    assert relay.put == {"model": "command-a"}
    assert provider.relay(chat.decode_call(ASK), TARGET) is None


def test_a_reply_is_named_after_the_model_that_was_asked_for(provider):
    memo = provider.encode(chat.decode_call(ASK), TARGET).memo
    body = b'{"id":"1","message":{"content":[]},"finish_reason":"COMPLETE"}'
    assert provider.decode(None, body, memo)[0].model == "command-a"


def test_operations_that_the_api_lacks_are_refused(provider):
    call = replace(chat.decode_call(ASK), operation="count_tokens")
    with pytest.raises(CannotEncode):
        provider.encode(call, TARGET)


def test_the_providers_own_usage_object_is_read_in_each_shape(provider):
    assert provider.usage({"billed_units": {"input_tokens": 3}}).input_fresh == 3
    assert provider.usage({"input_tokens": 4, "image_tokens": 5}).input_tokens == 9
    assert dict(provider.usage({"search_units": 2}).tool_units) == {"search_units": 2}
