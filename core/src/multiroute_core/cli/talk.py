"""Talk: one conversation, answered in this process or by a running gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import httpx

    from multiroute_core.api import Event, Fault
    from multiroute_core.engine.sink import Answer
    from multiroute_core.router import MultiRoute

_CONNECT_S = 5.0
_IDLE_S = 120.0


@dataclass(frozen=True, slots=True)
class Note:
    """Who answered, and under which decision; "" where it is not known."""

    target: str = ""
    model: str = ""
    decision: str = ""
    attempts: int = 1

    def __str__(self) -> str:
        parts = [self.target or self.model]
        if self.attempts > 1:
            parts.append(f"{self.attempts} attempts")
        if self.decision:
            parts.append(f"why: multiroute explain {self.decision}")
        return " · ".join(part for part in parts if part)


class Talk(Protocol):
    """Answers a conversation piece by piece."""

    def say(self, messages: Sequence[dict[str, str]], *, stream: bool) -> AsyncIterator[str]:
        """The answer's text as it comes; one piece without `stream`.

        Raises:
            CallError: there is no answer, or it broke.
        """
        ...

    @property
    def note(self) -> Note:
        """Of the last answer."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class InProcess:
    """A router of our own, started for the conversation."""

    def __init__(self, router: MultiRoute, model: str) -> None:
        self._router = router
        self._model = model
        self._sink = _PieceSink()

    async def __aenter__(self) -> Self:
        await self._router.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._router.__aexit__(kind, error, trace)

    @property
    def note(self) -> Note:
        """Of the last answer."""
        answer = self._sink.answer
        if answer is None:
            return Note()
        return Note(answer.target, answer.model, answer.decision_id, answer.attempts)

    async def say(
        self, messages: Sequence[dict[str, str]], *, stream: bool
    ) -> AsyncIterator[str]:
        """The answer's text as it comes."""
        import asyncio
        import secrets

        from multiroute_core.cli.session import operator

        sink = self._sink = _PieceSink()
        document: dict[str, Any] = {
            "model": self._model, "messages": list(messages), "stream": stream
        }  # fmt: skip
        router = self._router
        call = router.dialects["chat"].call("chat", document, ())
        call_id = f"chat-{secrets.token_hex(8)}"

        async def answer() -> None:
            try:
                await router.answer(call, operator(router), sink, call_id)
            finally:
                await sink.pieces.put(None)

        task = asyncio.create_task(answer())
        try:
            while (piece := await sink.pieces.get()) is not None:
                yield piece
            await task
            if sink.fault is not None:
                raise _broken(sink.fault, sink.answer)
        finally:
            task.cancel()
            await asyncio.wait([task])


class _PieceSink:
    """Hands the text of an answer over, a few pieces ahead of the reader at most."""

    def __init__(self) -> None:
        import asyncio

        self.pieces: asyncio.Queue[str | None] = asyncio.Queue(64)
        self.answer: Answer | None = None
        self.fault: Fault | None = None

    async def begin(self, answer: Answer) -> None:
        self.answer = answer

    async def send(self, events: Sequence[Event], raw: bytes | None) -> None:
        from multiroute_core.api import Delta, PartStart

        for event in events:
            if isinstance(event, Delta) and event.channel in ("text", "refusal"):
                await self.pieces.put(str(event.value))
            elif isinstance(event, PartStart) and event.part.kind == "text" and event.part.text:
                await self.pieces.put(event.part.text)

    async def end(self, tail: bytes | None) -> None:
        pass

    async def fail(self, fault: Fault) -> None:
        self.fault = fault


def _broken(fault: Fault, answer: Answer | None) -> Exception:
    from multiroute_core.api import CallFailed

    error = CallFailed(fault)
    error.decision_id = answer.decision_id if answer is not None else ""
    return error


class OverHttp:
    """A running gateway."""

    def __init__(self, url: str, key: str, model: str) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._key = key
        self._model = model
        self._client: httpx.AsyncClient | None = None
        self.note = Note()

    async def __aenter__(self) -> Self:
        import httpx

        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx.Timeout(_IDLE_S, connect=_CONNECT_S)
        self._client = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._client is not None
        await self._client.aclose()

    async def say(
        self, messages: Sequence[dict[str, str]], *, stream: bool
    ) -> AsyncIterator[str]:
        """The answer's text as it comes."""
        import httpx

        assert self._client is not None
        document = {"model": self._model, "messages": list(messages), "stream": stream}
        try:
            async with self._client.stream(
                "POST", "/v1/chat/completions", json=document
            ) as response:
                self.note = _note_of(response)
                if response.is_error:
                    raise _refused(response.status_code, await response.aread(), self.note)
                if not stream:
                    yield _text_of(json.loads(await response.aread()), "message")
                    return
                async with aclosing(_events(response)) as events:
                    async for event in events:
                        yield _text_of(event, "delta")
        except httpx.ConnectError as exc:
            raise _unreachable(self._url) from exc
        except httpx.HTTPError as exc:
            raise _cut_off(type(exc).__name__) from exc


def _note_of(response: httpx.Response) -> Note:
    attempts = response.headers.get("x-multiroute-attempts", "1")
    return Note(
        target=response.headers.get("x-multiroute-target", ""),
        model=response.headers.get("x-multiroute-model", ""),
        decision=response.headers.get("x-multiroute-decision", ""),
        attempts=int(attempts) if attempts.isdecimal() else 1,
    )


async def _events(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON events of a stream, up to its end mark.

    Raises:
        CallFailed: an error event, or an end without the mark.
    """
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        if data:
            event = json.loads(data)
            if "error" in event:
                raise _cut_off(str(event["error"].get("message", "")))
            yield event
    raise _cut_off("the stream ended early")


def _text_of(document: dict[str, Any], part: str) -> str:
    """The text of the first choice."""
    choices = document.get("choices") or [{}]
    inner = choices[0].get(part) or {}
    return str(inner.get("content") or inner.get("refusal") or "")


def _cut_off(why: str) -> Exception:
    from multiroute_core.api import CallFailed, Fault

    return CallFailed(Fault("truncated", f"the answer broke off: {why}"))


def _refused(status: int, body: bytes, note: Note) -> Exception:
    """The gateway's error in its own words."""
    from multiroute_core.api import CallError

    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "the address answers, but not as a gateway of this project does"
    error = CallError(f"{message} (status {status})")
    error.decision_id = note.decision
    return error


def _unreachable(url: str) -> Exception:
    from multiroute_core.api import CallError

    return CallError(
        f"nothing answers at {url} (start it: multiroute serve; "
        "without --url the answer is made in this process)"
    )
