"""Replies of models that complete prompts: each maker's body, whole and streamed, as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from multiroute_aws_bedrock.converse.usage import count
from multiroute_core.api import (
    Broken,
    Delta,
    Event,
    Fault,
    Finish,
    FinishReason,
    Json,
    JsonObject,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Start,
    Usage,
    Used,
)
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.strict import dump

WIRE: Final = "invoke"
METRICS: Final = "amazon-bedrock-invocationMetrics"
ACTION: Final = "amazon-bedrock-guardrailAction"
TRACE: Final = "amazon-bedrock-trace"

_REASONS: Final[Mapping[str, FinishReason]] = {
    "finish": "stop",
    "complete": "stop",
    "completed": "stop",
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "stop_criteria_met": "stop",
    "endoftext": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "tool_calls": "tool_calls",
    "content_filtered": "content_filter",
    "content_filter": "content_filter",
    "error_toxic": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "refusal",
    "error": "error",
    "error_limit": "error",
}
_ID: Final = ("id", "generation_id", "response_id")


class Piece(Struct, frozen=True, gc=False):
    """More text of one choice, and why it ended, if it did. Choice None: all of them."""

    choice: int | None
    text: str
    finish: str | None = None


def _number(value: Json, otherwise: int) -> int:
    return int(value) if isinstance(value, (int, float)) else otherwise


def _listed(doc: JsonObject, name: str) -> Iterator[tuple[int, JsonObject]]:
    items = doc.get(name)
    if isinstance(items, Sequence) and not isinstance(items, str):
        for at, item in enumerate(items):
            if isinstance(item, Mapping):
                yield _number(item.get("index"), at), item


def _reason(item: JsonObject) -> str | None:
    for name in ("finish_reason", "stop_reason", "completionReason", "finishReason"):
        value = item.get(name)
        if isinstance(value, Mapping):
            value = value.get("reason")
        if isinstance(value, str) and value:
            return value
    return None


def pieces(doc: JsonObject) -> list[Piece] | None:
    """What a reply or a chunk tells; None where it is none of these bodies.

    >>> pieces({"generation": "Hi", "stop_reason": "stop"})
    [Piece(choice=0, text='Hi', finish='stop')]
    """
    if isinstance(doc.get("event_type"), str):
        text = doc.get("text") if doc["event_type"] == "text-generation" else ""
        done = _reason(doc) if doc["event_type"] == "stream-end" else None
        return [Piece(0, text if isinstance(text, str) else "", done)]
    for name in ("generation", "outputText", "completion", "text"):
        text = doc.get(name)
        if isinstance(text, str):
            return [Piece(_number(doc.get("index"), 0), text, _reason(doc))]
    for name, inner in (
        ("results", "outputText"),
        ("generations", "text"),
        ("outputs", "text"),
        ("choices", "text"),
        ("completions", "data"),
    ):
        found: list[Piece] = []
        for at, item in _listed(doc, name):
            value = item.get(inner)
            if isinstance(value, Mapping):
                value = value.get("text")
            if isinstance(value, str):
                found.append(Piece(at, value, _reason(item)))
        if found:
            return found
    reason = _reason(doc)
    if doc.get("is_finished") is True and reason is not None:
        index = doc.get("index")
        return [Piece(int(index) if isinstance(index, int) else None, "", reason)]
    return None


def counts(doc: JsonObject) -> dict[str, Json]:
    """The token counts in a body, under the names of the stream's metrics."""
    found: dict[str, Json] = {}
    given = count(doc, "prompt_token_count", "inputTextTokenCount")
    made = count(doc, "generation_token_count", "totalOutputTextTokenCount")
    if made is None:
        by_result = [count(item, "tokenCount") for _, item in _listed(doc, "results")]
        if by_result and None not in by_result:
            made = sum(n for n in by_result if n is not None)
    native = doc.get("usage")
    if isinstance(native, Mapping):
        given = count(native, "prompt_tokens", "input_tokens", "inputTokens")
        made = count(native, "completion_tokens", "output_tokens", "outputTokens")
    if given is not None:
        found["inputTokenCount"] = given
    if made is not None:
        found["outputTokenCount"] = made
    return found


def is_blocked(doc: JsonObject) -> bool:
    """Whether a guardrail has put its own text in place of the answer."""
    return doc.get(ACTION) == "INTERVENED" and _holds_block(doc.get(TRACE))


def _holds_block(trace: Json) -> bool:
    if isinstance(trace, Mapping):
        if trace.get("action") == "BLOCKED":
            return True
        return any(_holds_block(value) for value in trace.values())
    if isinstance(trace, Sequence) and not isinstance(trace, str):
        return any(_holds_block(value) for value in trace)
    return False


class TextReader:
    """Turns the chunks of one stream, or a whole reply, into events.

    `bedrock` reads counts under the names of the stream's metrics.
    """

    def __init__(self, reply_id: str, model: str) -> None:
        self._id = reply_id
        self._model = model
        self._started = False
        self._open: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._ended: set[int] = set()
        self._counted: dict[str, Json] = {}

    def chunk(self, doc: JsonObject, out: list[Event]) -> None:
        """One chunk of a stream, or the whole of a reply."""
        if not self._started:
            self._started = True
            own = next((own_text(doc, name) for name in _ID if own_text(doc, name)), None)
            out.append(Start(own or self._id, own_text(doc, "model") or self._model))
        told = pieces(doc)
        if told is None:
            rest = {k: v for k, v in doc.items() if k != METRICS}
            if rest:
                out.append(Opaque(WIRE, "chunk", rest))
        else:
            blocked = is_blocked(doc)
            for piece in told:
                self._piece(piece, blocked, out)
        response = doc.get("response")
        calls = doc.get("tool_calls")
        if not calls and isinstance(response, Mapping):
            calls = response.get("tool_calls")
        if isinstance(calls, Sequence) and not isinstance(calls, str):
            self._calls(calls, out)
        for piece in told or ():
            self._end(piece, is_blocked(doc), out)
        fresh = counts(doc)
        metrics = doc.get(METRICS)
        if isinstance(metrics, Mapping):
            fresh.update(metrics)
        if fresh:
            self._counted.update(fresh)
            out.append(Used(usage(self._counted)))
        trace = {name: doc[name] for name in (ACTION, TRACE) if name in doc}
        if trace.get(ACTION) not in (None, "NONE"):
            out.append(Opaque(WIRE, "guardrail", trace))

    def close(self) -> list[Event]:
        """`Broken` unless every choice has ended."""
        begun = set(self._open) | set(self._next)
        if self._ended and begun <= self._ended:
            return []
        return [Broken(Fault("truncated", "the provider's stream ended before the answer did"))]

    def _piece(self, piece: Piece, blocked: bool, out: list[Event]) -> None:
        number = piece.choice or 0
        if not piece.text or number in self._ended:
            return
        at = self._open.get(number)
        if at is None:
            at = self._next.get(number, 0)
            self._next[number] = at + 1
            self._open[number] = at
            out.append(PartStart(at, Part("text", origin=WIRE), number))
        out.append(Delta(at, "text", piece.text, number))

    def _calls(self, calls: Sequence[Json], out: list[Event]) -> None:
        """Tool calls of a body that gives them whole, and without ids."""
        self._close_text(0, out)
        for call in calls:
            if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
                continue
            at = self._next.get(0, 0)
            self._next[0] = at + 1
            given = call.get("parameters")
            part = Part(
                "tool_call",
                id=own_text(call, "id") or f"call_{self._id}_{at}",
                name=own_text(call, "name"),
                arguments=dump(given).decode() if isinstance(given, Mapping) else "{}",
                origin=WIRE,
            )
            out.append(PartStart(at, part))
            out.append(PartEnd(at))

    def _close_text(self, number: int, out: list[Event]) -> None:
        at = self._open.pop(number, None)
        if at is not None:
            out.append(PartEnd(at, number))

    def _end(self, piece: Piece, blocked: bool, out: list[Event]) -> None:
        native = piece.finish or ("guardrail_intervened" if blocked else None)
        if native is None:
            return
        known = set(self._next) or {0}
        for number in sorted(known) if piece.choice is None else (piece.choice,):
            if number in self._ended:
                continue
            self._close_text(number, out)
            self._ended.add(number)
            reason = _REASONS.get(native.lower(), "other")
            out.append(Finish(reason, native, number))


def usage(native: JsonObject) -> Usage:
    """The buckets in the counts of an invocation.

    >>> usage({"inputTokenCount": 3, "outputTokenCount": 2}).output_tokens
    2
    """
    return Usage(
        input_fresh=count(native, "inputTokenCount"),
        cache_read=count(native, "cacheReadInputTokenCount"),
        cache_write=count(native, "cacheWriteInputTokenCount"),
        output_text=count(native, "outputTokenCount"),
        native=dict(native),
    )
