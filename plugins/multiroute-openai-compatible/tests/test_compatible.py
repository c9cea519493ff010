"""The table of providers and its adapter."""

from __future__ import annotations

import asyncio
import json
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import multiroute_openai_compatible as plugin
from multiroute_core.api import Head, Target, UpstreamRequest, fold
from multiroute_core.api.errors import MultiRouteError
from multiroute_core.testing import Recordings
from multiroute_core.testing.normalise import normalise_json
from multiroute_core.wire import chat
from multiroute_openai_compatible import CompatibleProvider, CompatibleSettings

_FOLDER = Path(plugin.__file__).parent
_FACTS = tomllib.loads((_FOLDER / "plugin.toml").read_text(encoding="utf-8"))["provider"]
_TABLE = tomllib.loads((_FOLDER / "providers.toml").read_text(encoding="utf-8"))
_RECORDED = (
    "cerebras",
    "crusoe",
    "deepseek",
    "gpustack",
    "groq",
    "huggingface",
    "perplexity",
    "snowflake",
    "together",
    "vllm",
    "xai",
    "zai",
)


class _Runtime:
    instance = "i"
    base_url = "http://127.0.0.1:1/v1"
    credentials = ("k",)

    def __init__(self, answer: tuple[Head, bytes] | None = None) -> None:
        self.answer = answer
        self.asked: list[UpstreamRequest] = []

    def secret(self, credential: str) -> str:
        return "key"

    def now_s(self) -> float:
        return 0.0

    async def fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        self.asked.append(request)
        if self.answer is None:
            raise MultiRouteError("refused")
        return self.answer


def _provider(name: str, runtime: Any = None, **settings: Any) -> CompatibleProvider:
    own = CompatibleSettings(**settings)
    made = plugin.multiroute_make_provider(name, "i", own, runtime or _Runtime())
    assert isinstance(made, CompatibleProvider)
    return made


def _target(upstream_id: str = "u") -> Target:
    return Target(f"i:{upstream_id}", "i", upstream_id, "lab/m", "https://api.acme.com/v1", "k")


def test_facts_table_and_entry_points_name_the_same_providers() -> None:
    assert _FACTS.keys() == _TABLE.keys()
    declared = tomllib.loads((_FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert declared["project"]["entry-points"]["multiroute.providers"].keys() == _FACTS.keys()
    found = entry_points(group="multiroute.providers")
    installed = {one.name for one in found if one.module == "multiroute_openai_compatible"}
    assert not installed or installed == _FACTS.keys()


@pytest.mark.parametrize("name", sorted(_FACTS))
def test_every_provider_can_be_made(name: str) -> None:
    facts = _FACTS[name]
    assert facts["wires"][0] == "chat"
    assert ("responses" in facts["wires"]) == ("responses_path" in _TABLE[name])
    if "offerings" in facts:
        offered = json.loads((_FOLDER / facts["offerings"]).read_text(encoding="utf-8"))
        assert offered["provider"] == name
        assert offered["offerings"]
    call = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "a"}]})
    request = _provider(name).encode(call, _target()).request
    assert request.url == "https://api.acme.com/v1/chat/completions"


@pytest.fixture(scope="module")
def wire(shared: Path) -> Path:
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return folder


def _recorded(wire: Path, name: str) -> Recordings:
    provider = "vllm-local" if name == "vllm" else name
    return Recordings.load(wire, provider=provider, api="chat.completions")


@pytest.mark.parametrize("name", _RECORDED)
def test_recorded_requests_are_sent_as_they_were(wire: Path, name: str) -> None:
    provider = _provider(name)
    for one in _recorded(wire, name):
        doc = json.loads(one.request.body)
        call = chat.decode_call(doc)
        encoded = provider.encode(call, _target(doc["model"]))
        assert encoded.losses == ()
        assert normalise_json(json.loads(encoded.request.body)) == normalise_json(doc)
        relay = provider.relay(call, _target(doc["model"]))
        assert relay is not None
        assert relay.losses == ()
        passed = {k: v for k, v in doc.items() if k not in relay.drop} | dict(relay.put)
        assert normalise_json(json.loads(json.dumps(passed))) == normalise_json(doc)


@pytest.mark.parametrize("name", _RECORDED)
def test_recorded_replies_are_read(wire: Path, name: str) -> None:
    provider = _provider(name)
    for one in _recorded(wire, name):
        body = one.response.body
        if one.response.status >= 400:
            assert provider.classify(Head(one.response.status, ()), body).message
            continue
        if one.response.is_streamed:
            decoder = provider.decoder(Head(200, ()), None)
            reply = fold([*decoder.feed(body), *decoder.close()])
        else:
            reply = fold(provider.decode(Head(200, ()), body, None))
        assert (reply.fault is not None) == (b"event: error" in body)
        assert reply.choices


def test_perplexity_reports_its_price_and_sources(wire: Path) -> None:
    provider = _provider("perplexity")
    costs = set()
    for one in _recorded(wire, "perplexity"):
        if one.response.is_streamed:
            decoder = provider.decoder(Head(200, ()), None)
            reply = fold([*decoder.feed(one.response.body), *decoder.close()])
        elif one.response.status == 200:
            reply = fold(provider.decode(Head(200, ()), one.response.body, None))
        else:
            continue
        assert reply.usage is not None
        costs.add(reply.usage.reported_cost_pusd)
        assert reply.choices[0].parts[0].citations
    assert costs == {5_010_000_000, 9_950_000_000, 5_030_000_000}


def test_a_tick_of_xai_is_a_ten_thousand_millionth_of_a_dollar(wire: Path) -> None:
    """Tokens times list price (1.25, 0.2 cached and 2.5 USD per million) is what it reports."""
    recordings = Recordings.load(wire, provider="xai", api="responses")
    checked = 0
    for one in recordings.where(lambda one: not one.response.is_streamed):
        native = json.loads(one.response.body).get("usage") or {}
        if native.get("num_server_side_tools_used") or "cost_in_usd_ticks" not in native:
            continue
        cached = native["input_tokens_details"]["cached_tokens"]
        fresh = native["input_tokens"] - cached
        list_pusd = fresh * 1_250_000 + cached * 200_000 + native["output_tokens"] * 2_500_000
        if _provider("xai").usage(native).reported_cost_pusd == list_pusd:
            checked += 1
    assert checked >= 5


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {"max_tokens": 5}),
        ({"limits": ("max_completion_tokens",)}, {"max_completion_tokens": 5}),
        ({"names": {"max_tokens": "limit"}}, {"limit": 5}),
    ],
)
def test_an_instance_overrides_the_table(settings: dict[str, Any], wanted: dict[str, int]) -> None:
    doc = {"model": "m", "messages": [{"role": "user", "content": "a"}], "max_tokens": 5}
    encoded = _provider("together", **settings).encode(chat.decode_call(doc), _target())
    sent = json.loads(encoded.request.body)
    assert {k: v for k, v in sent.items() if v == 5} == wanted


def test_own_path_and_headers() -> None:
    provider = _provider("openai-compatible", path="/v2/chat", headers={"X-Team": "a"})
    call = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "a"}]})
    request = provider.encode(call, _target()).request
    assert request.url == "https://api.acme.com/v1/v2/chat"
    assert (b"x-team", b"a") in request.headers


@pytest.mark.parametrize(
    "settings", [{"limit": ("a",)}, {"headers": {"a b": "c"}}, {"headers": {"a": "c\n"}}]
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CompatibleSettings(**settings)


def test_a_local_server_is_asked_for_its_models() -> None:
    listed = {"data": [{"id": "a", "max_model_len": 4096}, {"id": "b"}, {"x": 1}]}
    runtime = _Runtime((Head(200, ()), json.dumps(listed).encode()))
    provider = _provider("vllm", runtime)
    asyncio.run(provider.start())
    assert [(one.id, one.context) for one in provider.offerings()] == [("a", 4096), ("b", None)]
    assert runtime.asked[0].url == "http://127.0.0.1:1/v1/models"


@pytest.mark.parametrize("answer", [None, (Head(500, ()), b""), (Head(200, ()), b"<html>")])
def test_a_server_that_does_not_list_models_starts_without(
    answer: tuple[Head, bytes] | None,
) -> None:
    provider = _provider("lm-studio", _Runtime(answer))
    asyncio.run(provider.start())
    assert provider.offerings() == ()
