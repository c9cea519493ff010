"""The messages dialect through the gateway, with the official anthropic client."""

from __future__ import annotations

import json
from pathlib import Path

import anthropic
import pytest

from multiroute_core.testing import (
    Answer,
    Recordings,
    ReplayUpstream,
    ScriptedToolCall,
    ScriptedUpstream,
    ScriptedUsage,
    chat_reply,
    chat_stream,
)
from tests.e2e.gateway import gateway, run, two_providers

HELLO: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hello"}]


def client(url: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0)


def test_recorded_messages_pass_through_unchanged(shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="anthropic", api="messages")
    asked = [
        record
        for record in recordings
        if record.response.status == 200 and record.request.body and "?" not in record.request.url
    ]
    models = sorted({json.loads(record.request.body)["model"] for record in asked})
    tables = "\n".join(f'[models."r/{m.lower()}"]\nserve = ["anthropic:{m}"]' for m in models)

    async def scenario() -> None:
        async with (
            ReplayUpstream(Recordings(asked), chunking="random:5") as upstream,
            gateway(
                tmp_path, two_providers("http://127.0.0.1:9", upstream.base_url, tables)
            ) as served,
        ):
            import httpx

            async with httpx.AsyncClient() as plain:
                for record in asked:
                    body = json.loads(record.request.body)
                    body["model"] = f"r/{body['model'].lower()}"
                    got = await plain.post(f"{served.url}/v1/messages", json=body)
                    assert got.status_code == 200, got.text
                    theirs = recordings.by_id(upstream.served[-1]).response.body
                    assert got.content.strip() == theirs.strip()
            assert upstream.unmatched == []
            assert len(upstream.served) == len(asked) >= 200

    run(scenario)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_chat_model_answers_an_anthropic_client(stream: bool, tmp_path: Path) -> None:
    call = ScriptedToolCall("weather", '{"city": "Paris"}')

    async def scenario() -> None:
        def answer(seen: object) -> Answer:
            if seen.json().get("stream"):  # type: ignore[attr-defined]  # a SeenRequest
                body = chat_stream(
                    ["Let me ", "look."], tool_calls=(call,), usage=ScriptedUsage(9, 4)
                )
                return Answer(body=body, headers=(("content-type", "text/event-stream"),))
            return Answer(body=chat_reply("Let me look.", tool_calls=(call,)))

        async with (
            ScriptedUpstream(answer) as first,
            gateway(tmp_path, two_providers(first.base_url, "http://127.0.0.1:9")) as served,
            client(served.url) as sdk,
        ):
            if stream:
                async with sdk.messages.stream(
                    model="lab/first", max_tokens=50, messages=HELLO
                ) as told:
                    message = await told.get_final_message()
            else:
                message = await sdk.messages.create(
                    model="lab/first", max_tokens=50, messages=HELLO
                )
            text, tool = message.content
            assert text.type == "text"
            assert text.text == "Let me look."
            assert tool.type == "tool_use"
            assert (tool.name, tool.input) == ("weather", {"city": "Paris"})
            assert message.stop_reason == "tool_use"
            assert message.usage.output_tokens > 0

    run(scenario)


def test_errors_are_the_clients_own_kind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            gateway(tmp_path, two_providers("http://127.0.0.1:9", "http://127.0.0.1:9")) as served,
            client(served.url) as sdk,
        ):
            with pytest.raises(anthropic.NotFoundError) as caught:
                await sdk.messages.create(model="nobody", max_tokens=5, messages=HELLO)
            body = caught.value.response.json()
            assert body["type"] == "error"
            assert body["error"]["type"] == "not_found_error"

    run(scenario)


def test_tokens_are_counted_where_they_can_be_and_estimated_where_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            ScriptedUpstream([Answer(body={"input_tokens": 14})]) as second,
            gateway(tmp_path, two_providers("http://127.0.0.1:9", second.base_url)) as served,
            client(served.url) as sdk,
        ):
            exact = await sdk.messages.count_tokens(model="lab/second", messages=HELLO)
            assert exact.input_tokens == 14
            assert second.requests[0].path == "/v1/messages/count_tokens"
            raw = await sdk.messages.with_raw_response.count_tokens(
                model="lab/first", messages=HELLO
            )
            counted = await raw.parse()
            assert 0 < counted.input_tokens < 30
            assert "estimate" in raw.headers["x-multiroute-losses"]

    run(scenario)
