"""Messages replies as events: whole ones and streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

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
    Start,
    Used,
)
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.usage import Usage
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.messages.faults import fault_of
from multiroute_core.wire.messages.request_out import WIRE
from multiroute_core.wire.messages.usage import usage as messages_usage
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import dump, loads

UsageReader: TypeAlias = Callable[[JsonObject], Usage]

_REASONS: Final[Mapping[str, FinishReason]] = {
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
_MESSAGE: Final = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
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
            extra=frozen({k: v for k, v in block.items() if k not in _TEXT}),
        )
    if kind == "thinking":
        signature = own_text(block, "signature")
        text = str(block.get("thinking") or "")
        return Part("thinking", text=text, signature=signature or None, origin=WIRE)
    if kind == "redacted_thinking":
        return Part("thinking", signature=own_text(block, "data"), origin=WIRE)
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        given = block.get("input")
        arguments = ""
        if isinstance(given, Mapping) and (whole or given):
            arguments = dump(given).decode()
        known = {"type", "id", "name", "input"}
        extra = {k: v for k, v in block.items() if k not in known}
        if kind != "tool_use":
            extra["type"] = kind
        return Part(
            "tool_call" if kind == "tool_use" else "server_tool_call",
            id=own_text(block, "id"),
            name=own_text(block, "name"),
            arguments=arguments,
            content=block if whole and kind != "tool_use" else None,
            origin=WIRE,
            extra=frozen(extra),
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
        self._kinds: dict[int, str] = {}
        self._usage: dict[str, Json] = {}
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
        if self._over:
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
        if kind == "content_block_delta":
            delta = doc.get("delta")
            if isinstance(delta, Mapping):
                self._delta(number, delta, out)
        elif kind == "content_block_start":
            block = doc.get("content_block")
            if isinstance(block, Mapping):
                self._kinds[number] = str(block.get("type"))
                out.append(PartStart(number, part_of(block, whole=False)))
        elif kind == "content_block_stop":
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

    def _start(self, message: JsonObject, out: list[Event]) -> None:
        extra = {k: v for k, v in message.items() if k not in _MESSAGE and v is not None}
        out.append(Start(str(message.get("id")), str(message.get("model")), frozen(extra)))
        self._used(message, out)

    def _used(self, holder: JsonObject, out: list[Event]) -> None:
        native = holder.get("usage")
        if isinstance(native, Mapping):
            self._usage.update((k, v) for k, v in native.items() if v is not None)
            out.append(Used(self._read_usage(dict(self._usage))))

    def _delta(self, number: int, delta: JsonObject, out: list[Event]) -> None:
        kind = delta.get("type")
        known = _DELTAS.get(kind) if isinstance(kind, str) else None
        if known is not None:
            value = delta.get(known[0])
            if isinstance(value, str) and value:
                out.append(Delta(number, known[1], value))
        elif kind == "citations_delta":
            citation = delta.get("citation")
            if isinstance(citation, Mapping):
                out.append(Delta(number, "citation", citation))
        else:
            out.append(Opaque(WIRE, str(kind), {"index": number, "delta": delta}))

    def _end(self, delta: JsonObject, holder: JsonObject, out: list[Event]) -> None:
        if holder is not delta:
            self._used(holder, out)
        native = delta.get("stop_reason")
        if not isinstance(native, str) or self._finished:
            return
        self._finished = True
        extra: dict[str, Json] = {
            k: v
            for k, v in delta.items()
            if k not in ("stop_reason", "content", "usage", "id", "type", "role", "model")
            and v is not None
        }
        if holder is not delta and holder.get("context_management") is not None:
            extra["context_management"] = holder.get("context_management")
        out.append(Finish(_REASONS.get(native, "other"), native, 0, frozen(extra)))


def decode_reply(body: bytes, read_usage: UsageReader = messages_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return MessagesDecoder(read_usage).whole(doc)
