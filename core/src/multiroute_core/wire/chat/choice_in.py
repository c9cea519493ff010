"""One choice of a chat completions reply as events: its text-like parts and its tool calls.

Repairs what providers omit: indexes, ids and types of tool calls, finish reasons that do not match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from multiroute_core.api.content import Media, Part
from multiroute_core.api.events import (
    Channel,
    Delta,
    Event,
    Finish,
    FinishReason,
    PartEnd,
    PartStart,
)
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.wire.chat.words import WIRE, family
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.strict import dump

_REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "refusal",
    "error": "error",
    "abort": "error",
    "network_error": "error",
    "insufficient_system_resource": "error",
}
_CHOICE: Final = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "text"})
_DELTA: Final = frozenset(
    {
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "audio",
        "annotations",
    }
)
_RARE: Final = _DELTA - {"role", "content"}
_CALL: Final = frozenset({"index", "id", "type", "function", "custom"})
_DETAIL: Final[tuple[tuple[str, Channel], ...]] = (
    ("text", "thinking"),
    ("summary", "thinking"),
    ("signature", "signature"),
    ("data", "signature"),
)


def reason_of(native: str) -> FinishReason:
    """Our word for a finish reason; providers add words of their own and details after a colon.

    >>> reason_of("eos_token"), reason_of("content_filter: RECITATION"), reason_of("")
    ('stop', 'content_filter', 'stop')
    """
    if not native:
        return "stop"
    return _REASONS.get(native.lower().partition(":")[0].strip(), "other")


class ChoiceReader:
    """Reads the deltas of one choice, or its whole message as one delta.

    `is_whole`: each tool call of a message stands for itself, whatever its index says.
    """

    __slots__ = (
        "_calls",
        "_details",
        "_extra",
        "_is_whole",
        "_kind",
        "_last",
        "_next_at",
        "_open",
        "_open_calls",
        "_reply_id",
        "cited",
        "finished",
        "number",
    )

    def __init__(self, number: int, reply_id: str, *, is_whole: bool) -> None:
        self.number = number
        self.finished = False
        self.cited = False
        self._reply_id = reply_id
        self._is_whole = is_whole
        self._next_at = 0
        self._open: int | None = None
        self._kind = ""
        self._open_calls: list[int] = []
        self._calls: dict[str | int, int] = {}
        self._last: int | None = None
        self._details: dict[str, int] = {}
        self._extra: dict[str, Json] = {}

    def read(self, given: JsonObject, out: list[Event]) -> str | None:
        """The events of one chunk's part in this choice, but for its end: the finish reason."""
        delta = given.get("delta")
        if not isinstance(delta, dict):
            delta = given.get("message")
        if isinstance(delta, dict):
            self._delta(delta, out)
        logprobs = given.get("logprobs")
        if isinstance(logprobs, dict) and logprobs:
            out.append(Delta(0, "logprobs", logprobs, self.number))
        for name, value in given.items():
            if name not in _CHOICE and value is not None:
                self._extra[name] = value
        native = given.get("finish_reason")
        return native if isinstance(native, str) and native else None

    def finish(self, native: str, out: list[Event]) -> None:
        """The choice is complete."""
        self._end(out)
        for at in self._open_calls:
            out.append(PartEnd(at, self.number))
        self._open_calls = []
        self.finished = True
        reason = reason_of(native)
        if reason in ("stop", "other") and self._calls:
            reason = "tool_calls"
        out.append(Finish(reason, native, self.number, frozen(self._extra)))

    def cite(self, citations: Sequence[JsonObject], out: list[Event]) -> None:
        """Citations of the text, or of an empty text where there is none."""
        self.cited = True
        if self._kind != "text" or self._open is None:
            self._start(Part("text", origin=WIRE), out)
        assert self._open is not None
        for citation in citations:
            out.append(Delta(self._open, "citation", citation, self.number))

    def _start(self, part: Part, out: list[Event]) -> int:
        """Begin a part; the one that was open ends, but for tool calls, which may interleave."""
        self._end(out)
        at = self._next_at
        self._next_at = at + 1
        if part.kind == "tool_call":
            self._open_calls.append(at)
        else:
            self._open = at
            self._kind = part.kind
        out.append(PartStart(at, part, self.number))
        return at

    def _end(self, out: list[Event]) -> None:
        """End the open part, if any."""
        if self._open is not None:
            out.append(PartEnd(self._open, self.number))
            self._open = None
            self._kind = ""

    def _text(
        self, kind: Literal["text", "thinking", "refusal"], text: str, out: list[Event]
    ) -> None:
        """Text for the open part of this kind, or for a new one."""
        if self._kind != kind or self._open is None:
            self._start(Part(kind, origin=WIRE), out)
        assert self._open is not None
        channel: Channel = kind
        out.append(Delta(self._open, channel, text, self.number))

    def _delta(self, delta: JsonObject, out: list[Event]) -> None:
        is_rare = not _RARE.isdisjoint(delta)
        if is_rare and not self._told_details(delta, out):
            thinking = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(thinking, str) and thinking:
                self._text("thinking", thinking, out)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                self._text("text", content, out)
        elif isinstance(content, list):
            for piece in content:
                self._piece(piece, out)
        if is_rare:
            self._rest(delta, out)
        for name, value in delta.items():
            if name not in _DELTA and value is not None and value != []:
                self._extra[name] = value

    def _rest(self, delta: JsonObject, out: list[Event]) -> None:
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._text("refusal", refusal, out)
        annotations = _objects(delta.get("annotations"))
        if annotations:
            self.cite(annotations, out)
        audio = delta.get("audio")
        if isinstance(audio, dict) and any(audio.get(n) for n in ("id", "data", "transcript")):
            self._audio(audio, out)
        for call in _objects(delta.get("tool_calls")):
            self._call(call, out)
        function = delta.get("function_call")
        if isinstance(function, dict) and (function.get("name") or function.get("arguments")):
            self._call({"index": 0, "type": "function_call", "function": function}, out)

    def _told_details(self, delta: JsonObject, out: list[Event]) -> bool:
        """Thinking with signatures; True if it held the text that `reasoning` repeats."""
        is_told = False
        for detail in _objects(delta.get("reasoning_details")):
            key = str((detail.get("index"), detail.get("type")))
            at = self._details.get(key)
            if at is None or self._open != at:
                kind = detail.get("type")
                part = Part(
                    "thinking",
                    id=own_text(detail, "id"),
                    origin=family(detail),
                    extra=frozen({"detail_type": kind} if kind is not None else {}),
                )
                at = self._details[key] = self._start(part, out)
                self._kind = "detail"  # plain thinking does not go on with it
            for name, channel in _DETAIL:
                value = detail.get(name)
                if isinstance(value, str) and value:
                    is_told = is_told or channel == "thinking"
                    out.append(Delta(at, channel, value, self.number))
        return is_told

    def _piece(self, piece: Json, out: list[Event]) -> None:
        """One item of a content list: text, thinking, or something without a word of ours."""
        if not isinstance(piece, dict):
            return
        kind = piece.get("type")
        text = piece.get("text")
        thinking = piece.get("thinking")
        if kind == "text" and isinstance(text, str):
            if text:
                self._text("text", text, out)
        elif kind == "thinking" and isinstance(thinking, str):
            if thinking:
                self._text("thinking", thinking, out)
        elif kind == "thinking" and isinstance(thinking, list):
            for inner in _objects(thinking):
                words = inner.get("text")
                if isinstance(words, str) and words:
                    self._text("thinking", words, out)
        else:
            self._start(Part("opaque", name=str(kind), content=piece, origin=WIRE), out)
            self._end(out)

    def _audio(self, audio: JsonObject, out: list[Event]) -> None:
        if self._kind != "audio" or self._open is None:
            until = audio.get("expires_at")
            extra = frozen({"expires_at": until} if isinstance(until, int) else {})
            own = own_text(audio, "id")
            part = Part("audio", id=own, media=Media("audio"), origin=WIRE, extra=extra)
            self._start(part, out)
        assert self._open is not None
        data = audio.get("data")
        if isinstance(data, str) and data:
            out.append(Delta(self._open, "media", data, self.number))
        transcript = audio.get("transcript")
        if isinstance(transcript, str) and transcript:
            out.append(Delta(self._open, "text", transcript, self.number))

    def _call(self, call: JsonObject, out: list[Event]) -> None:
        function = call.get("function")
        custom = call.get("custom")
        if not isinstance(function, dict):
            function = custom if isinstance(custom, dict) else {}
        name = function.get("name")
        own = own_text(call, "id") or None
        at = self._known_call(call, own, bool(name))
        if at is None:
            at = self._new_call(call, own, name if isinstance(name, str) else "", out)
        arguments = function.get("arguments")
        if arguments is None:
            arguments = function.get("input")
        if isinstance(arguments, dict):
            arguments = dump(arguments).decode()
        if isinstance(arguments, str) and arguments:
            out.append(Delta(at, "arguments", arguments, self.number))

    def _new_call(self, call: JsonObject, own: str | None, name: str, out: list[Event]) -> int:
        extra = {k: v for k, v in call.items() if k not in _CALL and v is not None}
        if call.get("type") == "function_call":
            extra["type"] = "function_call"
        elif not isinstance(call.get("function"), dict) and "custom" in call:
            extra["type"] = "custom"
        number = len(self._open_calls)
        part = Part(
            "tool_call",
            id=own or f"call_{self._reply_id.rpartition('-')[2]}_{self.number}_{number}",
            name=name,
            arguments="",
            origin=WIRE,
            extra=frozen(extra),
        )
        at = self._start(part, out)
        index = call.get("index")
        self._calls[f"#{number}"] = at
        if isinstance(index, int):
            self._calls[index] = at
        if own is not None:
            self._calls[own] = at
        self._last = at
        return at

    def _known_call(self, call: JsonObject, own: str | None, is_named: bool) -> int | None:
        """The part that a tool-call delta goes on with; None: it begins a new call.

        With an index: that call, unless a new id and name come under an old index. Without: the
        call of that id; a delta with a name begins a new one; else the last call.
        """
        if self._is_whole:
            return None
        index = call.get("index")
        if own is not None and own in self._calls:
            return self._calls[own]
        if isinstance(index, int) and index in self._calls:
            return None if own is not None and is_named else self._calls[index]
        if isinstance(index, int) or own is not None or is_named:
            return None
        return self._last


def _objects(value: Json) -> list[JsonObject]:
    """The objects of a list; what is no list has none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
