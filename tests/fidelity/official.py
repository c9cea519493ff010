"""The official clients, over memory instead of a network: what they make of a stream or a reply."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
from anthropic.types import Message, RawMessageStreamEvent
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.fidelity.oracle.framing import sse


class _Memory(httpx2.BaseTransport):
    """Answers every request with the body that was put here."""

    def __init__(self) -> None:
        self.body = b""
        self.content_type = "application/json"

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": self.content_type}
        return httpx2.Response(200, headers=headers, content=self.body, request=request)


@cache
def openai_client() -> tuple[openai.OpenAI, _Memory]:
    memory = _Memory()
    client = httpx2.Client(transport=memory)
    return openai.OpenAI(api_key="k", base_url="http://memory/v1", http_client=client), memory


@cache
def anthropic_client() -> tuple[anthropic.Anthropic, _Memory]:
    memory = _Memory()
    client = httpx2.Client(transport=memory)
    made = anthropic.Anthropic(api_key="k", base_url="http://memory", http_client=client)
    return made, memory


def collected(form: str, body: bytes) -> bytes | None:
    """The document that the official client of a format collects from a stream; None: it has no
    client here, or does not manage (a dialect of another vendor)."""
    collect = _COLLECTORS.get(form)
    if collect is None:
        return None
    # A border: these clients are strict about their own vendor's habits, which others break.
    try:
        return json.dumps(collect(body)).encode()
    except Exception:  # noqa: BLE001  foreign code
        return None


def _collect_chat(body: bytes) -> Any:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    named: set[tuple[int, int]] = set()
    for frame in sse(body):
        if frame.text.strip() == "[DONE]":
            continue
        doc = frame.doc
        for choice in doc.get("choices") or ():
            for call in (choice.get("delta") or {}).get("tool_calls") or ():
                _name_once(call, (choice["index"], call["index"]), named)
        state.handle_chunk(ChatCompletionChunk.model_validate(doc))
    return state.get_final_completion().model_dump(mode="json")


def _name_once(call: dict[str, Any], place: tuple[int, int], named: set[tuple[int, int]]) -> None:
    """The client joins the name and id of every chunk; some providers repeat them in each."""
    if place in named:
        call.pop("id", None)
        (call.get("function") or {}).pop("name", None)
    named.add(place)


def _collect_messages(body: bytes) -> Any:
    client, memory = anthropic_client()
    memory.body, memory.content_type = body, "text/event-stream"
    with client.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        return stream.get_final_message().model_dump(mode="json")


_COLLECTORS: dict[str, Callable[[bytes], Any]] = {
    "chat": _collect_chat,
    "messages": _collect_messages,
}


# ---- replies in a client's dialect, loaded by that client ----------------------------------------

_CHUNK: TypeAdapter[Any] = TypeAdapter(ChatCompletionChunk)
_MESSAGE_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_WHOLE: dict[str, TypeAdapter[Any]] = {
    "chat": TypeAdapter(ChatCompletion),
    "responses": TypeAdapter(Response),
    "messages": TypeAdapter(Message),
}


def load_whole(dialect: str, body: bytes) -> bytes:
    """What the official client of a dialect makes of a whole reply, as JSON; its types hold."""
    _WHOLE[dialect].validate_python(json.loads(body))
    if dialect == "messages":
        client, memory = anthropic_client()
        memory.body, memory.content_type = body, "application/json"
        return _dumped(client.messages.create(model="m", max_tokens=9, messages=[]))
    other, memory = openai_client()
    memory.body, memory.content_type = body, "application/json"
    if dialect == "chat":
        return _dumped(other.chat.completions.create(model="m", messages=[]))
    return _dumped(other.responses.create(model="m", input="hi"))


def load_stream(dialect: str, body: bytes) -> bytes:
    """What the official client of a dialect collects from a stream, chunk by chunk, as JSON; the
    types of every chunk hold."""
    if dialect == "messages":
        return _load_messages(body)
    other, memory = openai_client()
    memory.body, memory.content_type = body, "text/event-stream"
    if dialect == "chat":
        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for chunk in other.chat.completions.create(model="m", messages=[], stream=True):
            _CHUNK.validate_python(chunk.model_dump(exclude_unset=True))
            state.handle_chunk(chunk)
        return _dumped(state.get_final_completion())
    final: Any = None
    for event in other.responses.create(model="m", input="hi", stream=True):
        _RESPONSE_EVENT.validate_python(event.model_dump(exclude_unset=True))
        if event.type in ("response.completed", "response.incomplete"):
            final = event.response
    if final is None:
        raise AssertionError("the stream has no final response")
    return _dumped(final)


def _load_messages(body: bytes) -> bytes:
    for frame in sse(body):
        if frame.name != "ping":
            _MESSAGE_EVENT.validate_python(frame.doc)
    return json.dumps(_collect_messages(body)).encode()


def _dumped(model: BaseModel) -> bytes:
    return json.dumps(model.model_dump(mode="json", exclude_unset=True)).encode()
