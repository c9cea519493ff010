"""Streams for clients of the messages format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from multiroute_core.api.call import Call
from multiroute_core.api.content import Part
from multiroute_core.api.events import (
    Channel,
    Delta,
    Event,
    Finish,
    Opaque,
    PartEnd,
    PartStart,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.api.usage import Usage, merged
from multiroute_core.wire.messages.blocks_shown import (
    arguments,
    beginning,
    citation_of,
    is_free_text,
    is_native,
    is_redacted,
    lost_fields,
    lost_part,
    redacted,
    signature_of,
    stop_reason,
    whole,
)
from multiroute_core.wire.messages.faults import error_doc, error_type
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.messages.usage import write_usage
from multiroute_core.wire.sse import encode_event
from multiroute_core.wire.strict import dump

STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_AT_START: Final = ("container", "context_management", "stop_details")
_IN_DELTA: Final = frozenset({"stop_sequence", "stop_details", "container"})
_OfPart: TypeAlias = PartStart | Delta | PartEnd
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "arguments": ("input_json_delta", "partial_json"),
}


def _event(kind: str, fields: JsonObject) -> bytes:
    return encode_event(dump({"type": kind, **fields}), kind)


class _Block:
    """The block that is being told. `index` is None until something of it was told."""

    __slots__ = ("at", "content", "index", "part", "signature", "text")

    def __init__(self, at: int, part: Part) -> None:
        self.at = at
        self.part = part
        self.index: int | None = None
        self.text: list[str] = []
        self.signature: list[str] = [part.signature] if part.signature else []
        self.content: Json = None


class MessagesWriter:
    """Writes one reply as messages events.

    Blocks of this format follow one another: a part that begins while another is open waits for
    its end. How the message ended is told last, with the usage, which other formats report after
    the end.
    """

    def __init__(self, call: Call) -> None:
        self._start: Start | None = None
        self._begun = False
        self._live: _Block | None = None
        self._waiting: dict[int, list[_OfPart]] = {}
        self._next = 0
        self._kinds: set[str] = set()
        self._foreign = False
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._losses: list[Loss] = []

    def feed(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events."""
        out: list[bytes] = []
        for event in events:
            self._one(event, out)
        if self._start is not None:
            # Its usage came with it, if at all.
            self._begin(out)
        return b"".join(out)

    def fail(self, fault: Fault) -> bytes:
        """An error event; no message_stop follows it."""
        return encode_event(dump(error_doc(error_type(fault.row.status), fault.message)), "error")

    def close(self) -> bytes:
        """The rest of what waited, how the message ended, and its end."""
        out: list[bytes] = []
        self._begin(out)
        while self._live is not None:
            self._end(out)
        finish = self._finish
        kinds = frozenset(self._kinds)
        is_own = bool(kinds) and not self._foreign
        delta: dict[str, Json] = {
            "stop_reason": stop_reason(finish, kinds, is_own=is_own),
            "stop_sequence": None,
        }
        used = self._usage
        native = used.native if used is not None and is_own else None
        end: dict[str, Json] = {
            "delta": delta,
            "usage": write_usage(used) if native is None else native,
        }
        if finish is not None and (is_own or "stop_sequence" in finish.extra):
            for name, value in finish.extra.items():
                (delta if name in _IN_DELTA else end)[name] = value
        out.append(_event("message_delta", end))
        out.append(STOP)
        return b"".join(out)

    def losses(self) -> Sequence[Loss]:
        """What of the events this format could not show."""
        return tuple(self._losses)

    def _one(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Start):
            self._start = event
        elif isinstance(event, Used):
            self._usage = merged(self._usage, event.usage)
        elif isinstance(event, (PartStart, Delta, PartEnd)):
            self._begin(out)
            self._of_part(event, out)
        elif isinstance(event, Finish):
            if event.choice == 0:
                self._finish = event
        elif isinstance(event, Opaque):
            self._begin(out)
            self._opaque(event, out)

    def _begin(self, out: list[bytes]) -> None:
        """The message begins, once it is known with what usage it does."""
        if self._begun:
            return
        self._begun = True
        start = self._start or Start("", "")
        message: dict[str, Json] = {
            "id": start.id,
            "type": "message",
            "role": "assistant",
            "model": start.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        message.update((n, start.extra[n]) for n in _AT_START if start.extra.get(n) is not None)
        message["usage"] = write_usage(self._usage)
        out.append(_event("message_start", {"message": message}))

    def _of_part(self, event: _OfPart, out: list[bytes]) -> None:
        if event.choice != 0:
            if isinstance(event, PartStart) and "choice" not in self._kinds:
                self._kinds.add("choice")
                why = "the messages format has one answer"
                self._losses.append(Loss(f"choices[{event.choice}]", "further choice", why))
            return
        live = self._live
        if event.at in self._waiting:
            self._waiting[event.at].append(event)
        elif isinstance(event, PartStart):
            self._kinds.add(event.part.kind)
            self._foreign = self._foreign or event.part.origin != WIRE
            if live is None:
                self._open(event, out)
            else:
                self._waiting[event.at] = [event]
        elif isinstance(event, Delta) and event.channel == "logprobs":
            if "logprobs" not in self._kinds:
                self._kinds.add("logprobs")
                self._losses.append(Loss("logprobs", "logprobs", "the messages format has none"))
        elif live is not None and event.at == live.at:
            if isinstance(event, Delta):
                self._delta(live, event, out)
            else:
                self._end(out)

    def _open(self, event: PartStart, out: list[bytes]) -> None:
        part = event.part
        block = _Block(event.at, part)
        if beginning(part, "", 0) is None and not (is_native(part) and part.origin == WIRE):
            self._losses.append(lost_part(part, f"content[{event.at}]"))
            return
        self._live = block
        self._losses.extend(lost_fields(part, f"content[{event.at}]"))
        is_plain = part.origin == WIRE and not is_native(part) and part.name != "redacted_thinking"
        if is_plain or part.kind in ("tool_call", "server_tool_call"):
            self._show(block, out)
        if part.text:
            channel: Channel = "thinking" if part.kind == "thinking" else "text"
            self._delta(block, Delta(event.at, channel, part.text), out)
        if part.arguments:
            self._delta(block, Delta(event.at, "arguments", part.arguments), out)
        for citation in part.citations:
            self._delta(block, Delta(event.at, "citation", citation), out)

    def _show(self, block: _Block, out: list[bytes], shown: JsonObject | None = None) -> int:
        """Tell that a block begins, if that was not told yet; its index."""
        if block.index is None:
            block.index = self._next
            self._next += 1
            reply_id = self._start.id if self._start is not None else ""
            begun = shown or beginning(block.part, reply_id, block.at) or {}
            fields: dict[str, Json] = {"index": block.index, "content_block": begun}
            out.append(_event("content_block_start", fields))
        return block.index

    def _tell(self, block: _Block, delta: JsonObject, out: list[bytes]) -> None:
        fields: dict[str, Json] = {"index": self._show(block, out), "delta": delta}
        out.append(_event("content_block_delta", fields))

    def _delta(self, block: _Block, event: Delta, out: list[bytes]) -> None:
        known = _TEXTS.get(event.channel)
        value = event.value
        if known is not None and isinstance(value, str):
            if value:
                block.text.append(value)
            if value and not is_free_text(block.part):
                self._tell(block, {"type": known[0], known[1]: value}, out)
        elif event.channel == "signature":
            block.signature.append(str(value))
        elif event.channel == "content":
            block.content = value
        elif event.channel == "citation" and isinstance(value, Mapping):
            citation = citation_of(value, block.part, "".join(block.text))
            if citation is None:
                path = f"content[{block.at}].citations"
                self._losses.append(Loss(path, "citation", "it has no address"))
            else:
                self._tell(block, {"type": "citations_delta", "citation": citation}, out)

    def _end(self, out: list[bytes]) -> None:
        """The live block ends, and what waited for it goes on."""
        block = self._live
        assert block is not None
        self._live = None
        self._last(block, out)
        if block.index is not None:
            out.append(_event("content_block_stop", {"index": block.index}))
        self._go_on(out)

    def _go_on(self, out: list[bytes]) -> None:
        """Replay what waited, until a part is open again."""
        while self._live is None and self._waiting:
            for event in self._waiting.pop(next(iter(self._waiting))):
                self._of_part(event, out)

    def _last(self, block: _Block, out: list[bytes]) -> None:
        """What can only be told once all of a part is known."""
        part = block.part
        if part.kind == "thinking":
            signed = replace(
                part, text="".join(block.text), signature="".join(block.signature) or None
            )
            if block.index is None and is_redacted(signed):
                self._show(block, out, redacted(signed, signature_of(signed)))
            elif signature_of(signed):
                delta = {"type": "signature_delta", "signature": signature_of(signed)}
                self._tell(block, delta, out)
        elif is_native(part) and block.index is None:
            told = part if block.content is None else replace(part, content=block.content)
            shown = whole(told, f"content[{block.at}]", "", block.at, self._losses)
            if shown is not None:
                self._show(block, out, shown)
        elif is_free_text(part):
            # Such text has to be put in an object, for which all of it is needed.
            called = replace(part, arguments="".join(block.text))
            given = arguments(called, f"content[{block.at}]", self._losses)
            text = dump(given).decode() if isinstance(given, Mapping) else called.arguments
            self._tell(block, {"type": "input_json_delta", "partial_json": text}, out)
        elif len(block.signature) > (1 if part.signature else 0):
            path = f"content[{block.at}].signature"
            self._losses.append(Loss(path, "opaque state", "it came after the block had begun"))

    def _opaque(self, event: Opaque, out: list[bytes]) -> None:
        data = event.data
        if event.wire != WIRE or not isinstance(data, Mapping):
            why = "the messages format has no such event"
            self._losses.append(Loss(event.name, "event", why))
            return
        delta = data.get("delta")
        if "type" in data:
            out.append(encode_event(dump(data), event.name))
        elif self._live is not None and isinstance(delta, Mapping):
            self._tell(self._live, delta, out)
