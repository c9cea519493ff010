"""Chat completions replies as events: whole ones and streams, through one reader.

A whole reply is read as a stream of one chunk whose delta is its message. Repairs what providers
omit: tool-call indexes, ids and types; finish reasons that do not match; usage in odd places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from multiroute_core.api.content import Media, Part
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
from multiroute_core.wire.chat.faults import fault_of
from multiroute_core.wire.chat.request_in import WIRE
from multiroute_core.wire.chat.usage import usage as chat_usage
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import dump, loads

UsageReader: TypeAlias = Callable[[JsonObject], Usage]
"""Turns a native usage object into buckets."""

_REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "error": "error",
}
_TOP: Final = frozenset({"id", "object", "created", "model", "choices", "usage"})
_NOISE: Final = frozenset({"obfuscation", "p", "nonce"})
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


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class _Choice:
    """What one choice has open: its current text-like part and its tool calls."""

    __slots__ = (
        "calls",
        "details",
        "extra",
        "finished",
        "kind",
        "last",
        "next_at",
        "number",
        "open",
        "open_calls",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.next_at = 0
        self.open: int | None = None
        self.kind = ""
        self.open_calls: list[int] = []
        self.calls: dict[str | int, int] = {}
        self.last: int | None = None
        self.details: dict[Json, int] = {}
        self.extra: dict[str, Json] = {}
        self.finished = False

    def start(self, part: Part, out: list[Event]) -> int:
        """Begin a part; the one that was open ends, but for tool calls, which may interleave."""
        self.end(out)
        at = self.next_at
        self.next_at = at + 1
        if part.kind == "tool_call":
            self.open_calls.append(at)
        else:
            self.open = at
            self.kind = part.kind
        out.append(PartStart(at, part, self.number))
        return at

    def end(self, out: list[Event]) -> None:
        """End the open part, if any."""
        if self.open is not None:
            out.append(PartEnd(self.open, self.number))
            self.open = None
            self.kind = ""

    def text(
        self, kind: Literal["text", "thinking", "refusal"], text: str, out: list[Event]
    ) -> None:
        """Text for the open part of this kind, or for a new one."""
        if self.kind != kind or self.open is None:
            self.start(Part(kind, origin=WIRE), out)
        assert self.open is not None
        channel: Channel = kind
        out.append(Delta(self.open, channel, text, self.number))


class ChatDecoder:
    """Reads one stream of chat completion chunks.

    `read_usage` turns the native usage object into buckets; a provider with its own counting
    gives its own.
    """

    def __init__(self, read_usage: UsageReader = chat_usage) -> None:
        self._sse = SseParser(lenient=True)
        self._read_usage = read_usage
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._id = ""
        self._extra: dict[str, Json] = {}
        self._done = False
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._over:
            return out
        try:
            events = self._sse.feed(data)
        except EventTooLarge as error:
            return self._stop(_broken("too_large", str(error)), out)
        for event in events:
            self._event(event.event, event.data, out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless every choice has finished."""
        out: list[Event] = []
        if self._over:
            return out
        for event in self._sse.close():
            self._event(event.event, event.data, out)
        if not self._done and not any(isinstance(event, Broken) for event in out):
            finished = [choice.finished for choice in self._choices.values()]
            if not finished or not all(finished):
                message = "the provider's stream ended before the answer did"
                return self._stop(_broken("truncated", message), out)
        return out

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply."""
        out: list[Event] = []
        if not isinstance(doc, Mapping):
            return [_broken("protocol", "the provider's reply is not a JSON object")]
        if doc.get("error") and not doc.get("choices"):
            return [Broken(fault_of("error_in_200", doc))]
        if not doc.get("choices"):
            if not isinstance(doc.get("choices"), Sequence):
                return [_broken("protocol", "the provider's reply has no choices")]
            self._usage(doc, out)
            out.append(_broken("empty", "the provider's reply has no answer in it"))
            return out
        self._chunk(doc, out)
        self._finish_all(out)
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> list[Event]:
        self._over = True
        out.append(broken)
        return out

    def _event(self, name: str, data: str, out: list[Event]) -> None:
        if self._over:
            return
        text = data.strip()
        if text == "[DONE]":
            if not self._done:
                self._done = True
                if self._choices:
                    self._finish_all(out)
                else:
                    self._stop(_broken("empty", "the provider's stream held no answer"), out)
            return
        if not text:
            return
        try:
            chunk: Json = loads(text)
        except ValueError:
            self._stop(_broken("protocol", "the provider's stream holds invalid JSON"), out)
            return
        if not isinstance(chunk, Mapping):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
        elif name == "error" or (chunk.get("error") and not _has_content(chunk)):
            self._stop(Broken(fault_of("error_event", chunk)), out)
        else:
            self._chunk(chunk, out)

    def _chunk(self, chunk: JsonObject, out: list[Event]) -> None:
        if chunk.keys() - _TOP:
            self._keep(chunk, out)
        choices = chunk.get("choices")
        if not self._started and (choices or chunk.get("id")):
            self._started = True
            self._id = str(chunk.get("id") or "")
            extra = dict(self._extra)
            if isinstance(chunk.get("created"), int):
                extra["created"] = chunk["created"]
            out.append(Start(self._id, str(chunk.get("model") or ""), frozen(extra)))
        if isinstance(choices, Sequence):
            for choice in choices:
                if isinstance(choice, Mapping):
                    self._choice(choice, out)
        self._usage(chunk, out)

    def _keep(self, chunk: JsonObject, out: list[Event]) -> None:
        """Top-level fields without a word of ours: with the start, or as an event when new."""
        fresh = {
            k: v
            for k, v in chunk.items()
            if k not in _TOP and k not in _NOISE and v is not None and self._extra.get(k) != v
        }
        if fresh:
            self._extra.update(fresh)
            if self._started:
                out.append(Opaque(WIRE, "fields", frozen(fresh)))

    def _usage(self, chunk: JsonObject, out: list[Event]) -> None:
        native = chunk.get("usage")
        if native is None:
            vendor = chunk.get("x_groq")
            native = vendor.get("usage") if isinstance(vendor, Mapping) else None
        if isinstance(native, Mapping) and native:
            out.append(Used(self._read_usage(native)))

    def _choice(self, given: JsonObject, out: list[Event]) -> None:
        number = given.get("index")
        number = number if isinstance(number, int) else 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(number)
        delta = given.get("delta")
        if not isinstance(delta, Mapping):
            delta = given.get("message")
        if isinstance(delta, Mapping):
            self._delta(choice, delta, out)
        logprobs = given.get("logprobs")
        if isinstance(logprobs, Mapping) and logprobs:
            out.append(Delta(0, "logprobs", logprobs, number))
        for name in given.keys() - _CHOICE:
            if given[name] is not None:
                choice.extra[name] = given[name]
        native = given.get("finish_reason")
        if isinstance(native, str) and native and not choice.finished:
            self._finish(choice, native, out)

    def _finish(self, choice: _Choice, native: str, out: list[Event]) -> None:
        choice.end(out)
        for at in choice.open_calls:
            out.append(PartEnd(at, choice.number))
        choice.open_calls = []
        choice.finished = True
        reason = _REASONS.get(native.lower(), "other") if native else "stop"
        if reason in ("stop", "other") and choice.calls:
            reason = "tool_calls"
        out.append(Finish(reason, native, choice.number, frozen(choice.extra)))

    def _finish_all(self, out: list[Event]) -> None:
        """The format's own end was reached: a choice without a finish reason is complete."""
        for choice in self._choices.values():
            if not choice.finished:
                self._finish(choice, "", out)

    def _delta(self, choice: _Choice, delta: JsonObject, out: list[Event]) -> None:
        if not self._details(choice, delta, out):
            thinking = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(thinking, str) and thinking:
                choice.text("thinking", thinking, out)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                choice.text("text", content, out)
        elif isinstance(content, Sequence):
            for piece in content:
                self._piece(choice, piece, out)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            choice.text("refusal", refusal, out)
        annotations = delta.get("annotations")
        if isinstance(annotations, Sequence) and not isinstance(annotations, str) and annotations:
            if choice.kind != "text" or choice.open is None:
                choice.start(Part("text", origin=WIRE), out)
            assert choice.open is not None
            for annotation in annotations:
                if isinstance(annotation, Mapping):
                    out.append(Delta(choice.open, "citation", annotation, choice.number))
        audio = delta.get("audio")
        if isinstance(audio, Mapping):
            self._audio(choice, audio, out)
        calls = delta.get("tool_calls")
        if isinstance(calls, Sequence) and not isinstance(calls, str):
            for call in calls:
                if isinstance(call, Mapping):
                    self._call(choice, call, out)
        function = delta.get("function_call")
        if isinstance(function, Mapping):
            self._call(choice, {"index": 0, "function": function}, out)
        for name in delta.keys() - _DELTA:
            if delta[name] is not None and delta[name] != []:
                choice.extra[name] = delta[name]

    def _details(self, choice: _Choice, delta: JsonObject, out: list[Event]) -> bool:
        """Thinking with signatures; True if it held the text that `reasoning` repeats."""
        details = delta.get("reasoning_details")
        if isinstance(details, str) or not isinstance(details, Sequence) or not details:
            return False
        for detail in details:
            if not isinstance(detail, Mapping):
                continue
            key = (detail.get("index"), detail.get("type"))
            at = choice.details.get(str(key))
            if at is None or choice.open != at:
                own = detail.get("format")
                at = choice.start(
                    Part(
                        "thinking",
                        id=own_text(detail, "id"),
                        origin=own if isinstance(own, str) else WIRE,
                        extra=frozen({"detail_type": detail.get("type")}),
                    ),
                    out,
                )
                choice.details[str(key)] = at
            for name, channel in _DETAIL:
                value = detail.get(name)
                if isinstance(value, str) and value:
                    out.append(Delta(at, channel, value, choice.number))
        return True

    def _piece(self, choice: _Choice, piece: Json, out: list[Event]) -> None:
        """One item of a content list: text, thinking, or something without a word of ours."""
        if not isinstance(piece, Mapping):
            return
        kind = piece.get("type")
        text = piece.get("text")
        thinking = piece.get("thinking")
        if kind == "text" and isinstance(text, str):
            choice.text("text", text, out)
        elif kind == "thinking" and isinstance(thinking, str):
            choice.text("thinking", thinking, out)
        elif kind == "thinking" and isinstance(thinking, Sequence):
            for inner in thinking:
                words = inner.get("text") if isinstance(inner, Mapping) else None
                if isinstance(words, str):
                    choice.text("thinking", words, out)
        else:
            choice.start(Part("opaque", name=str(kind), content=piece, origin=WIRE), out)
            choice.end(out)

    def _audio(self, choice: _Choice, audio: JsonObject, out: list[Event]) -> None:
        if choice.kind != "audio" or choice.open is None:
            choice.start(Part("audio", id=own_text(audio, "id"), media=Media("audio")), out)
        assert choice.open is not None
        data = audio.get("data")
        if isinstance(data, str) and data:
            out.append(Delta(choice.open, "media", data, choice.number))
        transcript = audio.get("transcript")
        if isinstance(transcript, str) and transcript:
            out.append(Delta(choice.open, "text", transcript, choice.number))

    def _call(self, choice: _Choice, call: JsonObject, out: list[Event]) -> None:
        function = call.get("function")
        custom = call.get("custom")
        if not isinstance(function, Mapping):
            function = custom if isinstance(custom, Mapping) else {}
        name = function.get("name")
        own = call.get("id")
        own = own if isinstance(own, str) and own else None
        at = self._known_call(choice, call, own, isinstance(name, str) and bool(name))
        if at is None:
            extra = {
                k: v
                for k, v in call.items()
                if k not in ("index", "id", "type", "function") and v is not None
            }
            number = len(choice.calls)
            at = choice.start(
                Part(
                    "tool_call",
                    id=own or f"call_{self._id.rpartition('-')[2]}_{choice.number}_{number}",
                    name=name if isinstance(name, str) else "",
                    arguments="",
                    origin=WIRE,
                    extra=frozen(extra),
                ),
                out,
            )
            index = call.get("index")
            choice.calls[f"#{number}"] = at
            if isinstance(index, int):
                choice.calls[index] = at
            if own is not None:
                choice.calls[own] = at
            choice.last = at
        arguments = function.get("arguments")
        if arguments is None:
            arguments = function.get("input")
        if isinstance(arguments, Mapping):
            arguments = dump(arguments).decode()
        if isinstance(arguments, str) and arguments:
            out.append(Delta(at, "arguments", arguments, choice.number))

    def _known_call(
        self, choice: _Choice, call: JsonObject, own: str | None, named: bool
    ) -> int | None:
        """The part that a tool-call delta goes on with; None: it begins a new call.

        With an index: that call, unless a new id and name come under an old index. Without: the
        call of that id; a delta with a name begins a new one; else the last call.
        """
        index = call.get("index")
        if own is not None and own in choice.calls:
            return choice.calls[own]
        if isinstance(index, int) and index in choice.calls:
            return None if own is not None and named else choice.calls[index]
        if isinstance(index, int) or own is not None or named:
            return None
        return choice.last


_DETAIL: Final[tuple[tuple[str, Channel], ...]] = (
    ("text", "thinking"),
    ("summary", "thinking"),
    ("signature", "signature"),
    ("data", "signature"),
)


def _has_content(chunk: JsonObject) -> bool:
    choices = chunk.get("choices")
    if not isinstance(choices, Sequence):
        return False
    return any(
        isinstance(choice, Mapping)
        and (choice.get("delta") or choice.get("message"))
        and choice.get("finish_reason") != "error"
        for choice in choices
    )


def decode_reply(body: bytes, read_usage: UsageReader = chat_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return ChatDecoder(read_usage).whole(doc)
