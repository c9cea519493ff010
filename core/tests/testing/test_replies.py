"""The built replies are what the official clients of the two formats read."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import anthropic
import openai
import pytest

from multiroute_core.testing import (
    Answer,
    EventStream,
    ScriptedToolCall,
    ScriptedUpstream,
    ScriptedUsage,
    Step,
    chat_chunks,
    chat_error,
    chat_error_event,
    chat_reply,
    chat_stream,
    messages_error,
    messages_error_event,
    messages_event,
    messages_events,
    messages_reply,
    messages_stream,
    sse_event,
)

CALLS = (
    ScriptedToolCall("get_weather", {"city": "Köln", "days": 2}),
    ScriptedToolCall("get_time", "{}", id="mine"),
)
USAGE = ScriptedUsage(
    input_tokens=7,
    output_tokens=5,
    cache_read_tokens=3,
    cache_write_tokens=2,
    reasoning_tokens=4,
)
QUESTION = [{"role": "user", "content": "hi"}]


async def _chat(step: Step, **options: object) -> object:
    async with (
        ScriptedUpstream(step) as upstream,
        openai.AsyncOpenAI(base_url=upstream.base_url, api_key="x", max_retries=0) as client,
    ):
        reply = await client.chat.completions.create(model="m", messages=QUESTION, **options)  # type: ignore[call-overload]  # options are any
        return [chunk async for chunk in reply] if options.get("stream") else reply


async def _messages(step: Step) -> anthropic.types.Message:
    async with (
        ScriptedUpstream(step) as upstream,
        anthropic.AsyncAnthropic(base_url=upstream.base_url, api_key="x", max_retries=0) as client,
    ):
        return await client.messages.create(model="m", max_tokens=9, messages=QUESTION)  # type: ignore[arg-type]  # plain dicts


async def _messages_streamed(step: Step) -> anthropic.types.Message:
    async with (
        ScriptedUpstream(step) as upstream,
        anthropic.AsyncAnthropic(base_url=upstream.base_url, api_key="x", max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream,  # type: ignore[arg-type]  # plain dicts
    ):
        return await stream.get_final_message()


def test_a_chat_reply_is_read_by_the_official_client() -> None:
    reply = asyncio.run(_chat(Answer(body=chat_reply("Hello.", tool_calls=CALLS, usage=USAGE))))
    assert isinstance(reply, openai.types.chat.ChatCompletion)
    [choice] = reply.choices
    assert choice.message.content == "Hello."
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls or []
    assert [(call.id, call.function.name) for call in calls] == [  # type: ignore[union-attr]  # function calls only
        ("call_scripted_1_0", "get_weather"),
        ("mine", "get_time"),
    ]
    assert json.loads(calls[0].function.arguments) == {"city": "Köln", "days": 2}  # type: ignore[union-attr]  # as above
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (12, 9)
    assert reply.usage.total_tokens == 21
    assert reply.usage.prompt_tokens_details.cached_tokens == 3  # type: ignore[union-attr]  # it is there


def test_a_chat_stream_says_the_same_as_the_whole_reply() -> None:
    stream = chat_stream(["Hel", "lo."], tool_calls=CALLS, usage=USAGE, reasoning="so so")
    chunks = asyncio.run(_chat(Answer(body=stream), stream=True))
    assert isinstance(chunks, list)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Hello."
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == "so so"
    arguments: dict[int, str] = {}
    for call in (call for delta in deltas for call in delta.tool_calls or []):
        arguments[call.index] = arguments.get(call.index, "") + call.function.arguments
    assert [json.loads(text) for text in arguments.values()] == [{"city": "Köln", "days": 2}, {}]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "tool_calls"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [21]
    assert chunks[-1].choices == []


def test_a_chat_stream_has_a_usage_chunk_and_an_end_only_where_asked() -> None:
    assert all("usage" not in chunk for chunk in chat_chunks("a b"))
    assert chat_stream("a").endswith(b"data: [DONE]\n\n")
    assert b"[DONE]" not in chat_stream("a", done=False)


def test_a_messages_reply_is_read_by_the_official_client() -> None:
    body = messages_reply("Hello.", tool_calls=CALLS, usage=USAGE, thinking="so so")
    reply = asyncio.run(_messages(Answer(body=body)))
    assert [block.type for block in reply.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert reply.stop_reason == "tool_use"
    assert reply.content[2].input == {"city": "Köln", "days": 2}  # type: ignore[union-attr]  # a tool use
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 9)
    assert reply.usage.cache_read_input_tokens == 3


def test_a_messages_stream_folds_to_the_whole_reply() -> None:
    options = {"tool_calls": CALLS, "usage": USAGE, "thinking": "so so", "seed": 4}
    whole = asyncio.run(_messages(Answer(body=messages_reply("Hello you.", **options))))  # type: ignore[arg-type]  # options are any
    streamed = asyncio.run(
        _messages_streamed(Answer(body=messages_stream("Hello you.", **options)))  # type: ignore[arg-type]  # options are any
    )
    unset = {"parsed_output": True, "partial_json": True}
    assert [block.model_dump(exclude=set(unset)) for block in streamed.content] == [
        block.model_dump(exclude=set(unset)) for block in whole.content
    ]
    assert (streamed.id, streamed.stop_reason) == (whole.id, whole.stop_reason)
    assert streamed.usage.output_tokens == whole.usage.output_tokens == 9
    assert streamed.usage.input_tokens == 7


def test_a_messages_stream_has_the_documented_order_of_events() -> None:
    kinds = [event["type"] for event in messages_events("one two", tool_calls=CALLS[1:])]
    assert kinds == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert messages_events("x")[0]["message"]["stop_reason"] is None
    assert messages_event({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_chat_error_is_raised_by_the_official_client_as_its_class() -> None:
    step = chat_error(
        429, "slow down", "requests", "rate_limit_exceeded", headers={"retry-after-ms": "1500"}
    )
    with pytest.raises(openai.RateLimitError) as caught:
        asyncio.run(_chat(step))
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after-ms"] == "1500"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("invalid_request_error", 400)],
)
def test_a_messages_error_has_its_documented_status(kind: str, status: int) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        asyncio.run(_messages(messages_error(kind)))
    assert caught.value.status_code == status
    assert caught.value.request_id == "req_scripted"
    assert caught.value.response.json()["error"]["type"] == kind


def test_a_messages_error_of_another_type_needs_a_status() -> None:
    with pytest.raises(ValueError, match="use invalid_request_error"):
        messages_error("odd_error")
    assert messages_error("odd_error", status=418).status == 418


def test_error_events_in_a_stream_are_raised_by_the_official_clients() -> None:
    chat = EventStream.of(map(sse_event, chat_chunks("a b")[:2]), chat_error_event("late"))
    with pytest.raises(openai.APIError, match="late"):
        asyncio.run(_chat(Answer(body=chat), stream=True))
    messages = EventStream.of(
        map(messages_event, messages_events("a b")[:4]), messages_error_event("overloaded_error")
    )
    with pytest.raises(anthropic.APIStatusError):
        asyncio.run(_messages_streamed(Answer(body=messages)))


def test_the_same_seed_gives_the_same_bytes_and_another_other_ids() -> None:
    assert chat_stream("a", tool_calls=CALLS) == chat_stream("a", tool_calls=CALLS)
    assert messages_stream("a", tool_calls=CALLS) == messages_stream("a", tool_calls=CALLS)
    assert chat_reply("a")["id"] != chat_reply("a", seed=2)["id"]
    assert messages_reply("a")["id"] != messages_reply("a", seed=2)["id"]


def test_broken_tool_arguments_can_be_sent() -> None:
    broken = ScriptedToolCall("f", '{"a": ')
    [call] = chat_reply(None, tool_calls=[broken])["choices"][0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == '{"a": '


def test_an_answer_changes_by_replacement() -> None:
    answer = Answer(body=chat_stream("a"), cut_at=5)
    changed = dataclasses.replace(answer, body={"now": "json"}, cut_at=None)
    assert changed.header_pairs == (("content-type", "application/json"),)
    assert changed.pieces == (b'{"now":"json"}',)
    assert changed.wire_framing == "length"
