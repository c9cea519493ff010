"""Replies for clients of the chat format: whole, and as a stream of chunks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

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
from multiroute_core.wire.chat.details import head_of, is_detailed, thinking_detail
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
_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority"})
DONE: Final = b"data: [DONE]\n\n"


def annotation(citation: JsonObject, text_length: int) -> dict[str, Json] | None:
    """A citation as this format's url_citation; None where it cites no address."""
    inner = citation.get("url_citation")
    told = inner if isinstance(inner, Mapping) else citation
    url = told.get("url")
    if not isinstance(url, str):
        return None
    known: dict[str, Json] = {"url": url, "title": "", "start_index": 0, "end_index": text_length}
    if told is inner or citation.get("type") == "url_citation":
        known.update({k: v for k, v in told.items() if k != "type" and v is not None})
    elif isinstance(told.get("title"), str):
        known["title"] = told["title"]
    return {"type": "url_citation", "url_citation": known}


def lost_part(part: Part, path: str) -> Loss:
    """The receipt for a part that this format cannot show."""
    return Loss(path, f"{part.kind} {part.name or ''}".strip(), "the chat format has no such part")


def _kept(extra: JsonObject) -> dict[str, Json]:
    """Top-level fields that clients of this format know. They refuse words for a service tier that
    other providers made up."""
    kept: dict[str, Json] = {}
    if extra.get("service_tier") in _TIERS:
        kept["service_tier"] = extra["service_tier"]
    if isinstance(extra.get("system_fingerprint"), str):
        kept["system_fingerprint"] = extra["system_fingerprint"]
    return kept


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
    doc.update(_kept(reply.extra))
    if reply.usage is not None:
        doc["usage"] = write_usage(reply.usage)
    return dump(doc), tuple(losses)


def _choice(choice: Choice, number: int, losses: list[Loss]) -> dict[str, Json]:
    texts: list[str] = []
    thoughts: list[Part] = []
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
            thoughts.append(part)
        elif part.kind == "refusal":
            refusals.append(part.text)
        elif part.kind == "tool_call":
            if part.origin == WIRE and part.extra.get("type") == "function_call":
                message["function_call"] = _function(part)
            else:
                calls.append(_tool_call(part))
        elif part.kind == "audio" and part.media is not None:
            message["audio"] = {
                "id": part.id or "",
                "data": part.media.data_b64 or "",
                "transcript": part.text,
                "expires_at": part.extra.get("expires_at", 0),
            }
        else:
            losses.append(lost_part(part, path))
    message["content"] = "".join(texts) if texts else None
    if refusals:
        message["refusal"] = "".join(refusals)
    thinking = "".join(part.text for part in thoughts)
    if thinking:
        message["reasoning_content"] = thinking
    if any(part.signature is not None or is_detailed(part) for part in thoughts):
        message["reasoning_details"] = [thinking_detail(p, i) for i, p in enumerate(thoughts)]
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
        logged: dict[str, Json] = {}
        for name in ("content", "refusal"):
            tokens = [item for block in choice.logprobs for item in _tokens(block, name)]
            if tokens or name == "content":
                logged[name] = tokens
        written_choice["logprobs"] = logged
    return written_choice


def _function(part: Part) -> dict[str, Json]:
    return {"name": part.name or "", "arguments": part.arguments or ""}


def _tool_call(part: Part) -> dict[str, Json]:
    """A call of a function, or of a tool whose input is free text."""
    if part.origin == WIRE and part.extra.get("type") == "custom":
        body: dict[str, Json] = {"name": part.name or "", "input": part.arguments or ""}
        return {"id": part.id or "", "type": "custom", "custom": body}
    call: dict[str, Json] = {"id": part.id or "", "type": "function", "function": _function(part)}
    if part.origin == WIRE:
        call.update({k: v for k, v in part.extra.items() if k not in ("type", "function")})
    return call


def _tokens(block: JsonObject, name: str) -> Sequence[Json]:
    content = block.get(name)
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
        self._calls: dict[tuple[int, int], Part] = {}
        self._indexes: dict[tuple[int, int], int] = {}
        self._count: dict[int, int] = {}
        self._thinking: dict[tuple[int, int], Part] = {}
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._signatures: dict[tuple[int, int], list[str]] = {}
        self._hidden: set[tuple[int, int]] = set()
        self._cited: dict[int, int] = {}
        self._audio: set[tuple[int, int]] = set()
        self._details: dict[tuple[int, int], int] = {}
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
            self._head.update(_kept(event.extra))
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
            self._calls[key] = part
            if part.origin == WIRE and part.extra.get("type") == "function_call":
                return self._chunk(event.choice, {"function_call": _function(part)})
            index = self._count.get(event.choice, 0)
            self._count[event.choice] = index + 1
            self._indexes[key] = index
            call = {"index": index, **_tool_call(part)}
            return self._chunk(event.choice, {"tool_calls": [call]})
        if part.kind == "thinking":
            self._thinking[key] = part
            self._signatures[key] = [part.signature] if part.signature else []
            return self._think(key, part.text) if part.text else b""
        if part.kind in ("text", "refusal"):
            name = "content" if part.kind == "text" else "refusal"
            told = self._chunk(event.choice, {name: part.text}) if part.text else b""
            cited = [self._cite(key, citation, len(part.text)) for citation in part.citations]
            return told + b"".join(cited)
        if part.kind == "audio":
            self._audio.add(key)
            return self._chunk(event.choice, {"audio": {"id": part.id}}) if part.id else b""
        else:
            self._hidden.add(key)
            self._losses.append(lost_part(part, f"choices[{event.choice}].parts[{event.at}]"))
        return b""

    def _think(self, key: tuple[int, int], text: str) -> bytes:
        """More thinking: as plain text, and as a piece of a detail where a signature may follow."""
        self._pieces.setdefault(key, []).append(text)
        part = self._thinking[key]
        delta: dict[str, Json] = {"reasoning_content": text}
        if is_detailed(part):
            kind = part.extra.get("detail_type")
            is_summary = kind == "reasoning.summary"
            told = {"summary": text} if is_summary else {"text": text}
            delta["reasoning_details"] = [self._detail(key, is_summary, told)]
        return self._chunk(key[0], delta)

    def _detail(
        self, key: tuple[int, int], is_summary: bool, told: Mapping[str, Json]
    ) -> dict[str, Json]:
        """A piece of one detail. Clients join the pieces of an index, text by text: what holds for
        the whole is told once."""
        kind = "reasoning.summary" if is_summary else "reasoning.text"
        number = self._details.get(key)
        if number is not None:
            return {"type": kind, "index": number, **told}
        number = self._details[key] = len(self._details)
        return {"type": kind, **told, **head_of(self._thinking[key], number)}

    def _end(self, event: PartEnd) -> bytes:
        """A signature follows the thinking that it signs; without any, it stands for it."""
        key = (event.choice, event.at)
        part = self._thinking.get(key)
        if part is None:
            return b""
        signature = "".join(self._signatures[key])
        text = "".join(self._pieces.pop(key, ()))
        if not signature:
            return b""
        if text and is_detailed(part):
            is_summary = part.extra.get("detail_type") == "reasoning.summary"
            detail = self._detail(key, is_summary, {"signature": signature})
        else:
            number = self._details[key] = len(self._details)
            whole = replace(part, text=text, signature=signature)
            detail = thinking_detail(whole, number)
        return self._chunk(event.choice, {"reasoning_details": [detail]})

    def _arguments(self, key: tuple[int, int], value: Json) -> bytes:
        part = self._calls[key]
        index = self._indexes.get(key)
        if index is None:
            return self._chunk(key[0], {"function_call": {"arguments": value}})
        call: dict[str, Json] = {"index": index, "function": {"arguments": value}}
        if part.origin == WIRE and part.extra.get("type") == "custom":
            call = {"index": index, "custom": {"input": value}}
        return self._chunk(key[0], {"tool_calls": [call]})

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
        if channel == "text" and key in self._audio:
            return self._chunk(event.choice, {"audio": {"transcript": value}})
        if channel == "text":
            return self._chunk(event.choice, {"content": value})
        if channel == "arguments":
            return self._arguments(key, value)
        if channel == "thinking":
            return self._think(key, str(value))
        if channel == "signature":
            self._signatures[key].append(str(value))
        elif channel == "refusal":
            return self._chunk(event.choice, {"refusal": value})
        elif channel == "media":
            return self._chunk(event.choice, {"audio": {"data": value}})
        elif channel == "citation" and isinstance(value, Mapping):
            return self._cite(key, value, 0)
        return b""

    def _cite(self, key: tuple[int, int], citation: JsonObject, text_length: int) -> bytes:
        """An annotation, numbered: the official client collects a list over several chunks by the
        number only."""
        choice, at = key
        note = annotation(citation, text_length)
        if note is None:
            path = f"choices[{choice}].parts[{at}].citations"
            self._losses.append(Loss(path, "citation", "it has no address"))
            return b""
        number = self._cited.get(choice, 0)
        self._cited[choice] = number + 1
        return self._chunk(choice, {"annotations": [{"index": number, **note}]})
