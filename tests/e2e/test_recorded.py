"""The official client gets recorded answers of two providers through one profile.

The replay upstream answers only a request that equals the recorded one: what arrives there is
what the provider was really sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncStream
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from multiroute_core.testing import Normalisation, Recording, Recordings, ReplayUpstream
from tests.e2e.gateway import Running, gateway, run

CHAT_FIELDS = {
    "messages", "model", "stream", "stream_options", "tools", "tool_choice", "temperature",
    "top_p", "max_tokens", "max_completion_tokens", "stop", "n", "seed", "response_format",
    "parallel_tool_calls", "reasoning_effort", "frequency_penalty", "presence_penalty",
}  # fmt: skip
MESSAGES_FIELDS = {
    "model", "messages", "max_tokens", "stream", "system", "tools", "tool_choice", "temperature",
    "stop_sequences",
}  # fmt: skip


def project(openai_url: str, anthropic_url: str, models: Mapping[str, str]) -> str:
    """One profile over each recorded model; `models` is normalised id → where it is served."""
    tables = "\n".join(f'[models."{name}"]\nserve = ["{at}"]' for name, at in models.items())
    listed = ", ".join(f'"{name}"' for name in models)
    return f"""
schema = 1
[project]
default = "all"
[plugins]
enable = ["openai", "anthropic"]
[providers.openai]
base_url = "{openai_url}/v1"
[providers.anthropic]
base_url = "{anthropic_url}"
{tables}
[profiles.all]
candidates = [{listed}]
[aliases]
"any-name-*" = "all"
"""


def body_of(record: Recording) -> dict[str, Any]:
    return dict(json.loads(record.request.body))


BROKEN_OFF = {"9756b28c49a38f87", "da7fa0fbe1f0663f", "38a7b34939901bd7", "d25a190d14b75e97"}
"""Recordings of clients that broke off: what is recorded is no whole reply."""


def is_simple_chat(record: Recording) -> bool:
    if record.response.status != 200 or not record.request.body or record.id in BROKEN_OFF:
        return False
    body = body_of(record)
    return set(body) <= CHAT_FIELDS and not _has_null(body)


def _has_null(value: object) -> bool:
    """The SDK leaves nulls as they are, the replay drops them: nothing to compare."""
    if isinstance(value, dict):
        return any(v is None or _has_null(v) for v in value.values())
    if isinstance(value, list):
        return any(_has_null(v) for v in value)
    return False


def quiet(record: Recording) -> Recording:
    """The recording without fields that say what holds anyway: no stream, an empty system."""
    body = {
        name: value
        for name, value in body_of(record).items()
        if (name, value) not in (("stream", False), ("system", ""))
    }
    return replace(record, request=replace(record.request, body=json.dumps(body).encode()))


def as_chat(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A messages request as the chat request that says the same; None: chat has no words for it."""
    if not set(body) <= MESSAGES_FIELDS:
        return None
    messages: list[dict[str, Any]] = []
    system = body.get("system")
    if system is not None:
        if not isinstance(system, str):
            return None
        messages.append({"role": "system", "content": system})
    for message in body["messages"]:
        said = _chat_messages(message)
        if said is None:
            return None
        messages += said
    chat: dict[str, Any] = {"messages": messages, "max_completion_tokens": body["max_tokens"]}
    tools = body.get("tools")
    if tools:
        if any(set(tool) - {"name", "description", "input_schema", "strict"} for tool in tools):
            return None
        chat["tools"] = [
            {
                "type": "function",
                "function": {
                    **{k: v for k, v in tool.items() if k != "input_schema"},
                    "parameters": tool["input_schema"],
                },
            }
            for tool in tools
        ]
    choice = body.get("tool_choice")
    if choice is not None:
        parallel = choice.get("disable_parallel_tool_use")
        if parallel is not None:
            chat["parallel_tool_calls"] = not parallel
        named = {"type": "function", "function": {"name": choice.get("name")}}
        chat["tool_choice"] = {"auto": "auto", "any": "required", "none": "none"}.get(
            choice["type"], named
        )
    for name, ours in (("temperature", "temperature"), ("stop_sequences", "stop")):
        if body.get(name) is not None:
            chat[ours] = body[name]
    if body.get("stream"):
        chat["stream"] = True
    return chat


def _chat_messages(message: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    content = message["content"]
    if isinstance(content, str):
        return [{"role": message["role"], "content": content}]
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for block in content:
        kind = block.get("type")
        if kind == "text" and set(block) == {"type", "text"}:
            texts.append(block["text"])
        elif kind == "tool_use" and set(block) == {"type", "id", "name", "input"}:
            arguments = json.dumps(block["input"])
            function = {"name": block["name"], "arguments": arguments}
            calls.append({"id": block["id"], "type": "function", "function": function})
        elif kind == "tool_result" and set(block) <= {"type", "tool_use_id", "content"}:
            if not isinstance(block.get("content"), str):
                return None
            results.append(
                {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"]}
            )
        else:
            return None
    if len(texts) > 1 or (results and (texts or calls)):
        return None
    if results:
        return results
    said: dict[str, Any] = {"role": message["role"], "content": texts[0] if texts else None}
    if calls:
        said["tool_calls"] = calls
    return [said]


def told_by_anthropic(record: Recording) -> tuple[str, list[tuple[str, object]]]:
    """(text, tool calls) of a recorded messages reply, read without any code of ours."""
    body = record.response.body.decode()
    if not record.response.is_streamed:
        blocks = json.loads(body)["content"]
    else:
        blocks = []
        for line in body.splitlines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line[5:])
            if event["type"] == "content_block_start":
                blocks.append({**event["content_block"], "partial": ""})
            elif event["type"] == "content_block_delta":
                delta = event["delta"]
                blocks[-1]["text"] = blocks[-1].get("text", "") + delta.get("text", "")
                blocks[-1]["partial"] += delta.get("partial_json", "")
        for block in blocks:
            if block["type"] == "tool_use":
                block["input"] = json.loads(block["partial"] or "{}")
    text = "".join(b["text"] for b in blocks if b["type"] == "text")
    return text, [(b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"]


async def told_to_client(
    served: Running, model: str, chat: Mapping[str, Any]
) -> tuple[str, list[tuple[str, object]], int]:
    """(text, tool calls, output tokens) as the official client hands them over."""
    fields = {**chat, "model": model}
    if not chat.get("stream"):
        whole: ChatCompletion = await served.client.chat.completions.create(**fields)
        message = whole.choices[0].message
        calls = [(c.function.name, json.loads(c.function.arguments or "{}"))
                 for c in message.tool_calls or () if c.type == "function"]  # fmt: skip
        assert whole.usage is not None
        return message.content or "", calls, whole.usage.completion_tokens
    fields["stream_options"] = {"include_usage": True}
    stream: AsyncStream[ChatCompletionChunk] = await served.client.chat.completions.create(**fields)
    text = ""
    parts: dict[int, list[str]] = {}
    tokens = -1
    async for chunk in stream:
        if chunk.usage is not None:
            tokens = chunk.usage.completion_tokens
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                piece = parts.setdefault(call.index, ["", ""])
                assert call.function is not None
                piece[0] += call.function.name or ""
                piece[1] += call.function.arguments or ""
    return text, [(name, json.loads(a or "{}")) for name, a in parts.values()], tokens


def names_of(records: Sequence[Recording], provider: str) -> dict[str, str]:
    models = {body_of(record)["model"] for record in records}
    return {f"recorded/{model.lower()}": f"{provider}:{model}" for model in sorted(models)}


def test_recorded_anthropic_answers_reach_an_openai_client(shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="anthropic", api="messages")
    asked = [
        (quiet(record), chat)
        for record in recordings
        if record.response.status == 200
        and record.request.body
        and "?" not in record.request.url
        and (chat := as_chat(body_of(quiet(record)))) is not None
    ]
    assert len(asked) >= 50

    async def scenario() -> None:
        only = Recordings([record for record, _ in asked])
        async with (
            ReplayUpstream(only, chunking="random:7") as upstream,
            gateway(
                tmp_path,
                project("http://127.0.0.1:9", upstream.base_url,
                        names_of([record for record, _ in asked], "anthropic")),
            ) as served,
        ):  # fmt: skip
            for record, chat in asked:
                model = f"recorded/{body_of(record)['model'].lower()}"
                text, calls, tokens = await told_to_client(served, model, chat)
                by_id = recordings.by_id(upstream.served[-1])
                expected_text, expected_calls = told_by_anthropic(by_id)
                assert (text, calls) == (expected_text, expected_calls)
                assert tokens > 0
            assert upstream.unmatched == []
            assert len(upstream.served) == len(asked)

    run(scenario)


def test_recorded_openai_answers_reach_an_openai_client(shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="openai", api="chat.completions")
    asked = [record for record in recordings if is_simple_chat(record)]
    assert len(asked) >= 150

    async def scenario() -> None:
        async with (
            ReplayUpstream(
                Recordings(asked),
                chunking="random:3",
                compress="gzip",
                normalisation=Normalisation(ignore_fields=frozenset({"stream_options"})),
            ) as upstream,
            gateway(
                tmp_path,
                project(upstream.base_url, "http://127.0.0.1:9", names_of(asked, "openai")),
            ) as served,
        ):
            for record in asked:
                body = body_of(record)
                raw = await served.client.chat.completions.with_raw_response.create(
                    **{**body, "model": f"recorded/{body['model'].lower()}"}
                )
                given = raw.parse()
                if isinstance(given, AsyncStream):
                    chunks = [chunk async for chunk in given]
                    assert chunks
                else:
                    sent = json.loads(recordings.by_id(upstream.served[-1]).response.body)
                    assert given.model_dump(exclude_unset=True) == _as_sdk(sent)
            assert upstream.unmatched == []

    run(scenario)


def _as_sdk(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the SDK itself makes of the recorded body."""
    return ChatCompletion.construct(**sent).model_dump(exclude_unset=True)


@pytest.mark.parametrize("name", ["all", "", "any-name-you-like", "recorded/{}", "openai:{}"])
def test_every_kind_of_name_leads_there(name: str, shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="openai", api="chat.completions")
    record = next(r for r in recordings if is_simple_chat(r) and not r.response.is_streamed)
    body = body_of(record)

    async def scenario() -> None:
        async with (
            ReplayUpstream(Recordings([record])) as upstream,
            gateway(
                tmp_path,
                project(upstream.base_url, "http://127.0.0.1:9", names_of([record], "openai")),
            ) as served,
        ):
            model = name.format(body["model"])
            reply = await served.client.chat.completions.create(**{**body, "model": model})
            assert reply.id == json.loads(record.response.body)["id"]

    run(scenario)


def test_a_changed_tool_name_is_refused_with_a_diff(shared: Path, tmp_path: Path) -> None:
    recordings = Recordings.load(shared / "data/wire", provider="openai", api="chat.completions")
    record = next(r for r in recordings if is_simple_chat(r) and "tools" in body_of(r))
    body = body_of(record)
    name = body["tools"][0]["function"]["name"]

    async def scenario() -> None:
        async with (
            ReplayUpstream(Recordings([record])) as upstream,
            gateway(
                tmp_path,
                project(upstream.base_url, "http://127.0.0.1:9", names_of([record], "openai")),
            ) as served,
        ):
            tools = json.loads(json.dumps(body["tools"]).replace(name, f"{name}_changed"))
            from openai import NotFoundError

            with pytest.raises(NotFoundError):
                await served.client.chat.completions.create(**{**body, "tools": tools})
            assert f"{name}_changed" in upstream.unmatched[0].diff

    run(scenario)
