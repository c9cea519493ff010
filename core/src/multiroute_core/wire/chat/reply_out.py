"""Replies for clients of the chat format: whole, and as a stream of chunks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call
from multiroute_core.api.content import Part
from multiroute_core.api.events import (
    Delta,
    Event,
    Finish,
    FinishReason,
    Opaque,
    PartEnd,
    PartStart,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.reply import Choice, Reply
from multiroute_core.api.usage import Usage, merged
from multiroute_core.wire.chat.details import thinking_detail
from multiroute_core.wire.chat.usage import write_usage
from multiroute_core.wire.chat.words import WIRE
from multiroute_core.wire.sse import encode_event
from multiroute_core.wire.strict import dump

REASONS: Final[Mapping[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "stop",
    "other": "stop",
}
_TOP_KEPT: Final = ("service_tier", "system_fingerprint")
DONE: Final = b"data: [DONE]\n\n"


def annotation(citation: JsonObject, text_length: int) -> dict[str, Json] | None:
    """A citation as this format's url_citation; None where it cites no address."""
    if citation.get("type") == "url_citation":
        return dict(citation)
    url = citation.get("url")
    if not isinstance(url, str):
        return None
    return {
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": citation.get("title") or "",
            "start_index": 0,
            "end_index": text_length,
        },
    }


def lost_part(part: Part, path: str) -> Loss:
    """The receipt for a part that this format cannot show."""
    return Loss(path, f"{part.kind} {part.name or ''}".strip(), "the chat format has no such part")


def write_reply(reply: Reply, call: Call) -> tuple[bytes, tuple[Loss, ...]]:
    """A whole reply as JSON, and what of it this format could not show."""
    losses: list[Loss] = []
    created = reply.extra.get("created")
    doc: dict[str, Json] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": created if isinstance(created, int) else int(time.time()),
        "model": reply.model,
        "choices": [_choice(c, i, losses) for i, c in enumerate(reply.choices)],
    }
    for name in _TOP_KEPT:
        if reply.extra.get(name) is not None:
            doc[name] = reply.extra[name]
    if reply.usage is not None:
        doc["usage"] = write_usage(reply.usage)
    return dump(doc), tuple(losses)


def _choice(choice: Choice, number: int, losses: list[Loss]) -> dict[str, Json]:
    texts: list[str] = []
    thoughts: list[str] = []
    details: list[Json] = []
    refusals: list[str] = []
    calls: list[Json] = []
    annotations: list[Json] = []
    message: dict[str, Json] = {"role": "assistant"}
    for at, part in enumerate(choice.parts):
        path = f"choices[{number}].parts[{at}]"
        if part.kind == "text":
            texts.append(part.text)
            for citation in part.citations:
                written = annotation(citation, len(part.text))
                if written is None:
                    losses.append(Loss(f"{path}.citations", "citation", "it has no address"))
                else:
                    annotations.append(written)
        elif part.kind == "thinking":
            thoughts.append(part.text)
            if part.signature is not None:
                details.append(thinking_detail(part, len(details)))
        elif part.kind == "refusal":
            refusals.append(part.text)
        elif part.kind == "tool_call":
            calls.append(
                {
                    "id": part.id or "",
                    "type": "function",
                    "function": {"name": part.name or "", "arguments": part.arguments or ""},
                }
            )
        elif part.kind == "audio" and part.media is not None:
            message["audio"] = {
                "id": part.id or "",
                "data": part.media.data_b64 or "",
                "transcript": part.text,
                "expires_at": 0,
            }
        else:
            losses.append(lost_part(part, path))
    message["content"] = "".join(texts) if texts else None
    if refusals:
        message["refusal"] = "".join(refusals)
    if any(thoughts):
        message["reasoning_content"] = "".join(thoughts)
    if details:
        message["reasoning_details"] = details
    if annotations:
        message["annotations"] = annotations
    if calls:
        message["tool_calls"] = calls
    finish = choice.finish
    written_choice: dict[str, Json] = {
        "index": number,
        "message": message,
        "finish_reason": REASONS[finish.reason] if finish is not None else "stop",
    }
    if choice.logprobs:
        content = [item for block in choice.logprobs for item in _tokens(block)]
        written_choice["logprobs"] = {"content": content}
    return written_choice


def _tokens(block: JsonObject) -> Sequence[Json]:
    content = block.get("content")
    return content if isinstance(content, Sequence) and not isinstance(content, str) else ()


class ChatWriter:
    """Writes one reply as chat completion chunks.

    Usage is sent in a last chunk without choices, if the client asked for it.
    """

    def __init__(self, call: Call) -> None:
        self._wants_usage = call.client_wants_usage
        self._head: dict[str, Json] = {
            "id": "",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "",
        }
        self._calls: dict[tuple[int, int], int] = {}
        self._count: dict[int, int] = {}
        self._thinking: dict[tuple[int, int], Part] = {}
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._signatures: dict[tuple[int, int], list[str]] = {}
        self._hidden: set[tuple[int, int]] = set()
        self._details = 0
        self._opened: set[int] = set()
        self._usage: Usage | None = None
        self._losses: list[Loss] = []

    def feed(self, events: Sequence[Event]) -> bytes:
        """The chunks that tell these events."""
        return b"".join([self._event(event) for event in events])

    def fail(self, fault: Fault) -> bytes:
        """An error event; no [DONE] follows it."""
        error: dict[str, Json] = {
            "message": fault.message,
            "type": "upstream_error",
            "code": fault.treated_as,
            "param": None,
        }
        return encode_event(dump({"error": error}))

    def close(self) -> bytes:
        """The usage chunk, if it was asked for, and [DONE]."""
        if self._wants_usage and self._usage is not None:
            doc = {**self._head, "choices": [], "usage": write_usage(self._usage)}
            return encode_event(dump(doc)) + DONE
        return DONE

    def losses(self) -> Sequence[Loss]:
        """What of the events this format could not show."""
        return tuple(self._losses)

    def _chunk(self, choice: int, delta: dict[str, Json], finish: str | None = None) -> bytes:
        if choice not in self._opened:
            self._opened.add(choice)
            delta = {"role": "assistant", **delta}
        written: list[Json] = [{"index": choice, "delta": delta, "finish_reason": finish}]
        return encode_event(dump({**self._head, "choices": written}))

    def _event(self, event: Event) -> bytes:
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, PartStart):
            return self._start(event)
        if isinstance(event, PartEnd):
            return self._end(event)
        if isinstance(event, Start):
            created = event.extra.get("created")
            self._head["id"] = event.id
            self._head["model"] = event.model
            self._head["created"] = created if isinstance(created, int) else int(time.time())
            for name in _TOP_KEPT:
                if event.extra.get(name) is not None:
                    self._head[name] = event.extra[name]
            return self._chunk(0, {"content": ""})
        if isinstance(event, Finish):
            return self._chunk(event.choice, {}, REASONS[event.reason])
        if isinstance(event, Used):
            self._usage = merged(self._usage, event.usage)
        elif isinstance(event, Opaque) and event.wire != WIRE:
            self._losses.append(Loss(event.name, "event", "the chat format has no such event"))
        return b""

    def _start(self, event: PartStart) -> bytes:
        part = event.part
        key = (event.choice, event.at)
        if part.kind == "tool_call":
            index = self._count.get(event.choice, 0)
            self._count[event.choice] = index + 1
            self._calls[key] = index
            call: dict[str, Json] = {
                "index": index,
                "id": part.id or "",
                "type": "function",
                "function": {"name": part.name or "", "arguments": part.arguments or ""},
            }
            return self._chunk(event.choice, {"tool_calls": [call]})
        if part.kind == "thinking":
            self._thinking[key] = part
            self._pieces[key] = [part.text]
            self._signatures[key] = [part.signature] if part.signature else []
            return self._chunk(event.choice, {"reasoning_content": part.text}) if part.text else b""
        if part.kind in ("text", "refusal"):
            name = "content" if part.kind == "text" else "refusal"
            return self._chunk(event.choice, {name: part.text}) if part.text else b""
        if part.kind != "audio":
            self._hidden.add(key)
            self._losses.append(lost_part(part, f"choices[{event.choice}].parts[{event.at}]"))
        return b""

    def _end(self, event: PartEnd) -> bytes:
        """A thinking part with a signature is told whole, so that clients can send it back."""
        key = (event.choice, event.at)
        part = self._thinking.pop(key, None)
        if part is None or not self._signatures[key]:
            return b""
        whole = Part(
            "thinking",
            text="".join(self._pieces.pop(key)),
            id=part.id,
            signature="".join(self._signatures.pop(key)),
            origin=part.origin,
        )
        detail = thinking_detail(whole, self._details)
        self._details += 1
        return self._chunk(event.choice, {"reasoning_details": [detail]})

    def _delta(self, event: Delta) -> bytes:
        key = (event.choice, event.at)
        channel = event.channel
        value = event.value
        if channel == "logprobs":
            written: list[Json] = [
                {"index": event.choice, "delta": {}, "finish_reason": None, "logprobs": value}
            ]
            return encode_event(dump({**self._head, "choices": written}))
        if key in self._hidden:
            return b""
        if channel == "text":
            return self._chunk(event.choice, {"content": value})
        if channel == "arguments":
            call: dict[str, Json] = {"index": self._calls[key], "function": {"arguments": value}}
            return self._chunk(event.choice, {"tool_calls": [call]})
        if channel == "thinking":
            self._pieces[key].append(str(value))
            return self._chunk(event.choice, {"reasoning_content": value})
        if channel == "signature":
            self._signatures[key].append(str(value))
        elif channel == "refusal":
            return self._chunk(event.choice, {"refusal": value})
        elif channel == "media":
            return self._chunk(event.choice, {"audio": {"data": value}})
        elif channel == "citation" and isinstance(value, Mapping):
            note = annotation(value, 0)
            if note is not None:
                return self._chunk(event.choice, {"annotations": [note]})
            self._losses.append(
                Loss(f"choices[{event.choice}].parts[{event.at}]", "citation", "it has no address")
            )
        return b""
