"""A dialect from outside: Gemini's own paths, served by core with a codec from a plugin."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from multiroute_core.testing import Answer, ScriptedUpstream, chat_reply, chat_stream
from tests.e2e.gateway import gateway, run

PROJECT = """
schema = 1
[plugins]
enable = ["openai", "google"]
[providers.openai]
base_url = "{url}"
[models."lab/first"]
serve = ["openai:gpt-4o-mini"]
[profiles.fast]
candidates = ["lab/first"]
"""
BODY = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_gemini_clients_are_answered_by_any_model(version: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        def answer(seen: object) -> Answer:
            if seen.json().get("stream"):  # type: ignore[attr-defined]  # a SeenRequest
                stream = chat_stream(["Hel", "lo"])
                return Answer(body=stream, headers=(("content-type", "text/event-stream"),))
            return Answer(body=chat_reply("Hello"))

        async with (
            ScriptedUpstream(answer) as upstream,
            gateway(tmp_path, PROJECT.format(url=upstream.base_url)) as served,
            httpx.AsyncClient() as client,
        ):
            base = f"{served.url}/{version}/models/fast"
            whole = await client.post(f"{base}:generateContent", json=BODY)
            parts = whole.json()["candidates"][0]["content"]["parts"]
            assert "".join(part["text"] for part in parts) == "Hello"
            events = await client.post(f"{base}:streamGenerateContent?alt=sse", json=BODY)
            assert events.headers["content-type"].startswith("text/event-stream")
            assert '"Hel"' in events.text
            array = await client.post(f"{base}:streamGenerateContent", json=BODY)
            assert array.headers["content-type"] == "application/json"
            told = json.loads(array.text)
            text = "".join(
                part.get("text", "")
                for chunk in told
                for candidate in chunk.get("candidates", [])
                for part in candidate.get("content", {}).get("parts", [])
            )
            assert text == "Hello"
            assert upstream.requests[0].json()["messages"] == [{"role": "user", "content": "hi"}]

    run(scenario)


def test_errors_have_the_dialects_own_shape(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            gateway(tmp_path, PROJECT.format(url="http://127.0.0.1:9")) as served,
            httpx.AsyncClient() as client,
        ):
            got = await client.post(
                f"{served.url}/v1beta/models/nobody%2Fknows:generateContent", json=BODY
            )
            assert got.status_code == 404
            assert got.json()["error"]["status"] == "NOT_FOUND"
            assert "nobody/knows" in got.json()["error"]["message"]

    run(scenario)
