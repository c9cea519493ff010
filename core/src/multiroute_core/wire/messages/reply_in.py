"""Messages replies as events: whole ones and streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from multiroute_core.api.content import Part
from multiroute_core.api.events import (
    Broken,
    Channel,
    Delta,
    Event,
    Finish,
    FinishReason,
    Opaque,
    PartEnd,
    PartStart,
    Result,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import TokenCount
from multiroute_core.api.usage import Usage
from multiroute_core.wire.fields import own_text, rest
from multiroute_core.wire.messages.blocks_in import SERVER_CALLS
from multiroute_core.wire.messages.faults import fault_of
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.messages.usage import compactions, usage as messages_usage
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import dump, loads

UsageReader: TypeAlias = Callable[[JsonObject], Usage]

REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}
_DELTAS: Final[Mapping[str, tuple[str, Channel]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "arguments"),
}
_TEXT: Final = frozenset({"type", "text", "citations"})
_THINKING: Final = frozenset({"type", "thinking", "signature"})
_REDACTED: Final = frozenset({"type", "data"})
_MESSAGE: Final = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
)


_FINISH: Final = frozenset(
    {"stop_reason", "content", "usage", "id", "type", "role", "model", "delta"}
)


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


def part_of(block: JsonObject, whole: bool) -> Part:
    """A content block as a part; in a stream, where the input comes later, as its skeleton."""
    kind = block.get("type")
    if kind == "text":
        citations = block.get("citations")
        listed = citations if isinstance(citations, Sequence) else ()
        return Part(
            "text",
            text=str(block.get("text") or ""),
            citations=tuple(c for c in listed if isinstance(c, Mapping)),
            origin=WIRE,
            extra=rest(block, _TEXT),
        )
    if kind == "thinking":
        # The name tells thinking whose text was held back from redacted thinking.
        return Part(
            "thinking",
            text=str(block.get("thinking") or ""),
            name=kind,
            signature=own_text(block, "signature") or None,
            origin=WIRE,
            extra=rest(block, _THINKING),
        )
    if kind == "redacted_thinking":
        data = own_text(block, "data")
        extra = rest(block, _REDACTED)
        return Part("thinking", name=kind, signature=data, origin=WIRE, extra=extra)
    if kind == "tool_use" or kind in SERVER_CALLS:
        given = block.get("input")
        arguments = ""
        if isinstance(given, Mapping) and (whole or given):
            arguments = dump(given).decode()
        known = {"type", "id", "name", "input"}
        own = {k: v for k, v in block.items() if k not in known}
        if kind != "tool_use":
            own["type"] = kind
        return Part(
            "tool_call" if kind == "tool_use" else "server_tool_call",
            id=own_text(block, "id"),
            name=own_text(block, "name"),
            arguments=arguments,
            content=block if whole and kind != "tool_use" else None,
            origin=WIRE,
            extra=frozen(own),
        )
    if isinstance(kind, str) and kind.endswith("_tool_result"):
        answers = own_text(block, "tool_use_id")
        return Part("server_tool_result", id=answers, name=kind, content=block, origin=WIRE)
    return Part("opaque", name=str(kind), content=block, origin=WIRE)


class MessagesDecoder:
    """Reads one stream of the messages format."""

    def __init__(self, read_usage: UsageReader = messages_usage) -> None:
        self._sse = SseParser(lenient=True)
        self._read_usage = read_usage
        self._open: set[int] = set()
        self._empty_calls: set[int] = set()
        self._native: dict[int, dict[str, Json]] = {}
        self._usage: dict[str, Json] = {}
        self._model = ""
        self._finished = False
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._over:
            return out
        try:
            events = self._sse.feed(data)
        except EventTooLarge as error:
            self._stop(_broken("too_large", str(error)), out)
            return out
        for event in events:
            self._read(event.data, out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless the message has finished."""
        out: list[Event] = []
        if self._over:
            return out
        for event in self._sse.close():
            self._read(event.data, out)
        if not self._finished and not any(isinstance(event, Broken) for event in out):
            self._stop(_broken("truncated", "the provider's stream ended before the answer"), out)
        return out

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply."""
        out: list[Event] = []
        if not isinstance(doc, Mapping):
            return [_broken("protocol", "the provider's reply is not a JSON object")]
        if doc.get("type") == "error" or (doc.get("error") and not doc.get("content")):
            return [Broken(fault_of("error_in_200", doc))]
        content = doc.get("content")
        if isinstance(content, str) or not isinstance(content, Sequence):
            return [_broken("protocol", "the provider's reply has no content")]
        self._start(doc, out)
        for number, block in enumerate(content):
            if isinstance(block, Mapping):
                out.append(PartStart(number, part_of(block, whole=True)))
                out.append(PartEnd(number))
        self._end(doc, doc, out)
        if not self._finished:
            out.append(_broken("empty", "the provider's reply has no stop reason"))
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> None:
        self._over = True
        out.append(broken)

    def _read(self, data: str, out: list[Event]) -> None:
        if self._over or data == "[DONE]":
            # Not of this format, but some who speak it end their streams so.
            return
        try:
            doc: Json = loads(data)
        except ValueError:
            self._stop(_broken("protocol", "the provider's stream holds invalid JSON"), out)
            return
        if not isinstance(doc, Mapping):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
            return
        kind = doc.get("type")
        at = doc.get("index")
        number = at if isinstance(at, int) else 0
        if kind in ("content_block_delta", "content_block_stop") and number not in self._open:
            self._stop(_broken("protocol", "the provider's stream goes on with no block"), out)
        elif kind == "content_block_delta":
            delta = doc.get("delta")
            if isinstance(delta, Mapping):
                self._delta(number, delta, out)
        elif kind == "content_block_start":
            block = doc.get("content_block")
            self._begin(number, block if isinstance(block, Mapping) else {}, out)
        elif kind == "content_block_stop":
            self._open.discard(number)
            if number in self._empty_calls:
                # Arguments are JSON, also where there are none.
                out.append(Delta(number, "arguments", "{}"))
            out.append(PartEnd(number))
        elif kind == "message_start":
            message = doc.get("message")
            if isinstance(message, Mapping):
                self._start(message, out)
        elif kind == "message_delta":
            delta = doc.get("delta")
            self._end(delta if isinstance(delta, Mapping) else {}, doc, out)
        elif kind == "error":
            self._stop(Broken(fault_of("error_event", doc)), out)
        elif kind not in ("message_stop", "ping"):
            out.append(Opaque(WIRE, str(kind), doc))

    def _begin(self, number: int, block: JsonObject, out: list[Event]) -> None:
        part = part_of(block, whole=False)
        self._open.add(number)
        self._empty_calls.discard(number)
        if part.kind == "opaque":
            self._native[number] = dict(block)
        elif part.kind in ("tool_call", "server_tool_call") and not part.arguments:
            self._empty_calls.add(number)
        out.append(PartStart(number, part))

    def _start(self, message: JsonObject, out: list[Event]) -> None:
        extra = {k: v for k, v in message.items() if k not in _MESSAGE and v is not None}
        self._model = own_text(message, "model") or ""
        out.append(Start(own_text(message, "id") or "", self._model, frozen(extra)))
        self._used(message, out)

    def _used(self, holder: JsonObject, out: list[Event]) -> None:
        native = holder.get("usage")
        if isinstance(native, Mapping):
            self._usage.update((k, v) for k, v in native.items() if v is not None)
            used = self._read_usage(dict(self._usage))
            beside = compactions(self._usage, self._model)
            if beside:
                used = replace(used, others=tuple({**dict(used.others), **dict(beside)}.items()))
            out.append(Used(used))

    def _delta(self, number: int, delta: JsonObject, out: list[Event]) -> None:
        kind = delta.get("type")
        known = _DELTAS.get(kind) if isinstance(kind, str) else None
        if known is not None:
            value = delta.get(known[0])
            if isinstance(value, str) and value:
                self._empty_calls.discard(number)
                out.append(Delta(number, known[1], value))
        elif kind == "citations_delta":
            citation = delta.get("citation")
            if isinstance(citation, Mapping):
                out.append(Delta(number, "citation", citation))
        elif number in self._native:
            out.append(Delta(number, "content", self._grown(number, delta)))
        else:
            out.append(Opaque(WIRE, str(kind), {"index": number, "delta": delta}))

    def _grown(self, number: int, delta: JsonObject) -> JsonObject:
        """The block without a word of ours that this delta adds to: text is appended."""
        block = self._native[number]
        for name, value in delta.items():
            there = block.get(name)
            if name == "type" or value is None:
                continue
            if isinstance(there, str) and isinstance(value, str):
                value = there + value
            block[name] = value
        return frozen(block)

    def _end(self, delta: JsonObject, holder: JsonObject, out: list[Event]) -> None:
        if holder is not delta:
            self._used(holder, out)
        native = delta.get("stop_reason")
        if not isinstance(native, str) or self._finished:
            return
        self._finished = True
        told = {**holder, **delta} if holder is not delta else delta
        extra = rest(told, _FINISH)
        out.append(Finish(REASONS.get(native, "other"), native, 0, extra))


def decode_reply(body: bytes, read_usage: UsageReader = messages_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return MessagesDecoder(read_usage).whole(doc)


def decode_count(body: bytes) -> list[Event]:
    """The events of a reply to a request to count tokens."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    if not isinstance(doc, Mapping):
        return [_broken("protocol", "the provider's reply is not a JSON object")]
    if doc.get("error"):
        return [Broken(fault_of("error_in_200", doc))]
    count = doc.get("input_tokens")
    if isinstance(count, bool) or not isinstance(count, int):
        return [_broken("protocol", "the provider's reply has no count of tokens")]
    counted = TokenCount(count, extra=rest(doc, frozenset({"input_tokens"})))
    return [Start("", ""), Result(counted), Finish("stop", "")]
