"""The sandbox end to end: its adapter against its own upstream, over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import get_args

import httpx
import pluggy
import pytest
from pydantic import ValidationError

import multiroute_sandbox
from multiroute_core.api import (
    Broken,
    Call,
    ChatBody,
    Event,
    Fault,
    Finish,
    Head,
    Message,
    Part,
    Reply,
    Target,
    fold,
    hookspecs,
)
from multiroute_core.wire import chat
from multiroute_sandbox import Sandbox, SandboxSettings
from multiroute_sandbox.settings import FaultWord

HELLO = {"messages": [{"role": "user", "content": "Hello there, sandbox!"}]}
LABELLED = "This is the MultiRoute sandbox, not a model. You said: Hello there, sandbox!"


class Host:
    """What the core gives an adapter."""

    instance = "sandbox"
    credentials: tuple[str, ...] = ()
    fetch = None

    def __init__(self, base_url: str = "") -> None:
        self.base_url = base_url

    def secret(self, credential: str) -> str:
        raise LookupError(credential)

    def now_s(self) -> float:
        return time.time()


@asynccontextmanager
async def running(**settings):
    sandbox = Sandbox(SandboxSettings.model_validate(settings), Host())
    try:
        await sandbox.start()
        yield sandbox
    finally:
        await sandbox.aclose()


def target(sandbox: Sandbox, upstream_id: str) -> Target:
    return Target(
        f"sandbox:{upstream_id}",
        "sandbox",
        upstream_id,
        f"sandbox/{upstream_id}",
        sandbox.origin() or "",
    )


async def exchange(sandbox: Sandbox, doc: dict, model: str = "echo") -> tuple[list[Event], Head]:
    """One pass-lane attempt, as the engine makes it: put over, send, decode."""
    call = chat.decode_call({"model": "balanced", **doc})
    relay = sandbox.relay(call, target(sandbox, model))
    assert relay is not None
    sent = {**doc, **relay.put}
    async with httpx.AsyncClient(timeout=httpx.Timeout(5.0, read=0.5)) as client:
        response = await client.post(relay.url, json=sent)
    head = Head(response.status_code, tuple(response.headers.raw))
    if response.status_code != 200:
        return [Broken(sandbox.classify(head, response.content))], head
    if not doc.get("stream"):
        return list(sandbox.decode(head, response.content, None)), head
    decoder = sandbox.decoder(head, None)
    return [*decoder.feed(response.content), *decoder.close()], head


def reply_to(doc: dict, model: str = "echo", **settings) -> Reply:
    async def scenario() -> Reply:
        async with running(**settings) as sandbox:
            return fold((await exchange(sandbox, doc, model))[0])

    return asyncio.run(scenario())


# ---- answers


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_says_that_it_is_not_a_models(stream: bool) -> None:
    reply = reply_to({**HELLO, "stream": stream})
    assert reply.text == LABELLED
    assert reply.model == "echo"
    assert reply.fault is None
    assert reply.choices[0].finish == Finish("stop", "stop", extra=reply.choices[0].finish.extra)


def test_stream_and_whole_reply_are_the_same_and_count_the_same() -> None:
    whole, streamed = reply_to(HELLO), reply_to({**HELLO, "stream": True})
    assert whole.text == streamed.text
    assert whole.usage is not None
    assert streamed.usage is not None
    assert whole.usage.input_tokens == streamed.usage.input_tokens == 4 + 6
    assert whole.usage.output_tokens == streamed.usage.output_tokens == len(LABELLED) // 4


def test_the_same_request_gets_the_same_bytes_and_another_one_another_id() -> None:
    other = {"messages": [{"role": "user", "content": "Something else"}]}
    assert reply_to(HELLO) == reply_to(HELLO)
    assert reply_to(HELLO).id != reply_to(other).id


def test_a_stream_comes_in_words() -> None:
    async def scenario() -> int:
        async with running() as sandbox:
            events, _ = await exchange(sandbox, {**HELLO, "stream": True})
            return sum(type(event).__name__ == "Delta" for event in events)

    assert asyncio.run(scenario()) == len(LABELLED.split(" "))


@pytest.mark.parametrize("asked", [False, True])
def test_usage_is_asked_for_in_a_stream_and_marked_as_ours_if_the_client_did_not(
    asked: bool,
) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    call = chat.decode_call({"model": "m", "stream": True, **HELLO, **options})
    sandbox = Sandbox(SandboxSettings(), Host("http://127.0.0.1:9/v1"))
    relay = sandbox.relay(call, target(sandbox, "echo"))
    assert relay is not None
    assert relay.usage_added is not asked
    assert relay.url == "http://127.0.0.1:9/v1/chat/completions"


def test_a_long_answer_ends_at_the_clients_limit() -> None:
    reply = reply_to({**HELLO, "max_tokens": 3})
    assert reply.text == LABELLED[:12]
    assert reply.usage is not None
    assert reply.usage.output_tokens == 3
    assert reply.choices[0].finish is not None
    assert reply.choices[0].finish.reason == "length"


def test_a_conversation_in_parts_is_read() -> None:
    parts = [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "this?"},
    ]
    doc = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "?"}]}
    reply = reply_to(doc)
    assert reply.text.endswith("You said: What is  this?")
    assert reply.usage is not None
    assert reply.usage.input_tokens > 85


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "note": {"type": "string"},
            },
            "required": ["city", "days", "unit"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("choice", "name", "arguments"),
    [
        ("required", "weather", {"city": "sandbox", "days": 1, "unit": "celsius"}),
        ({"type": "function", "function": {"name": "clock"}}, "clock", {}),
    ],
)
def test_a_forced_tool_is_called_with_arguments_that_fit(stream, choice, name, arguments) -> None:
    doc = {**HELLO, "tools": [WEATHER, CLOCK], "tool_choice": choice, "stream": stream}
    reply = reply_to(doc)
    [call] = reply.choices[0].tool_calls
    assert call.name == name
    assert json.loads(call.arguments or "") == arguments
    assert reply.choices[0].finish is not None
    assert reply.choices[0].finish.reason == "tool_calls"


def test_tools_that_may_be_called_are_not() -> None:
    assert reply_to({**HELLO, "tools": [WEATHER], "tool_choice": "auto"}).text == LABELLED


def test_structured_output_fits_its_schema() -> None:
    schema = WEATHER["function"]["parameters"]
    wanted = {"type": "json_schema", "json_schema": {"name": "w", "schema": schema}}
    reply = reply_to({**HELLO, "response_format": wanted})
    assert json.loads(reply.text) == {"city": "sandbox", "days": 1, "unit": "celsius"}
    anything = reply_to({**HELLO, "response_format": {"type": "json_object"}})
    assert json.loads(anything.text) == {"sandbox": True}


def test_a_call_of_another_format_is_translated() -> None:
    async def scenario() -> str:
        async with running() as sandbox:
            body = ChatBody((Message("user", (Part("text", text="Hello there, sandbox!"),)),))
            call = Call("chat", "balanced", "messages", False, body, {})
            assert sandbox.relay(call, target(sandbox, "echo")) is None
            encoded = sandbox.encode(call, target(sandbox, "echo"))
            request = await sandbox.authorize(encoded.request, target(sandbox, "echo"))
            async with httpx.AsyncClient() as client:
                response = await client.request(
                    request.method,
                    request.url,
                    content=request.body,
                    headers=[(k.decode(), v.decode()) for k, v in request.headers],
                )
            return fold(sandbox.decode(Head(200, ()), response.content, encoded.memo)).text

    assert asyncio.run(scenario()) == LABELLED


# ---- faults

ON_THE_SOCKET = {
    "refuse": httpx.ConnectError,
    "reset": httpx.ReadError,
    "hang": httpx.ReadTimeout,
    "stall": httpx.ReadTimeout,
}


def test_every_fault_word_is_tried_here() -> None:
    words = set(get_args(FaultWord))
    assert words == {*ERRORS, *ON_THE_SOCKET, "truncated", "empty", "error_event"}


ERRORS = (
    "rate_limited",
    "quota_exhausted",
    "overloaded",
    "upstream_5xx",
    "bad_request",
    "context_length",
    "content_filter",
    "not_found",
    "upstream_auth",
)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("word", ERRORS)
def test_a_word_of_the_fault_table_gives_an_error_of_that_kind(word: str, stream: bool) -> None:
    fault = reply_to({**HELLO, "stream": stream}, "flaky", faults={"flaky": word}).fault
    assert isinstance(fault, Fault)
    assert fault.kind == word
    assert fault.retry_after_s == (1.0 if word == "rate_limited" else None)
    assert "MultiRoute sandbox was told" in fault.message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("word", ON_THE_SOCKET)
def test_a_word_of_the_socket_is_felt_there(word: str, stream: bool) -> None:
    with pytest.raises(ON_THE_SOCKET[word]):
        reply_to({**HELLO, "stream": stream}, "flaky", faults={"flaky": word})


def test_an_answer_that_breaks_off_has_begun() -> None:
    async def scenario() -> tuple[bytes, bytes]:
        async with running(faults={"flaky": "truncated"}) as sandbox:
            url = f"{sandbox.origin()}/chat/completions"
            doc = {**HELLO, "stream": True}
            async with httpx.AsyncClient() as client:
                whole = (await client.post(url, json={**doc, "model": "a"})).content
                part = b""
                with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012 - a stream
                    async with client.stream("POST", url, json={**doc, "model": "flaky"}) as got:
                        async for piece in got.aiter_bytes():
                            part += piece
        return whole, part

    whole, part = asyncio.run(scenario())
    assert b'"content":"This "' in part
    assert 0 < len(part) < len(whole)
    assert b"[DONE]" not in part


@pytest.mark.parametrize(
    ("word", "stream", "kind"),
    [
        ("empty", False, "empty"),
        ("empty", True, "empty"),
        ("error_event", True, "error_event"),
        ("error_event", False, "error_in_200"),
    ],
)
def test_a_200_can_be_a_fault_too(word: str, stream: bool, kind: str) -> None:
    fault = reply_to({**HELLO, "stream": stream}, "flaky", faults={"flaky": word}).fault
    assert fault is not None
    assert fault.kind == kind
    if word == "error_event":
        assert fault.treated_as == "overloaded"


def test_other_models_answer_while_one_fails() -> None:
    assert reply_to(HELLO, "echo", faults={"flaky": "hang"}).text == LABELLED


# ---- life and settings


def test_the_upstream_lives_as_long_as_the_provider() -> None:
    async def scenario() -> None:
        sandbox = Sandbox(SandboxSettings(faults={"no": "refuse"}), Host())
        assert sandbox.origin() is None
        await sandbox.start()
        origin = sandbox.origin()
        assert origin is not None
        assert origin.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{origin}/models")).status_code == 404
            await sandbox.aclose()
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{origin}/models")
        await sandbox.aclose()

    asyncio.run(scenario())


def test_it_can_be_closed_without_having_been_started() -> None:
    asyncio.run(Sandbox(SandboxSettings(), Host()).aclose())


def test_with_a_base_url_of_its_own_it_starts_nothing() -> None:
    async def scenario() -> None:
        sandbox = Sandbox(SandboxSettings(), Host("http://127.0.0.1:9"))
        await sandbox.start()
        assert sandbox.origin() is None
        await sandbox.aclose()

    asyncio.run(scenario())


def test_what_was_asked_does_not_pile_up() -> None:
    async def scenario() -> int:
        async with running() as sandbox:
            for _ in range(5):
                await exchange(sandbox, HELLO)
            assert sandbox._upstream is not None
            return len(sandbox._upstream.requests)

    assert asyncio.run(scenario()) <= 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    async def scenario() -> int:
        async with running() as sandbox, httpx.AsyncClient() as client:
            url = f"{sandbox.origin()}/chat/completions"
            return (await client.post(url, content=body)).status_code

    assert asyncio.run(scenario()) == 400


@pytest.mark.parametrize(
    "doc", [{}, {"messages": 3}, {"messages": [7, {"role": "user", "content": {"a": 1}}]}]
)
def test_an_odd_document_is_answered_all_the_same(doc: dict) -> None:
    async def scenario() -> str:
        async with running() as sandbox, httpx.AsyncClient() as client:
            response = await client.post(f"{sandbox.origin()}/chat/completions", json=doc)
            return response.json()["choices"][0]["message"]["content"]

    assert asyncio.run(scenario()).endswith("You said nothing.")


def test_the_hooks_give_settings_and_provider() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(multiroute_sandbox)
    manager.check_pending()
    model = manager.hook.multiroute_settings(kind="provider", name="sandbox")
    settings = model.model_validate(
        {"models": ["tiny"], "faults": {"flaky": "hang"}, "latency": "50ms", "pace": "2ms"}
    )
    made = manager.hook.multiroute_make_provider(
        name="sandbox", instance="box", settings=settings, runtime=Host()
    )
    offered = made.offerings()
    assert [offering.id for offering in offered] == ["tiny", "flaky"]
    assert all("not-a-model" in offering.flags for offering in offered)
    assert (settings.latency, settings.pace) == (0.05, 0.002)


@pytest.mark.parametrize(
    "table", [{"faults": {"a": "explode"}}, {"latency": 3}, {"pace": "slow"}, {"model": []}]
)
def test_settings_that_make_no_sense_are_refused(table: dict) -> None:
    with pytest.raises(ValidationError):
        SandboxSettings.model_validate(table)
