"""Native pass-through: the provider's own API with our credential, and never anywhere else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from multiroute_core.api import InvalidRequest
from multiroute_core.engine.native import NativeRequest, native_url
from multiroute_core.project import new_key
from multiroute_core.testing import Answer, ScriptedUpstream
from tests.e2e.gateway import gateway, run, two_providers


def test_a_native_request_reaches_the_provider_with_our_credential(tmp_path: Path) -> None:
    async def scenario() -> None:
        reply = Answer(
            body={"id": "file-1", "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
            headers=(("set-cookie", "a=b"), ("x-secret", "no")),
        )
        async with (
            ScriptedUpstream([reply]) as first,
            gateway(
                tmp_path, two_providers(first.base_url + "/v1", "http://127.0.0.1:9")
            ) as served,
            httpx.AsyncClient() as client,
        ):
            got = await client.post(
                f"{served.url}/native/openai/files?purpose=x&key=stolen",
                headers={"authorization": "Bearer client", "cookie": "c=d", "x-other": "e"},
                json={"a": 1},
            )
            assert got.json()["id"] == "file-1"
            assert "set-cookie" not in got.headers
            assert "x-secret" not in got.headers
            seen = first.requests[0]
            headers = dict(seen.headers)
            assert (seen.path, seen.query) == ("/v1/files", "purpose=x")
            assert headers["authorization"] == "Bearer sk-upstream-openai"
            assert "cookie" not in headers
            assert "x-other" not in headers
            again = await client.get(
                f"{served.url}/v1/batches", headers={"x-multiroute-provider": "openai"}
            )
            assert again.status_code == 200
            assert first.requests[1].path == "/v1/batches"
            calls = await served.router.recent(2)
            assert [call.operation for call in calls] == ["native", "native"]
            assert calls[1].usage is not None
            assert calls[1].usage.output_tokens == 4

    run(scenario)


def test_an_unrouted_path_says_how_to_reach_a_provider(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            gateway(tmp_path, two_providers("http://127.0.0.1:9", "http://127.0.0.1:9")) as served,
            httpx.AsyncClient() as client,
        ):
            assert (await client.get(f"{served.url}/v1/batches")).status_code == 404
            unknown = await client.get(f"{served.url}/native/nobody/x")
            assert unknown.status_code == 404
            assert "anthropic, openai" in unknown.json()["error"]["message"]

    run(scenario)


def test_a_key_bound_to_profiles_gets_no_native_request(tmp_path: Path) -> None:
    secret, digest = new_key()
    keys = f'[keys.web]\nhash = "{digest}"\nprofiles = ["balanced"]'

    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer(body={})]) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url, keys)) as served,
            httpx.AsyncClient() as client,
        ):
            got = await client.get(
                f"{served.url}/native/openai/models", headers={"x-api-key": secret}
            )
            assert got.status_code == 403
            assert first.requests == []

    run(scenario)


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/a/../../b",
        "/%2e%2e/b",
        "/a/%2E%2E%2Fb",
        "//evil.example/x",
        "/@evil.example",
        "/a\\b",
        "/a%5c..%5cb",
        "/a b",
        "/a?b",
        "/a#b",
        "",
    ],
)
def test_a_path_cannot_leave_the_base_url(path: str) -> None:
    request = NativeRequest("GET", path, "", (), b"")
    if path == "/@evil.example":
        assert native_url("https://api.acme.com/v1", request) == "https://api.acme.com/v1" + path
        return
    with pytest.raises(InvalidRequest):
        native_url("https://api.acme.com/v1", request)


def test_an_open_gateway_refuses_foreign_hosts_where_it_answers_calls(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            gateway(tmp_path, two_providers("http://127.0.0.1:9", "http://127.0.0.1:9")) as served,
            httpx.AsyncClient(headers={"host": "rebound.example"}) as client,
        ):
            assert (await client.get(f"{served.url}/v1/models")).status_code == 421
            assert (await client.get(f"{served.url}/health/live")).status_code == 200
            assert (await client.get(f"{served.url}/nothing")).status_code == 404

    run(scenario)
