"""docs/reference/faults.md and headers.md say what the code says."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from multiroute_core.api import errors as api_errors
from multiroute_core.gateway import Limits, reply_headers, running
from multiroute_core.router import MultiRoute

_ROOT = Path(__file__).resolve().parents[2]
_REFERENCE = _ROOT / "docs" / "reference"
_GATEWAY = _ROOT / "core" / "src" / "multiroute_core" / "gateway"
_HEADERS = (_REFERENCE / "headers.md").read_text(encoding="utf-8")


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _REFERENCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- faults


def test_the_fault_table_is_the_codes():
    page = _script("faults_page")
    text = page.PAGE.read_text(encoding="utf-8")
    table = text.partition(page.BEGIN)[2].partition(page.END)[0]
    assert table == page.generated(), "python docs/reference/faults_page.py --write"


@pytest.mark.parametrize("name", ["faults_page", "project_file_page"])
def test_the_scripts_say_that_their_pages_are_up_to_date(name, monkeypatch):
    page = _script(name)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--check"])
    assert page.main() == 0
    monkeypatch.setattr(page, "generated", lambda: "something else\n")
    assert page.main() == 1


def test_a_kind_without_a_meaning_stops_the_page(monkeypatch):
    page = _script("faults_page")
    monkeypatch.setattr(page, "MEANINGS", {"rate_limited": "…"})
    with pytest.raises(SystemExit, match="bad_request"):
        page.generated()


# ---- headers


def _section(title: str) -> str:
    return re.split(r"^## ", _HEADERS, flags=re.MULTILINE)[
        ["", "Request", "Reply", "Errors"].index(title)
    ]


def _documented(title: str) -> set[str]:
    rows = re.findall(r"^\| (`[^|]*) \|", _section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}


def test_every_reply_header_of_ours_is_documented():
    ours = {
        value.decode()
        for name, value in vars(reply_headers).items()
        if name.isupper() and isinstance(value, bytes)
    }
    assert ours >= {"x-multiroute-decision", "x-request-id"}
    assert ours <= _documented("Reply")


def _codes() -> dict[str, int]:
    """Code → status of every refusal in the gateway's sources."""
    found: dict[str, int] = {}
    for path in _GATEWAY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in ("HttpRefusal", "Refusal", "_bad"):
                plain = [a.value for a in node.args if isinstance(a, ast.Constant)]
                if len(plain) > 1 and isinstance(plain[0], int):
                    found[plain[1]] = plain[0]
    return found


def test_every_refusal_of_the_gateway_is_documented_with_its_status():
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", _section("Errors"), re.MULTILINE)
    told = {code: int(status) for status, code in rows}
    codes = _codes()
    assert len(codes) > 10
    assert {code: told.get(code) for code in codes} == codes
    for error in vars(api_errors).values():
        if (
            isinstance(error, type)
            and issubclass(error, api_errors.CallError)
            and error not in (api_errors.CallError, api_errors.CallFailed)
        ):
            assert told[error.code] == error.status


def test_the_caps_on_the_page_are_the_gateways():
    limits = Limits()
    text = _section("Errors")
    assert f"exceeds {limits.body_bytes // 2**20} MiB" in text
    assert f"more than {limits.head_bytes // 2**10} KiB or {limits.head_count} headers" in text
    assert f"in time ({limits.head_s:g} s, {limits.body_s:g} s)" in text


_PROJECT = """
[project]
default = "balanced"
[plugins]
enable = ["sandbox"]
[providers.sandbox]
[profiles.balanced]
candidates = ["sandbox/echo"]
"""


def test_a_running_gateway_sends_no_header_that_the_page_does_not_tell(tmp_path: Path):
    file = tmp_path / "multiroute.toml"
    file.write_text(_PROJECT, encoding="utf-8")
    plain = {"date", "content-type", "content-length", "transfer-encoding", "connection"}
    ask = {"model": "balanced", "messages": [{"role": "user", "content": "Hello"}], "seed": 1}

    async def seen() -> list[httpx.Response]:
        async with (
            running(MultiRoute.from_project(file, environ={})) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            path = "/v1/chat/completions"
            return [
                await client.post(path, json=ask, headers={"x-request-id": "job-7"}),
                await client.post(path, json={**ask, "stream": True}),
                await client.post(path, json={**ask, "model": "nobody"}),
                await client.get("/v1/models", headers={"host": "example.com"}),
                await client.get("/nowhere"),
            ]

    replies = asyncio.run(seen())
    assert [reply.status_code for reply in replies] == [200, 200, 404, 421, 404]
    for reply in replies:
        assert set(reply.headers) - plain <= _documented("Reply")
    assert replies[0].headers["x-request-id"] == "job-7"
    assert "x-multiroute-call" in replies[0].headers
    assert "x-multiroute-call" not in replies[1].headers
    assert replies[1].headers["x-accel-buffering"] == "no"
    assert all(reply.headers["x-should-retry"] == "false" for reply in replies[2:])

    shape, _ = (json.loads(b) for b in re.findall(r"^```json\n(.*?)^```$", _HEADERS, re.M | re.S))
    error = replies[2].json()["error"]
    assert set(error) == set(shape["error"])
    assert {**error, "message": "…"} == shape["error"]
