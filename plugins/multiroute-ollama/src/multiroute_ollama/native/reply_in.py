"""Replies of Ollama's own API as events: whole ones and NDJSON streams, through one reader."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

from multiroute_core.api import (
    Broken,
    Delta,
    Event,
    Fault,
    Finish,
    FinishReason,
    Json,
    JsonObject,
    Media,
    Part,
    PartEnd,
    PartStart,
    Start,
    Used,
    frozen,
)
from multiroute_core.wire.chat import fault_of
from multiroute_core.wire.sse import MAX_EVENT_BYTES
from multiroute_core.wire.strict import dump, loads
from multiroute_ollama.native.names import WIRE
from multiroute_ollama.native.usage import COUNTERS, usage

_REASONS: Final[Mapping[str, FinishReason]] = {"stop": "stop", "length": "length"}
_LINE: Final = COUNTERS | {
    "model",
    "created_at",
    "message",
    "response",
    "thinking",
    "tool_calls",
    "images",
    "done",
    "done_reason",
    "logprobs",
}
_CALL: Final = frozenset({"id", "type", "function"})
_FUNCTION: Final = frozenset({"name", "arguments"})
_CUT: Final = "the provider's stream ended before the answer did"
_Where: TypeAlias = Literal["error_event", "error_in_200"]


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class OllamaDecoder:
    """Reads one stream: a JSON object a line, the last one with `done`."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._seed = ""
        self._started = False
        self._over = False
        self._next_at = 0
        self._open: int | None = None
        self._kind = ""
        self._calls = 0
        self._extra: dict[str, Json] = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._over:
            return out
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole = b"".join((*self._rest, line))
            self._rest, self._size = [], 0
            self._line(whole, out)
        if rest:
            self._rest.append(rest)
            self._size += len(rest)
        if self._size > MAX_EVENT_BYTES and not self._over:
            self._stop(_broken("too_large", f"a line larger than {MAX_EVENT_BYTES} bytes"), out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless the reply is done. A line without its end counts if it is
        whole."""
        out: list[Event] = []
        if self._over:
            return out
        left = b"".join(self._rest)
        if _is_json(left):
            self._line(left, out)
        if not self._over:
            kind: Literal["truncated", "empty"] = "truncated" if self._started else "empty"
            self._stop(_broken(kind, _CUT), out)
        return out

    def whole(self, doc: JsonObject) -> list[Event]:
        """The events of a whole reply: a stream of one line."""
        out: list[Event] = []
        self._told(doc, "error_in_200", out)
        if not self._over:
            self._stop(
                _broken("protocol", "the provider's reply does not say that it is done"), out
            )
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> None:
        self._over = True
        out.append(broken)

    def _line(self, line: bytes, out: list[Event]) -> None:
        if self._over or not line.strip():
            return
        try:
            doc: Json = loads(line)
        except ValueError:
            self._stop(_broken("protocol", "the provider's stream holds invalid JSON"), out)
            return
        if isinstance(doc, Mapping):
            self._told(doc, "error_event", out)
        else:
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)

    def _told(self, doc: JsonObject, where: _Where, out: list[Event]) -> None:
        if doc.get("error"):
            self._stop(Broken(fault_of(where, doc)), out)
            return
        if not self._started:
            self._start(doc, out)
        message = doc.get("message")
        given = message if isinstance(message, Mapping) else doc
        self._text("thinking", given.get("thinking"), out)
        content = given.get("content")
        self._text("text", content if given is message else doc.get("response"), out)
        for image in _listed(given.get("images")):
            if isinstance(image, str):
                self._alone(Part("image", media=Media(data_b64=image), origin=WIRE), out)
        for call in _listed(given.get("tool_calls")):
            if isinstance(call, Mapping):
                self._call(call, out)
        logprobs = doc.get("logprobs")
        if isinstance(logprobs, Sequence) and not isinstance(logprobs, str) and logprobs:
            out.append(Delta(0, "logprobs", {"content": logprobs}))
        self._extra.update({k: v for k, v in doc.items() if k not in _LINE and v is not None})
        if doc.get("done") is True:
            self._finish(doc, out)

    def _start(self, doc: JsonObject, out: list[Event]) -> None:
        self._started = True
        told, model = doc.get("created_at"), doc.get("model")
        seed = f"{model} {told}".encode("utf-8", "surrogatepass")
        self._seed = hashlib.sha256(seed).hexdigest()[:12]
        extra: dict[str, Json] = {}
        if isinstance(told, str):
            extra["created_at"] = told
            created = _seconds(told)
            if created is not None:
                extra["created"] = created
        name = model if isinstance(model, str) else ""
        out.append(Start(f"ollama-{self._seed}", name, frozen(extra)))

    def _text(self, kind: Literal["text", "thinking"], value: Json, out: list[Event]) -> None:
        if not isinstance(value, str) or not value:
            return
        if self._open is None or self._kind != kind:
            self._end(out)
            self._open, self._kind = self._next_at, kind
            self._next_at += 1
            out.append(PartStart(self._open, Part(kind, origin=WIRE)))
        out.append(Delta(self._open, kind, value))

    def _alone(self, part: Part, out: list[Event], arguments: str = "") -> None:
        """A part that comes in one piece."""
        self._end(out)
        at = self._next_at
        self._next_at += 1
        out.append(PartStart(at, part))
        if arguments:
            out.append(Delta(at, "arguments", arguments))
        out.append(PartEnd(at))

    def _call(self, call: JsonObject, out: list[Event]) -> None:
        given = call.get("function")
        function: JsonObject = given if isinstance(given, Mapping) else {}
        own, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        if not isinstance(arguments, str):
            arguments = dump(arguments).decode() if isinstance(arguments, Mapping) else ""
        extra: dict[str, Json] = {k: v for k, v in call.items() if k not in _CALL}
        beyond = {k: v for k, v in function.items() if k not in _FUNCTION}
        if beyond:
            extra["function"] = beyond
        part = Part(
            "tool_call",
            id=own if isinstance(own, str) and own else f"call_{self._seed}_{self._calls}",
            name=name if isinstance(name, str) else "",
            arguments="",
            origin=WIRE,
            extra=frozen(extra),
        )
        self._calls += 1
        self._alone(part, out, arguments)

    def _end(self, out: list[Event]) -> None:
        if self._open is not None:
            out.append(PartEnd(self._open))
            self._open = None
            self._kind = ""

    def _finish(self, doc: JsonObject, out: list[Event]) -> None:
        self._end(out)
        counters = {name: doc[name] for name in doc if name in COUNTERS}
        if counters:
            out.append(Used(usage(frozen(counters))))
        native = doc.get("done_reason")
        word = native if isinstance(native, str) and native else "stop"
        reason = _REASONS.get(word, "other")
        if self._calls and reason in ("stop", "other"):
            reason = "tool_calls"
        self._over = True
        out.append(Finish(reason, word, extra=frozen(self._extra)))


def _seconds(text: str) -> int | None:
    """UTC seconds since 1970 of a time that says its zone."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if told.tzinfo is None else int(told.timestamp())


def _listed(value: Json) -> Sequence[Json]:
    return () if isinstance(value, str) or not isinstance(value, Sequence) else value


def _is_json(data: bytes) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True


def decode_reply(body: bytes) -> Sequence[Event]:
    """The events of a whole reply's body; several lines are read as a stream that was collected."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    decoder = OllamaDecoder()
    if _is_json(body):
        doc: Json = loads(body)
        if isinstance(doc, Mapping):
            return decoder.whole(doc)
        return [_broken("protocol", "the provider's reply is not a JSON object")]
    if b"\n" not in body.strip():
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return [*decoder.feed(body), *decoder.close()]
