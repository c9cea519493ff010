"""The Azure OpenAI adapter."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from multiroute_azure_openai import AzureProvider, AzureSettings
from multiroute_core.api import ConfigError, Head, Target, fold
from multiroute_core.testing import Recordings
from multiroute_core.testing.normalise import normalise_json
from multiroute_core.wire import chat

_BASE = "https://res.openai.azure.com"


class _Runtime:
    instance = "azure"
    credentials = ("k",)

    def __init__(self, base_url: str = _BASE) -> None:
        self.base_url = base_url

    def secret(self, credential: str) -> str:
        return "key"

    def now_s(self) -> float:
        return 0.0

    async def fetch(self, request: Any) -> Any:
        raise AssertionError("nothing is fetched")


def _target(base_url: str = _BASE, deployment: str = "dep") -> Target:
    return Target(f"azure:{deployment}", "azure", deployment, "openai/m", base_url, "k")


def _provider(**settings: Any) -> AzureProvider:
    return AzureProvider(AzureSettings(**settings), _Runtime())


@pytest.mark.parametrize(
    ("base_url", "settings", "url"),
    [
        (_BASE, {}, f"{_BASE}/openai/deployments/dep/chat/completions?api-version=2024-10-21"),
        (
            f"{_BASE}/openai",
            {"api_version": "2025-01-01-preview"},
            f"{_BASE}/openai/deployments/dep/chat/completions?api-version=2025-01-01-preview",
        ),
        (f"{_BASE}/openai/v1", {}, f"{_BASE}/openai/v1/chat/completions"),
        (_BASE, {"api": "v1"}, f"{_BASE}/openai/v1/chat/completions"),
        (
            f"{_BASE}/openai/v1",
            {"api": "deployments"},
            f"{_BASE}/openai/deployments/dep/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_both_forms_of_the_url(base_url: str, settings: dict[str, Any], url: str) -> None:
    assert _provider(**settings).url(_target(base_url)) == url


def test_the_name_of_a_deployment_cannot_leave_its_place_in_the_url() -> None:
    url = _provider().url(_target(deployment="../a?b"))
    assert "/deployments/..%2Fa%3Fb/chat/" in url


@pytest.mark.parametrize(
    ("auth", "header"),
    [("api-key", (b"api-key", b"key")), ("bearer", (b"authorization", b"Bearer key"))],
)
def test_the_credential_has_its_header(auth: str, header: tuple[bytes, bytes]) -> None:
    provider = _provider(auth=auth)
    call = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "a"}]})
    request = provider.encode(call, _target()).request
    sent = asyncio.run(provider.authorize(request, _target()))
    assert sent.headers[-1] == header


def test_a_base_url_is_required() -> None:
    provider = AzureProvider(AzureSettings(), _Runtime(""))
    with pytest.raises(ConfigError, match="base_url is missing"):
        asyncio.run(provider.start())


def test_deployments_tell_their_models() -> None:
    [offering] = _provider(deployments={"dep": "openai/gpt-4o"}).offerings()
    assert (offering.id, offering.model) == ("dep", "openai/gpt-4o")


@pytest.fixture(scope="module")
def recorded(shared: Any) -> Recordings:
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return Recordings.load(folder, provider="azure-openai", api="chat.completions")


def test_recorded_requests_are_sent_as_they_were(recorded: Recordings) -> None:
    """A document without a model stays without: the URL names the deployment."""
    for one in recorded:
        doc = json.loads(one.request.body)
        target = _target(deployment=doc.get("model") or "dep")
        encoded = _provider().encode(chat.decode_call(doc), target)
        assert encoded.losses == ()
        assert normalise_json(json.loads(encoded.request.body)) == normalise_json(doc)


def test_filter_results_are_kept(recorded: Recordings) -> None:
    kept = 0
    told = re.compile(rb'"prompt_filter_results": ?\[')
    for one in recorded.where(lambda one: bool(told.search(one.response.body))):
        if one.response.is_streamed:
            decoder = _provider().decoder(Head(200, ()), None)
            reply = fold([*decoder.feed(one.response.body), *decoder.close()])
        else:
            reply = fold(_provider().decode(Head(200, ()), one.response.body, None))
        later = [event.data for event in reply.opaque]
        assert "prompt_filter_results" in reply.extra or "prompt_filter_results" in later[0]
        kept += 1
    assert kept > 10


def test_no_milliseconds_to_wait_give_way_to_the_seconds(recorded: Recordings) -> None:
    [one] = recorded.where(lambda one: one.response.status == 429)
    headers = tuple((k.encode(), v.encode()) for k, v in one.response.headers)
    fault = _provider().classify(Head(429, headers), one.response.body)
    assert (fault.kind, fault.retry_after_s) == ("rate_limited", 1.0)


@pytest.mark.parametrize("code", ["content_filter", None])
def test_a_refusal_by_the_content_filter(code: str | None) -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}
    error = {"message": "refused", "code": code, "innererror": inner}
    fault = _provider().classify(Head(400, ()), json.dumps({"error": error}).encode())
    assert fault.kind == "content_filter"
    assert fault.message == "refused"
