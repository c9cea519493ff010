"""Converse replies as events: whole ones and the events of a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from multiroute_aws_bedrock.converse.content_in import part_of
from multiroute_aws_bedrock.converse.shape import OMITTED, WIRE
from multiroute_aws_bedrock.converse.usage import usage as converse_usage
from multiroute_core.api import (
    EMPTY,
    Broken,
    Delta,
    Event,
    Fault,
    Finish,
    FinishReason,
    Json,
    JsonObject,
    Media,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Start,
    Usage,
    Used,
    frozen,
)
from multiroute_core.wire.fields import own_text

UsageReader: TypeAlias = Callable[[JsonObject], Usage]

REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_KNOWN: Final = frozenset(
    {
        "output",
        "stopReason",
        "usage",
        "metrics",
        "serviceTier",
        "performanceConfig",
        "additionalModelResponseFields",
    }
)
"""Fields that are told elsewhere, echo the request, or measure the provider's own latency."""
_PLAIN_CALL: Final = {"type": "tool_use"}
"""Some models mark ordinary tool calls: it says nothing."""
EVENTS: Final = frozenset(
    {
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    }
)


class ConverseReader:
    """Turns the events of one Converse stream, or a whole reply, into ours.

    `joins_text`: text blocks that follow one another are one part. For streams that put each piece
    of text into a block of its own, as Nova's do under InvokeModel.
    """

    def __init__(
        self,
        *,
        reply_id: str = "",
        model: str = "",
        joins_text: bool = False,
        read_usage: UsageReader = converse_usage,
    ) -> None:
        self._id = reply_id
        self._model = model
        self._joins_text = joins_text
        self._read_usage = read_usage
        self._started = False
        self._next = 0
        self._open: dict[int, tuple[int, str]] = {}
        self._tail: int | None = None
        self._results: dict[int, list[Json]] = {}
        self.finished = False

    def event(self, name: str, payload: JsonObject, out: list[Event]) -> None:
        """One event of a stream."""
        if name == "messageStart":
            self._start(out)
            return
        if name == "metadata":
            self._metadata(payload, out)
            return
        if name not in EVENTS:
            out.append(Opaque(WIRE, name, payload))
            return
        self._start(out)
        index = payload.get("contentBlockIndex")
        number = int(index) if isinstance(index, (int, float)) else 0
        if name == "contentBlockDelta":
            delta = payload.get("delta")
            if isinstance(delta, Mapping):
                self._delta(number, delta, out)
        elif name == "contentBlockStart":
            start = payload.get("start")
            if isinstance(start, Mapping):
                self._block(number, start, out)
        elif name == "contentBlockStop":
            self._end(number, out)
        else:
            self._finish(payload, out)

    def whole(self, doc: JsonObject) -> list[Event]:
        """The events of a whole reply."""
        out: list[Event] = []
        output = doc.get("output")
        message = output.get("message") if isinstance(output, Mapping) else None
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, str) or not isinstance(content, Sequence):
            return [Broken(Fault("protocol", "the provider's reply has no message"))]
        self._start(out)
        number = 0
        for block in content:
            if not isinstance(block, Mapping) or block.get("text") == "":
                continue
            part = part_of(block)
            if part.kind == "tool_call" and part.extra == _PLAIN_CALL:
                part = replace(part, extra=EMPTY)
            out.append(PartStart(number, part))
            out.append(PartEnd(number))
            number += 1
        if isinstance(doc.get("stopReason"), str):
            self._finish(doc, out)
        self._metadata({k: v for k, v in doc.items() if k not in ("output", "stopReason")}, out)
        if not self.finished:
            out.append(Broken(Fault("empty", "the provider's reply has no stop reason")))
        return out

    def _start(self, out: list[Event]) -> None:
        if not self._started:
            self._started = True
            out.append(Start(self._id, self._model))

    def _begin(self, number: int, kind: str, part: Part, out: list[Event]) -> int:
        self._end(number, out)
        self._flush(out)
        at = self._next
        self._next = at + 1
        self._open[number] = (at, kind)
        out.append(PartStart(at, part))
        return at

    def _end(self, number: int, out: list[Event]) -> None:
        found = self._open.pop(number, None)
        if found is None:
            return
        self._flush(out)
        at, kind = found
        if self._joins_text and kind == "text":
            self._tail = at
        else:
            out.append(PartEnd(at))

    def _flush(self, out: list[Event]) -> None:
        """Nothing can be added any more to the text that was left open."""
        if self._tail is not None:
            out.append(PartEnd(self._tail))
            self._tail = None

    def _at(self, number: int, kind: str, skeleton: Part, out: list[Event]) -> int:
        """The part that a delta of this kind belongs to; a new one where none is open."""
        found = self._open.get(number)
        if found is not None and found[1] == kind:
            return found[0]
        if kind == "text" and self._tail is not None and found is None:
            at, self._tail = self._tail, None
            self._open[number] = (at, kind)
            return at
        return self._begin(number, kind, skeleton, out)

    def _block(self, number: int, start: JsonObject, out: list[Event]) -> None:
        use = start.get("toolUse")
        result = start.get("toolResult")
        image = start.get("image")
        if isinstance(use, Mapping):
            server = use.get("type") == "server_tool_use"
            extra = {k: v for k, v in use.items() if k not in ("toolUseId", "name")}
            part = Part(
                "server_tool_call" if server else "tool_call",
                id=own_text(use, "toolUseId") or f"tooluse_{number}",
                name=own_text(use, "name") or "",
                arguments="",
                origin=WIRE,
                extra=EMPTY if extra == _PLAIN_CALL else frozen(extra),
            )
            self._begin(number, "toolUse", part, out)
        elif isinstance(result, Mapping):
            name = own_text(result, "type") or "toolResult"
            part = Part(
                "server_tool_result",
                id=own_text(result, "toolUseId"),
                name=name,
                origin=WIRE,
                content={"toolResult": {**result, "content": []}},
            )
            self._begin(number, "toolResult", part, out)
            self._results[number] = [result]
        elif isinstance(image, Mapping):
            mime = f"image/{own_text(image, 'format') or 'png'}"
            self._begin(number, "image", Part("image", media=Media(mime), origin=WIRE), out)
        else:
            name = next(iter(start), "")
            part = Part("opaque", name=name, content=start, origin=WIRE)
            self._begin(number, "opaque", part, out)

    def _delta(self, number: int, delta: JsonObject, out: list[Event]) -> None:
        for name, value in delta.items():
            if name == "text" and isinstance(value, str):
                if value:
                    at = self._at(number, "text", Part("text", origin=WIRE), out)
                    out.append(Delta(at, "text", value))
            elif name == "toolUse" and isinstance(value, Mapping):
                self._arguments(number, value, out)
            elif name == "reasoningContent" and isinstance(value, Mapping):
                self._reasoning(number, value, out)
            elif name == "citation" and isinstance(value, Mapping):
                at = self._at(number, "text", Part("text", origin=WIRE), out)
                out.append(Delta(at, "citation", value))
            elif name == "toolResult" and isinstance(value, Sequence):
                self._result(number, value, out)
            elif name == "image" and isinstance(value, Mapping):
                source = value.get("source")
                data = source.get("bytes") if isinstance(source, Mapping) else None
                if isinstance(data, str):
                    skeleton = Part("image", media=Media("image/png"), origin=WIRE)
                    at = self._at(number, "image", skeleton, out)
                    out.append(Delta(at, "media", data))
            else:
                index: dict[str, Json] = {"contentBlockIndex": number, "delta": {name: value}}
                out.append(Opaque(WIRE, "contentBlockDelta", index))

    def _arguments(self, number: int, value: JsonObject, out: list[Event]) -> None:
        piece = value.get("input")
        skeleton = Part("tool_call", id=f"tooluse_{number}", name="", arguments="", origin=WIRE)
        if isinstance(piece, str) and piece:
            at = self._at(number, "toolUse", skeleton, out)
            out.append(Delta(at, "arguments", piece))

    def _reasoning(self, number: int, value: JsonObject, out: list[Event]) -> None:
        text = value.get("text")
        signature = value.get("signature")
        redacted = value.get("redactedContent")
        if isinstance(redacted, str) and redacted:
            at = self._at(number, "redacted", Part("thinking", origin=WIRE), out)
            out.append(Delta(at, "signature", redacted))
        if isinstance(text, str) and text:
            at = self._at(number, "thinking", Part("thinking", origin=WIRE), out)
            out.append(Delta(at, "thinking", text))
        if isinstance(signature, str) and signature:
            # Text that the provider withholds leaves a signature alone, which is no redaction.
            at = self._at(number, "thinking", Part("thinking", id=OMITTED, origin=WIRE), out)
            out.append(Delta(at, "signature", signature))

    def _result(self, number: int, pieces: Sequence[Json], out: list[Event]) -> None:
        found = self._open.get(number)
        known = self._results.get(number)
        if found is None or known is None or not isinstance(known[0], Mapping):
            return
        known.extend(pieces)
        block: dict[str, Json] = {"toolResult": {**known[0], "content": known[1:]}}
        out.append(Delta(found[0], "content", block))

    def _finish(self, payload: JsonObject, out: list[Event]) -> None:
        native = payload.get("stopReason")
        if not isinstance(native, str) or self.finished:
            return
        for number in tuple(self._open):
            self._end(number, out)
        self._flush(out)
        self.finished = True
        more = payload.get("additionalModelResponseFields")
        extra: dict[str, Json] = {}
        if more is not None:
            extra["additionalModelResponseFields"] = more
        out.append(Finish(REASONS.get(native.lower(), "other"), native, 0, frozen(extra)))

    def _metadata(self, payload: JsonObject, out: list[Event]) -> None:
        native = payload.get("usage")
        tier = payload.get("serviceTier")
        if isinstance(native, Mapping) and native:
            counted = dict(native)
            if isinstance(tier, Mapping) and isinstance(tier.get("type"), str):
                counted["serviceTier"] = tier["type"]
            out.append(Used(self._read_usage(counted)))
        rest = {k: v for k, v in payload.items() if k not in _KNOWN and v not in (None, {})}
        if rest:
            out.append(Opaque(WIRE, "metadata", frozen(rest)))
