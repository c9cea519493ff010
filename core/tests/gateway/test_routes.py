"""Routes, keys, models and health."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import openai
import pytest
from hypothesis import given, strategies as st
from openai import AsyncOpenAI

from core.tests.gateway.conftest import Serving
from core.tests.gateway.stand_in import KEY, StandIn
from multiroute_core.api import ConfigError
from multiroute_core.gateway import Gateway, running
from multiroute_core.gateway.exposure import check_exposure

BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "headers", [BEARER, {"x-api-key": KEY}, {"api-key": KEY}], ids=["bearer", "x", "plain"]
)
def test_each_key_header_opens_the_door(serving: Serving, headers: dict[str, str]) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as http:
            assert (await http.get("/v1/models", headers=headers)).status_code == 200

    serving(StandIn(), scenario)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/balanced", "/v1/chat/completions"])
def test_without_a_key_nothing_opens(serving: Serving, path: str) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as http:
            method = "POST" if path.endswith("completions") else "GET"
            for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"key={KEY}"}):
                reply = await http.request(method, path, headers=headers)
                assert reply.status_code == 401
                error = reply.json()["error"]
                assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
                assert reply.headers["x-should-retry"] == "false"

    router = StandIn()
    serving(router, scenario)
    assert router.calls == []


def test_the_sdk_raises_its_authentication_error(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with AsyncOpenAI(api_key="no", base_url=base_url + "/v1", max_retries=0) as sdk:
            with pytest.raises(openai.AuthenticationError):
                await sdk.models.list()

    serving(StandIn(), scenario)


def test_a_check_that_fails_lets_nobody_in(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            reply = await http.get("/v1/models")
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "authentication_unavailable"
            assert "boom" not in reply.text

    serving(StandIn(check_error=RuntimeError("boom")), scenario)


def test_a_key_without_the_scope_is_refused(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            assert (await http.get("/v1/models")).status_code == 403

    serving(StandIn(scopes=frozenset({"admin"})), scenario)


def test_the_sdk_lists_and_finds_models(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=base_url + "/v1", max_retries=0) as sdk:
            listed = [model async for model in sdk.models.list()]
            assert [m.id for m in listed] == ["balanced", "lab/m-1@2025", "a:m 1:free"]
            assert {m.object for m in listed} == {"model"}
            assert [m.owned_by for m in listed] == ["acme", "lab", "acme"]
            for wanted in listed:
                assert await sdk.models.retrieve(wanted.id) == wanted
            with pytest.raises(openai.NotFoundError) as caught:
                await sdk.models.retrieve("lab/m-2")
            assert caught.value.code == "model_not_found"

    serving(StandIn(), scenario)


def test_a_models_id_may_hold_slashes_as_they_are_or_escaped(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            for tail in ("lab/m-1@2025", "lab%2Fm-1%402025"):
                facts = (await http.get(f"/v1/models/{tail}")).json()["multiroute"]
                assert facts == {
                    "kind": "model",
                    "model": "lab/m-1@2025",
                    "context": 128_000,
                    "max_output": 4096,
                    "input_usd_per_mtok": "0.25",
                    "output_usd_per_mtok": "2",
                    "capabilities": {"tools": True},
                    "targets": ["a:m-1"],
                }
            for tail in ("", "%ff%fe", "../health/live", "balanced/"):
                url = httpx.URL(base_url).copy_with(raw_path=b"/v1/models/" + tail.encode())
                assert (await http.get(url)).status_code == 404

    serving(StandIn(), scenario)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/v1/models/", 404, None),
        ("GET", "/v1/Models", 404, None),
        ("GET", "/v1//models", 404, None),
        ("GET", "/v1%2fmodels", 404, None),
        ("GET", "/v1/models;x", 404, None),
        ("GET", "/v1/chat/completions", 405, "POST"),
        ("POST", "/v1/models", 405, "GET"),
        ("DELETE", "/v1/models/balanced", 405, "GET"),
        ("HEAD", "/health/live", 405, "GET"),
    ],
)
def test_only_exact_routes_answer(
    serving: Serving, method: str, path: str, status: int, allow: str | None
) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            url = httpx.URL(base_url).copy_with(raw_path=path.encode())
            reply = await http.request(method, url)
            assert reply.status_code == status
            assert reply.headers.get("allow") == allow
            if method != "HEAD":
                assert reply.json()["error"]["type"] in ("invalid_request_error", "server_error")

    serving(StandIn(), scenario)


def test_a_query_does_not_hide_a_route(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url, headers=BEARER) as http:
            assert (await http.get("/v1/models?limit=1")).status_code == 200

    serving(StandIn(), scenario)


def test_health_is_public_and_says_when_the_router_is_not_ready(serving: Serving) -> None:
    router = StandIn()

    async def scenario(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as http:
            assert (await http.get("/health/live")).status_code == 200
            assert (await http.get("/health/ready")).status_code == 200
            router.ready = False
            assert (await http.get("/health/live")).status_code == 200
            assert (await http.get("/health/ready")).status_code == 503

    serving(router, scenario)
    assert router.seen_headers == []
    assert router.closed == 1


@given(st.binary(max_size=60))
def test_no_authorization_value_opens_the_door_or_breaks_it(value: bytes) -> None:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        raise AssertionError("the body of an unauthorised request is not read")

    headers = [(b"host", b"x"), (b"authorization", value)]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "raw_path": b"/v1/chat/completions",
        "headers": headers,
    }
    asyncio.run(Gateway(StandIn())(scope, receive, send))
    assert sent[0]["status"] == 401


@pytest.mark.parametrize(
    ("host", "has_keys", "environment", "why"),
    [
        ("0.0.0.0", False, "dev", "where others reach it"),
        ("::", False, "dev", "where others reach it"),
        ("gateway.example", False, "dev", "where others reach it"),
        ("127.0.0.1", False, "prod", "'prod'"),
    ],
)
def test_an_open_gateway_refuses_to_be_reached(
    host: str, has_keys: bool, environment: str, why: str
) -> None:
    with pytest.raises(ConfigError, match="keys new") as caught:
        check_exposure(host, has_keys=has_keys, environment=environment)
    assert why in caught.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_an_open_gateway_may_listen_on_loopback(host: str) -> None:
    check_exposure(host, has_keys=False, environment="dev")


def test_with_keys_any_address_will_do() -> None:
    check_exposure("0.0.0.0", has_keys=True, environment="prod")


def test_an_open_gateway_is_refused_before_it_listens() -> None:
    router = StandIn(has_keys=False)

    async def run() -> None:
        async with running(router, "0.0.0.0"):
            raise AssertionError("it listens")

    with pytest.raises(ConfigError, match="others reach it"):
        asyncio.run(run())
    assert router.closed == 1


def test_a_taken_port_is_a_config_error(serving: Serving) -> None:
    async def scenario(base_url: str) -> None:
        port = int(base_url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with running(StandIn(), port=port):
                raise AssertionError("two listeners on one port")

    serving(StandIn(), scenario)


def test_a_router_that_does_not_start_says_why() -> None:
    async def run() -> None:
        async with running(StandIn(start_error=ConfigError("no such plugin"))):
            raise AssertionError("it started")

    with pytest.raises(ConfigError, match="no such plugin"):
        asyncio.run(run())


def lifespan(router: StandIn) -> list[str]:
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        sent.append(json.dumps(message))

    asyncio.run(Gateway(router)({"type": "lifespan"}, receive, send))
    return sent


def test_any_asgi_server_starts_and_closes_the_router() -> None:
    router = StandIn()
    types = [json.loads(message)["type"] for message in lifespan(router)]
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert router.closed == 1


def test_any_asgi_server_hears_why_the_router_did_not_start() -> None:
    [message] = lifespan(StandIn(start_error=ConfigError("no such plugin")))
    assert json.loads(message) == {"type": "lifespan.startup.failed", "message": "no such plugin"}


def test_no_module_of_the_gateway_names_a_key_header() -> None:
    """What counts as a key is the router's business: the gateway passes all headers to it."""
    folder = Path(__file__).parents[2] / "src" / "multiroute_core" / "gateway"
    for module in folder.glob("*.py"):
        assert "api-key" not in module.read_text(), module.name
