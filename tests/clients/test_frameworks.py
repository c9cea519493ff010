"""Frameworks that people really use, unchanged, through the gateway."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from multiroute_core.testing import (
    Answer,
    ScriptedToolCall,
    ScriptedUpstream,
    Step,
    chat_reply,
    chat_stream,
    messages_reply,
    messages_stream,
)
from tests.e2e.gateway import gateway, run, two_providers

# The frameworks keep their HTTP clients open for the process's life; that is theirs to do.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Their garbage is warned of here, not in a later test."""
    yield
    gc.collect()


SSE = (("content-type", "text/event-stream"),)
CALL = ScriptedToolCall("weather", '{"city": "Paris"}')


def chat_upstream() -> ScriptedUpstream:
    """An upstream that speaks chat: it asks for the weather, then says it."""

    def answer(seen: Any) -> Step:
        asked: Mapping[str, Any] = seen.json()
        done = any(message["role"] == "tool" for message in asked["messages"])
        wants = bool(asked.get("tools")) and not done
        calls = (CALL,) if wants else ()
        text = None if wants else "It is sunny in Paris."
        if asked.get("stream"):
            pieces = None if wants else ["It is ", "sunny in Paris."]
            return Answer(body=chat_stream(pieces, tool_calls=calls), headers=SSE)
        return Answer(body=chat_reply(text, tool_calls=calls))

    return ScriptedUpstream(answer)


def messages_upstream() -> ScriptedUpstream:
    """The same over messages: reached by translation."""

    def answer(seen: Any) -> Step:
        asked: Mapping[str, Any] = seen.json()
        done = "tool_result" in str(asked["messages"])
        wants = bool(asked.get("tools")) and not done
        calls = (CALL,) if wants else ()
        if asked.get("stream"):
            pieces = None if wants else ["It is ", "sunny in Paris."]
            return Answer(body=messages_stream(pieces, tool_calls=calls), headers=SSE)
        return Answer(
            body=messages_reply(None if wants else "It is sunny in Paris.", tool_calls=calls)
        )

    return ScriptedUpstream(answer)


MODELS = ["lab/first", "lab/second"]
"""One that is passed on as chat, one that is translated to messages."""


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("model", MODELS)
def test_langchain_talks_calls_tools_and_streams(model: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            chat_upstream() as first,
            messages_upstream() as second,
            gateway(tmp_path, two_providers(first.base_url, second.base_url)) as served,
        ):
            llm = ChatOpenAI(model=model, base_url=f"{served.url}/v1", api_key=SecretStr("k"))
            assert (await llm.ainvoke("hi")).content == "It is sunny in Paris."
            asked = await llm.bind_tools([weather]).ainvoke("weather in Paris?")
            assert isinstance(asked, AIMessage)
            (call,) = asked.tool_calls
            assert (call["name"], call["args"]) == ("weather", {"city": "Paris"})
            result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
            final = await llm.bind_tools([weather]).ainvoke(
                [("user", "weather in Paris?"), asked, result]
            )
            assert final.content == "It is sunny in Paris."
            pieces = [str(piece.content) async for piece in llm.astream("hi")]
            assert "".join(pieces) == "It is sunny in Paris."
            assert len([piece for piece in pieces if piece]) == 2

    run(scenario)


@pytest.mark.parametrize("model", MODELS)
def test_a_pydantic_ai_agent_runs_its_tool_loop(model: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            chat_upstream() as first,
            messages_upstream() as second,
            gateway(tmp_path, two_providers(first.base_url, second.base_url)) as served,
        ):
            provider = OpenAIProvider(base_url=f"{served.url}/v1", api_key="k")
            agent = Agent(OpenAIChatModel(model, provider=provider))
            seen: list[str] = []

            @agent.tool_plain(name="weather")
            def look(city: str) -> str:
                """The weather in a city."""
                seen.append(city)
                return f"sunny in {city}"

            result = await agent.run("weather in Paris?")
            assert result.output == "It is sunny in Paris."
            assert seen == ["Paris"]
            async with agent.run_stream("weather in Paris?") as stream:
                assert await stream.get_output() == "It is sunny in Paris."

    run(scenario)


class City(BaseModel):
    """A city."""

    name: str
    country: str


def test_langchain_gets_structured_output(tmp_path: Path) -> None:
    async def scenario() -> None:
        script = [Answer(body=chat_reply('{"name": "Paris", "country": "France"}'))]
        async with (
            ScriptedUpstream(script) as first,
            gateway(tmp_path, two_providers(first.base_url, first.base_url)) as served,
        ):
            llm = ChatOpenAI(model="lab/first", base_url=f"{served.url}/v1", api_key=SecretStr("k"))
            city = await llm.with_structured_output(City).ainvoke("a capital")
            assert city == City(name="Paris", country="France")
            sent = first.requests[0].json()
            assert sent["response_format"]["json_schema"]["schema"]["required"] == [
                "name",
                "country",
            ]

    run(scenario)
