"""The plugin as core uses it: facts, settings, the choice of API, and finding a server's models."""

from __future__ import annotations

import asyncio
import json
import tomllib
from importlib import resources

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

import multiroute_ollama
from multiroute_core.api import CannotEncode, UpstreamRequest
from multiroute_core.testing import Answer, Hang, ScriptedUpstream, refused_url
from multiroute_core.wire import chat, embeddings
from multiroute_ollama import OllamaSettings, native
from multiroute_ollama.discovery import discover, offering

ASK = {"model": "m", "messages": [{"role": "user", "content": "q"}]}


def test_the_facts_say_that_no_key_is_needed_and_where_to_look():
    text = (resources.files(multiroute_ollama) / "plugin.toml").read_text()
    facts = tomllib.loads(text)["provider"]
    assert facts["ollama"]["keyless"] is True
    assert facts["ollama"]["probe"] == "http://127.0.0.1:11434/api/version"
    assert facts["ollama"]["base_url"] in facts["ollama"]["origins"]
    cloud = facts["ollama-cloud"]
    assert cloud["env"] == ["OLLAMA_API_KEY"]
    assert (resources.files(multiroute_ollama) / cloud["offerings"]).is_file()


@pytest.mark.parametrize(
    "wrong",
    [{"api": "v1"}, {"num_ctx": 0, "api": "native"}, {"num_ctx": 4096}, {"keep_alive": "1m"}],
)
def test_settings_without_effect_are_refused(wrong):
    with pytest.raises(ValidationError):
        OllamaSettings.model_validate(wrong)


def test_the_compatible_api_passes_chat_documents_on(make, target):
    relay = make().relay(chat.decode_call({**ASK, "max_completion_tokens": 5}), target)
    assert relay.url == "http://127.0.0.1:11434/v1/chat/completions"
    assert (relay.put["model"], relay.put["max_tokens"]) == ("llama3", 5)
    assert relay.drop == {"max_completion_tokens"}


def test_the_native_api_translates_them_and_puts_the_settings_in(make, target):
    provider = make(api="native", num_ctx=4096, keep_alive="5m")
    call = chat.decode_call({**ASK, "temperature": 0.5})
    assert provider.relay(call, target) is None
    encoded = provider.encode(call, target)
    sent = json.loads(encoded.request.body)
    assert encoded.request.url == "http://127.0.0.1:11434/api/chat"
    assert sent["options"] == {"num_ctx": 4096, "temperature": 0.5}
    assert sent["keep_alive"] == "5m"


def test_what_a_call_says_itself_goes_before_the_settings(make, target):
    provider = make(api="native", num_ctx=4096, keep_alive="5m")
    doc = {**ASK, "options": {"num_ctx": 9}, "keep_alive": 0}
    sent = json.loads(provider.encode(native.decode_chat(doc), target).request.body)
    assert (sent["options"], sent["keep_alive"]) == ({"num_ctx": 9}, 0)


def test_a_target_that_speaks_the_native_api_only_is_spoken_to_so(make, target):
    encoded = make().encode(chat.decode_call(ASK), replace(target, wires=("ollama",)))
    assert encoded.request.url.endswith("/api/chat")


def test_a_base_url_with_the_compatible_path_is_understood(make, target):
    there = replace(target, base_url="http://127.0.0.1:11434/v1")
    for provider, path in ((make(), "/v1/chat/completions"), (make(api="native"), "/api/chat")):
        encoded = provider.encode(chat.decode_call(ASK), there)
        assert encoded.request.url == f"http://127.0.0.1:11434{path}"


def test_embeddings_go_through_the_compatible_api(make, target):
    call = embeddings.decode_call({"model": "m", "input": ["a"]})
    relay = make(api="native").relay(call, target)
    assert (relay.url, relay.put) == ("http://127.0.0.1:11434/v1/embeddings", {"model": "llama3"})


def test_operations_that_the_server_lacks_are_refused(make, target):
    for api in ("native", "compatible"):
        call = replace(chat.decode_call(ASK), operation="count_tokens")
        with pytest.raises(CannotEncode):
            make(api=api).encode(call, target)


def test_the_key_goes_along_only_where_there_is_one(make, target):
    request = UpstreamRequest("POST", "https://ollama.com/api/chat", (), b"")
    assert asyncio.run(make().authorize(request, target)).headers == ()
    keyed = make(key="k")
    signed = asyncio.run(keyed.authorize(request, replace(target, credential="default")))
    assert dict(signed.headers) == {b"authorization": b"Bearer k"}


# ---- finding models ----------------------------------------------------------------------------

TAGS = {
    "models": [
        {"name": "llava:7b", "model": "llava:7b", "size": 1},
        {"name": "all-minilm:latest", "model": "all-minilm:latest"},
        {"name": "old:1b"},
    ]
}
SHOWN = {
    "llava:7b": {
        "capabilities": ["completion", "vision"],
        "model_info": {"general.architecture": "llama", "llama.context_length": 4096},
    },
    "all-minilm:latest": {"capabilities": ["embedding"], "parameters": "num_ctx    256"},
    "old:1b": {"details": {"family": "llama"}},
}


def _server(request):
    if request.path == "/api/tags":
        return Answer(body=TAGS)
    if request.path == "/api/show":
        return Answer(body=SHOWN[json.loads(request.body)["model"]])
    return Answer(404, body={"error": "not found"})


def test_the_models_of_a_server_are_found_at_start(make):
    async def scenario():
        async with ScriptedUpstream(_server) as upstream:
            provider = make(at=upstream.base_url)
            await provider.start()
            await provider.aclose()
            return provider.offerings(), sorted(r.path for r in upstream.requests)

    found, asked = asyncio.run(scenario())
    assert asked == ["/api/show"] * 3 + ["/api/tags"]
    minilm, llava, old = found
    assert [one.id for one in found] == ["all-minilm:latest", "llava:7b", "old:1b"]
    assert [one.model for one in found] == ["ollama/all-minilm", "ollama/llava-7b", "ollama/old-1b"]
    assert (llava.operations, llava.context) == (("chat",), 4096)
    assert llava.capabilities == {
        "tools": False,
        "vision": True,
        "reasoning": False,
        "json_schema": True,
    }
    assert (minilm.operations, minilm.context) == (("embeddings",), 256)
    assert (old.operations, old.capabilities) == ((), {})  # an older server does not say
    assert all(rate.usd == 0 for one in found for rate in one.prices[0].rates)


def test_an_answer_of_a_found_server_comes_back_through_both_apis(make, target):
    said = {"model": "llama3", "message": {"role": "assistant", "content": "hello"}, "done": True}
    whole = {"id": "1", "model": "llama3", "choices": [{"index": 0, "message": said["message"]}]}

    def script(request):
        return Answer(body=said if request.path == "/api/chat" else whole)

    async def scenario(api):
        async with ScriptedUpstream(script) as upstream:
            provider = make(at=upstream.base_url, api=api)
            there = replace(target, base_url=upstream.base_url)
            encoded = provider.encode(chat.decode_call(ASK), there)
            head, body = await provider._runtime.fetch(encoded.request)
            return provider.decode(head, body, encoded.memo)

    for api in ("native", "compatible"):
        events = asyncio.run(scenario(api))
        assert [event.value for event in events if hasattr(event, "value")] == ["hello"]


@pytest.mark.parametrize(
    "script",
    [
        Answer(500, body={"error": "x"}),
        Answer(body=b"<html>"),
        Answer(body=[]),
        Answer(body={"models": "none"}),
        Answer(body={"models": [{"size": 1}, 7]}),
    ],
)
def test_a_server_that_answers_nonsense_has_no_models(make, script):
    async def scenario():
        async with ScriptedUpstream(script) as upstream:
            provider = make(at=upstream.base_url)
            await provider.start()
            return provider.offerings()

    assert asyncio.run(scenario()) == ()


def test_a_server_that_is_not_there_is_no_error(make):
    async def scenario():
        with refused_url() as url:
            provider = make(at=url)
            await provider.start()
        return provider.offerings()

    assert asyncio.run(scenario()) == ()


def test_what_is_known_when_time_is_up_is_kept(make):
    def script(request):
        return Answer(body=TAGS) if request.path == "/api/tags" else Hang()

    async def scenario():
        async with ScriptedUpstream(script) as upstream:
            fetch = make(at=upstream.base_url)._runtime.fetch
            return await discover(fetch, upstream.base_url, (), 4096, within_s=0.5)

    found = asyncio.run(scenario())
    assert [one.id for one in found] == ["all-minilm:latest", "llava:7b", "old:1b"]
    assert {one.context for one in found} == {4096}


def test_finding_models_can_be_switched_off_and_the_cloud_is_never_asked(make):
    async def scenario():
        async with ScriptedUpstream(_server) as upstream:
            await make(at=upstream.base_url, discover=False).start()
            runtime = make(at=upstream.base_url)._runtime
            hook = multiroute_ollama.multiroute_make_provider
            await hook("ollama-cloud", "c", None, runtime).start()
            return upstream.requests

    assert list(asyncio.run(scenario())) == []


def test_recorded_descriptions_of_models_are_read(recorded):
    for one in recorded("models"):
        found = offering("x", json.loads(one.response.body), None)
        assert found.context == 131072
        if found.operations:
            assert found.operations == ("chat",)
            assert found.capabilities["tools"] is True
