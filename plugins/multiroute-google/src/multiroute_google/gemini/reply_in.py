"""Gemini replies as events: whole ones, SSE and JSON-array streams, through one reader.

Each chunk of a stream has the form of a whole reply. A choice finishes when the reply ends: its
reason may stand in a chunk before the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from multiroute_core.api import (
    Broken,
    Delta,
    Event,
    Fault,
    Finish,
    InvalidRequest,
    Json,
    JsonObject,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Result,
    Start,
    TokenCount,
    Usage,
    Used,
    frozen,
)
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.sse import EventTooLarge
from multiroute_core.wire.strict import loads
from multiroute_google.gemini.citations import citations
from multiroute_google.gemini.faults import fault_of
from multiroute_google.gemini.finish import reason_of, word_of
from multiroute_google.gemini.framing import ChunkReader
from multiroute_google.gemini.ids import CallIds
from multiroute_google.gemini.logprobs import read_logprobs
from multiroute_google.gemini.partial_args import PartialCalls
from multiroute_google.gemini.parts import decode_part, is_carrier
from multiroute_google.gemini.spelling import WIRE, keyed
from multiroute_google.gemini.usage import has_counts, superseding, usage as gemini_usage

UsageReader: TypeAlias = Callable[[JsonObject], Usage]

_TOP: Final = frozenset(
    {"candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "error"}
)
_CANDIDATE: Final = frozenset(
    {
        "content",
        "finishReason",
        "index",
        "finishMessage",
        "safetyRatings",
        "citationMetadata",
        "groundingMetadata",
        "urlContextMetadata",
        "avgLogprobs",
        "logprobsResult",
        "tokenCount",
    }
)
_SAID: Final = frozenset({"content", "finishReason", "index"})


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class _Choice:
    """What one candidate has said so far."""

    __slots__ = (
        "calls",
        "cited",
        "extra",
        "has_calls",
        "ids",
        "next_at",
        "number",
        "open",
        "pending",
        "word",
    )

    def __init__(self, number: int, reply_id: str) -> None:
        self.number = number
        self.next_at = 0
        self.open: tuple[int, Literal["text", "thinking"]] | None = None
        self.ids = CallIds(f"{reply_id}_{number}" if number else reply_id)
        self.calls = PartialCalls()
        self.has_calls = False
        self.word: str | None = None
        self.extra: dict[str, Json] = {}
        self.pending: list[JsonObject] = []
        self.cited: set[tuple[Json, ...]] = set()

    def start(self, part: Part, out: list[Event]) -> int:
        """Begin a part; an open one ends."""
        self.end(out)
        at, self.next_at = self.next_at, self.next_at + 1
        out.append(PartStart(at, part, self.number))
        return at

    def end(self, out: list[Event]) -> None:
        """End the open text or thinking part; the citations that wait belong to a text."""
        if self.open is None:
            return
        at, kind = self.open
        if kind == "text":
            self._cite(at, out)
        out.append(PartEnd(at, self.number))
        self.open = None

    def _cite(self, at: int, out: list[Event]) -> None:
        out.extend(Delta(at, "citation", one, self.number) for one in self.pending)
        self.pending = []

    def part(self, part: Part, is_new: bool, out: list[Event]) -> None:
        """A part of a chunk. `is_new`: it does not go on with the part of the chunk before."""
        if part.kind in ("text", "thinking") and not part.extra and not is_carrier(part):
            self._words(part, is_new, out)
            return
        at = self.start(replace(part, signature=None, arguments=_none_of(part)), out)
        if part.signature is not None:
            out.append(Delta(at, "signature", part.signature, self.number))
        if part.kind == "tool_call":
            self.has_calls = True
            out.append(Delta(at, "arguments", part.arguments or "{}", self.number))
        out.append(PartEnd(at, self.number))

    def _words(self, part: Part, is_new: bool, out: list[Event]) -> None:
        kind: Literal["text", "thinking"] = "text" if part.kind == "text" else "thinking"
        if not part.text and part.signature is None:
            return
        if self.open is None or self.open[1] != kind or is_new:
            self.open = (self.start(Part(kind, origin=WIRE), out), kind)
        at = self.open[0]
        if part.text:
            out.append(Delta(at, kind, part.text, self.number))
        if part.signature is not None:
            out.append(Delta(at, "signature", part.signature, self.number))
            self.end(out)

    def finish(self, out: list[Event]) -> None:
        """The end of the choice."""
        self.end(out)
        if self.pending:
            at = self.start(Part("text", origin=WIRE), out)
            self._cite(at, out)
            out.append(PartEnd(at, self.number))
        word = self.word or ""
        reason = reason_of(word, self.has_calls)
        out.append(Finish(reason, word, self.number, frozen(self.extra)))


def _none_of(part: Part) -> str | None:
    return "" if part.kind == "tool_call" else part.arguments


class GeminiDecoder:
    """Reads one stream of Gemini replies, server-sent events or a JSON array."""

    def __init__(self, read_usage: UsageReader = gemini_usage) -> None:
        self._reader = ChunkReader()
        self._read_usage = read_usage
        self._choices: dict[int, _Choice] = {}
        self._id = ""
        self._is_started = False
        self._kept: dict[str, Json] = {}
        self._feedback: JsonObject | None = None
        self._usage: Usage | None = None
        self._is_over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._is_over:
            return out
        try:
            texts = self._reader.feed(data)
        except EventTooLarge as error:
            self._stop(_broken("too_large", str(error)), out)
            return out
        for text in texts:
            self._text(text, out, "protocol", "the provider's stream holds invalid JSON")
        return out

    def close(self) -> list[Event]:
        """What is left: the ends of the choices, or `Broken` unless every one has finished."""
        out: list[Event] = []
        for text in self._reader.close():
            self._text(text, out, "truncated", "the provider's stream ended within an event")
        if not self._is_over:
            self._end("truncated", "the provider's stream ended before the answer did", out)
        return out

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply: an object, or the array of a stream that came whole."""
        out: list[Event] = []
        chunks = doc if isinstance(doc, Sequence) and not isinstance(doc, str) else [doc]
        for chunk in chunks:
            if self._is_over:
                break
            if not isinstance(chunk, Mapping):
                self._stop(_broken("protocol", "the provider's reply is not a JSON object"), out)
            elif chunk.get("error"):
                self._stop(Broken(fault_of("error_in_200", chunk)), out)
            else:
                self._chunk(chunk, out)
        if not self._is_over:
            self._end("empty", "the provider's reply has no answer in it", out)
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> None:
        self._is_over = True
        out.append(broken)

    def _text(
        self,
        text: str | bytes,
        out: list[Event],
        kind: Literal["protocol", "truncated"],
        message: str,
    ) -> None:
        if self._is_over or not text.strip():
            return
        try:
            chunk: Json = loads(text)
        except ValueError:
            self._stop(_broken(kind, message), out)
            return
        if isinstance(chunk, str) or not isinstance(chunk, Mapping):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
        elif chunk.get("error"):
            self._stop(Broken(fault_of("error_event", chunk)), out)
        else:
            self._chunk(chunk, out)

    def _chunk(self, given: JsonObject, out: list[Event]) -> None:
        chunk = keyed(given, _TOP, "")
        self._begin(chunk, out)
        candidates = chunk.get("candidates")
        if isinstance(candidates, Sequence) and not isinstance(candidates, str):
            for position, candidate in enumerate(candidates):
                if isinstance(candidate, Mapping):
                    try:
                        self._candidate(position, candidate, out)
                    except InvalidRequest as error:
                        message = f"the provider's reply cannot be read: {error.message}"
                        self._stop(_broken("protocol", message), out)
                        return
        native = chunk.get("usageMetadata")
        if isinstance(native, Mapping):
            used = self._read_usage(native)
            if has_counts(used):
                self._usage = superseding(self._usage, used)
                out.append(Used(self._usage))

    def _begin(self, chunk: JsonObject, out: list[Event]) -> None:
        """The start, and top-level fields without a word of ours as they come."""
        feedback = chunk.get("promptFeedback")
        if isinstance(feedback, Mapping):
            self._feedback = feedback
        fresh = {
            name: value
            for name, value in chunk.items()
            if (name not in _TOP or name == "promptFeedback") and self._kept.get(name) != value
        }
        self._kept.update(fresh)
        if self._is_started:
            if fresh:
                out.append(Opaque(WIRE, "fields", frozen(fresh)))
            return
        self._is_started = True
        self._id = own_text(chunk, "responseId") or ""
        made = own_text(chunk, "createTime")
        created = None if made is None else _epoch(made)
        extra = fresh if created is None else {**fresh, "created": created}
        out.append(Start(self._id, own_text(chunk, "modelVersion") or "", frozen(extra)))

    def _candidate(self, position: int, given: JsonObject, out: list[Event]) -> None:
        fields = keyed(given, _CANDIDATE, "candidates")
        index = fields.get("index")
        number = index if isinstance(index, int) else position
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(number, self._id)
        for source in citations(fields):
            key = (source.get("type"), source.get("url"), source.get("title"), source.get("text"))
            if key not in choice.cited:
                choice.cited.add(key)
                choice.pending.append(source)
        content = fields.get("content")
        parts = content.get("parts") if isinstance(content, Mapping) else None
        is_new = False
        if isinstance(parts, Sequence) and not isinstance(parts, str):
            for at, part in enumerate(parts):
                path = f"candidates[{number}].content.parts[{at}]"
                whole = choice.calls.whole(part) if isinstance(part, Mapping) else part
                if whole is not None:
                    for one in decode_part(whole, path, choice.ids):
                        choice.part(one, is_new, out)
                is_new = True
        logprobs = fields.get("logprobsResult")
        if isinstance(logprobs, Mapping):
            out.append(Delta(0, "logprobs", read_logprobs(logprobs), number))
        for name, value in fields.items():
            if name not in _SAID:
                choice.extra[name] = value
        word = word_of(fields.get("finishReason"))
        if word is not None:
            choice.word = word

    def _end(self, kind: Literal["truncated", "empty"], message: str, out: list[Event]) -> None:
        choices = self._choices.values()
        if not choices and self._feedback is not None and self._feedback.get("blockReason"):
            # A refused prompt: an answer without content, as if its first word had been filtered.
            self._is_over = True
            native = str(self._feedback["blockReason"])
            told = frozen({"promptFeedback": self._feedback})
            out.append(Finish("content_filter", native, 0, told))
        elif not choices or any(choice.word is None for choice in choices):
            self._stop(_broken(kind, message), out)
        else:
            self._is_over = True
            for choice in choices:
                choice.finish(out)


def _epoch(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return None


def decode_reply(body: bytes, read_usage: UsageReader = gemini_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return GeminiDecoder(read_usage).whole(doc)


def decode_count(body: bytes) -> list[Event]:
    """The events of a whole `countTokens` reply."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    if not isinstance(doc, Mapping):
        return [_broken("protocol", "the provider's reply is not a JSON object")]
    if doc.get("error"):
        return [Broken(fault_of("error_in_200", doc))]
    total = doc.get("totalTokens", 0)
    if isinstance(total, bool) or not isinstance(total, int):
        return [_broken("protocol", "the provider's reply has no token count")]
    extra = frozen({name: value for name, value in doc.items() if name != "totalTokens"})
    return [Result(TokenCount(total, extra=extra)), Finish("stop", "")]
