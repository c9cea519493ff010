"""Cohere chat replies as events: whole ones and streams, through one reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from multiroute_cohere.v2chat.faults import fault_of
from multiroute_cohere.v2chat.names import WIRE
from multiroute_cohere.v2chat.parts_in import PartsReader
from multiroute_cohere.v2chat.usage import usage
from multiroute_core.api import (
    Broken,
    Event,
    Fault,
    Finish,
    FinishReason,
    Json,
    JsonObject,
    Opaque,
    Start,
    Used,
    frozen,
)
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import loads

_REASONS: Final[Mapping[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "length",
    "TIMEOUT": "error",
    "ERROR": "error",
}
_WHOLE: Final = frozenset({"id", "message", "finish_reason", "usage", "logprobs", "model"})
_END: Final = frozenset({"finish_reason", "usage", "error", "error_type"})
_START: Final = frozenset({"id", "type", "delta"})
_CUT: Final = "the provider's stream ended before the answer did"
_FAILED: Final = "the provider could not generate an answer"


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class CohereDecoder:
    """Reads one stream. `model` is what was asked for: replies do not name it."""

    def __init__(self, model: str = "") -> None:
        self._sse = SseParser(lenient=True)
        self._model = model
        self._parts = PartsReader()
        self._started = False
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
            self._event(event.data, out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless the message has ended. An event without its blank line
        counts if its data is whole."""
        out: list[Event] = []
        if self._over:
            return out
        for event in self._sse.close():
            if _is_json(event.data):
                self._event(event.data, out)
        if not self._over:
            kind: Literal["truncated", "empty"] = "truncated" if self._started else "empty"
            self._stop(_broken(kind, _CUT), out)
        return out

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply."""
        out: list[Event] = []
        message = doc.get("message") if isinstance(doc, Mapping) else None
        if not isinstance(doc, Mapping) or not isinstance(message, Mapping):
            if isinstance(doc, Mapping) and (message or doc.get("error")):
                return [Broken(fault_of("error_in_200", doc))]
            return [_broken("protocol", "the provider's reply holds no message")]
        beyond = {k: v for k, v in doc.items() if k not in _WHOLE and v is not None}
        self._start(str(doc.get("id") or ""), beyond, out)
        self._parts.message(message, out)
        self._parts.logprobs(doc.get("logprobs"), out)
        self._end(doc, {}, "error_in_200", out)
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> None:
        self._over = True
        out.append(broken)

    def _start(self, own: str, extra: JsonObject, out: list[Event]) -> None:
        self._started = True
        out.append(Start(own, self._model, frozen(extra)))

    def _event(self, data: str, out: list[Event]) -> None:
        text = data.strip()
        if self._over or not text or text == "[DONE]":
            return
        try:
            doc: Json = loads(text)
        except ValueError:
            self._stop(_broken("protocol", "the provider's stream holds invalid JSON"), out)
            return
        if not isinstance(doc, Mapping):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
            return
        kind = doc.get("type")
        delta = doc.get("delta")
        inner = delta if isinstance(delta, Mapping) else {}
        if kind is None or kind == "error":
            self._stop(Broken(fault_of("error_event", doc)), out)
        elif kind == "message-start":
            extra = {k: v for k, v in doc.items() if k not in _START and v is not None}
            self._start(str(doc.get("id") or ""), extra, out)
        else:
            if not self._started:
                self._start("", {}, out)
            if kind == "message-end":
                beyond = {k: v for k, v in inner.items() if k not in _END and v is not None}
                self._end(inner, beyond, "error_event", out)
            elif not self._parts.read(str(kind), doc, inner, out):
                out.append(Opaque(WIRE, str(kind), doc))

    def _end(
        self,
        told: JsonObject,
        extra: JsonObject,
        broken: Literal["error_event", "error_in_200"],
        out: list[Event],
    ) -> None:
        """The message is complete: usage, and the finish or what went wrong."""
        native = told.get("finish_reason")
        reason = native if isinstance(native, str) else ""
        used = told.get("usage")
        if isinstance(used, Mapping) and used:
            out.append(Used(usage(used)))
        if told.get("error") or reason == "ERROR":
            error = {"error_type": told.get("error_type"), "message": told.get("error") or _FAILED}
            self._stop(Broken(fault_of(broken, error)), out)
            return
        has_calls = self._parts.finish(out)
        meaning = _REASONS.get(reason, "other") if reason else "stop"
        if has_calls and meaning in ("stop", "other"):
            meaning = "tool_calls"
        self._over = True
        out.append(Finish(meaning, reason, extra=frozen(extra)))


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def decode_reply(body: bytes, model: str = "") -> Sequence[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return CohereDecoder(model).whole(doc)
