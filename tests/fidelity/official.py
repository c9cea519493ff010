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
from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.fidelity.oracle.framing import frames, sse


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
    return state.current_completion_snapshot.model_dump(mode="json", warnings=False)


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
        return stream.get_final_message().model_dump(mode="json", warnings=False)


def _collect_responses(body: bytes) -> Any:
    return json.loads(load_stream("responses", body))


_COLLECTORS: dict[str, Callable[[bytes], Any]] = {
    "chat": _collect_chat,
    "responses": _collect_responses,
    "messages": _collect_messages,
}


# ---- replies in a client's dialect, loaded by that client ----------------------------------------

_CHUNK: TypeAdapter[Any] = TypeAdapter(ChatCompletionChunk)
_MESSAGE_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_CHAT: TypeAdapter[Any] = TypeAdapter(ChatCompletion)
_RESPONSE: TypeAdapter[Any] = TypeAdapter(Response)
_MESSAGE: TypeAdapter[Any] = TypeAdapter(Message)


def type_errors(dialect: str, body: bytes, framing: str | None) -> str | None:
    """Where a reply breaks the types of the official client; None: nowhere."""
    whole = {"chat": _CHAT, "responses": _RESPONSE, "messages": _MESSAGE}
    piece = {"chat": _CHUNK, "responses": _RESPONSE_EVENT, "messages": _MESSAGE_EVENT}
    for frame in frames(body, framing):
        if frame.text.strip() == "[DONE]" or frame.name == "ping":
            continue
        try:
            (whole if framing is None else piece)[dialect].validate_python(frame.doc)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            return f"{place}: {first['msg']} ({error.error_count()} errors)"
    return None


def load_whole(dialect: str, body: bytes) -> bytes:
    """What the official client of a dialect makes of a whole reply, as JSON."""
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
    """What the official client of a dialect collects from a stream, chunk by chunk, as JSON."""
    if dialect == "messages":
        return json.dumps(_collect_messages(body)).encode()
    other, memory = openai_client()
    memory.body, memory.content_type = body, "text/event-stream"
    if dialect == "chat":
        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for chunk in other.chat.completions.create(model="m", messages=[], stream=True):
            state.handle_chunk(chunk)
        return _dumped(state.current_completion_snapshot)
    final: Any = None
    for event in other.responses.create(model="m", input="hi", stream=True):
        if event.type in ("response.completed", "response.incomplete"):
            final = event.response
    if final is None:
        raise AssertionError("the stream has no final response")
    return _dumped(final)


def _dumped(model: BaseModel) -> bytes:
    return json.dumps(model.model_dump(mode="json", exclude_unset=True, warnings=False)).encode()
