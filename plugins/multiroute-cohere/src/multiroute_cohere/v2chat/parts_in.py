"""The parts of a Cohere answer as events: plan, content, citations, tool calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_cohere.v2chat.names import PLAN, WIRE
from multiroute_core.api import (
    Delta,
    Event,
    Json,
    JsonObject,
    Part,
    PartEnd,
    PartStart,
    frozen,
)

_BLOCK: Final = frozenset({"type", "text", "thinking"})
_CALL: Final = frozenset({"id", "type", "function"})
_FUNCTION: Final = frozenset({"name", "arguments"})


class PartsReader:
    """Reads the events of a stream, or a whole message as their sequence.

    Plan and content are parts that follow each other; a part ends where the next one begins, so
    that citations of it may come after its own end. Tool calls stay open to the end.
    """

    def __init__(self) -> None:
        self._next_at = 0
        self._open: int | None = None
        self._key: str | int = ""
        self._kind = ""
        self._calls: dict[int, int] = {}
        self._last_call: int | None = None
        self._open_calls: list[int] = []

    def read(self, kind: str, doc: JsonObject, delta: JsonObject, out: list[Event]) -> bool:
        """The events of one event of the stream; False: it is of a kind that is not known."""
        message = delta.get("message")
        told = message if isinstance(message, Mapping) else {}
        index = doc.get("index")
        number = index if isinstance(index, int) else -1
        if kind == "content-delta":
            self._more(number, told.get("content"), out)
            self.logprobs(doc.get("logprobs") or delta.get("logprobs"), out)
        elif kind == "content-start":
            self._block(number, told.get("content"), out)
        elif kind == "tool-plan-delta":
            self._plan(told.get(PLAN), out)
        elif kind == "tool-call-start":
            self._call(number, told.get("tool_calls"), out)
        elif kind == "tool-call-delta":
            self._arguments(number, told.get("tool_calls"), out)
        elif kind == "citation-start":
            for citation in _objects(told.get("citations")):
                self._cite(citation, out)
        else:
            return kind in ("content-end", "tool-call-end", "citation-end")
        return True

    def message(self, message: JsonObject, out: list[Event]) -> None:
        """The events of a whole message."""
        self._plan(message.get(PLAN), out)
        waiting = _objects(message.get("citations"))
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for number, block in enumerate(_objects(blocks)):
            self._block(number, block, out)
            is_text = block.get("type") == "text"
            mine = [c for c in waiting if _is_of(c, number, is_text)]
            waiting = [c for c in waiting if not _is_of(c, number, is_text)]
            for citation in mine:
                self._cite(citation, out)
        for citation in waiting:
            self._cite(citation, out)
        for number, call in enumerate(_objects(message.get("tool_calls"))):
            self._call(number, call, out)

    def logprobs(self, value: Json, out: list[Event]) -> None:
        """Log probabilities, one item for each piece of text."""
        tokens: list[Json] = []
        for item in _objects(value):
            text, listed = item.get("text"), item.get("logprobs")
            if not isinstance(text, str) or isinstance(listed, str):
                continue
            known = listed if isinstance(listed, Sequence) else ()
            chances = [float(x) for x in known if isinstance(x, (int, float))]
            tokens.append(
                {
                    "token": text,
                    "logprob": sum(chances),
                    "bytes": list(text.encode("utf-8", "surrogatepass")),
                    "top_logprobs": [],
                }
            )
        if tokens:
            out.append(Delta(0, "logprobs", {"content": tokens}))

    def finish(self, out: list[Event]) -> bool:
        """End what is open; whether there were tool calls."""
        self._end(out)
        out.extend(PartEnd(at) for at in self._open_calls)
        has_calls = bool(self._open_calls)
        self._open_calls = []
        return has_calls

    def _end(self, out: list[Event]) -> None:
        if self._open is not None:
            out.append(PartEnd(self._open))
            self._open = None
            self._kind, self._key = "", ""

    def _begin(self, key: str | int, part: Part, out: list[Event]) -> int:
        self._end(out)
        at = self._next_at
        self._next_at = at + 1
        self._open, self._key, self._kind = at, key, part.kind
        out.append(PartStart(at, part))
        return at

    def _plan(self, text: Json, out: list[Event]) -> None:
        if not isinstance(text, str) or not text:
            return
        at = self._open
        if at is None or self._key != PLAN:
            at = self._begin(PLAN, Part("thinking", name=PLAN, origin=WIRE), out)
        out.append(Delta(at, "thinking", text))

    def _block(self, number: int, value: Json, out: list[Event]) -> None:
        if not isinstance(value, Mapping):
            return
        kind = value.get("type")
        if kind not in ("text", "thinking"):
            self._begin(number, Part("opaque", name=str(kind), content=value, origin=WIRE), out)
            return
        extra = {k: v for k, v in value.items() if k not in _BLOCK and v is not None}
        part = Part("text" if kind == "text" else "thinking", origin=WIRE, extra=frozen(extra))
        self._begin(number, part, out)
        self._more(number, value, out)

    def _more(self, number: int, value: Json, out: list[Event]) -> None:
        """More of a content block; one whose start was left out begins here."""
        if not isinstance(value, Mapping):
            return
        for channel, kind in (("thinking", "thinking"), ("text", "text")):
            text = value.get(channel)
            if not isinstance(text, str) or not text:
                continue
            at = self._open
            if at is None or self._key != number or self._kind != kind:
                part = Part("text" if kind == "text" else "thinking", origin=WIRE)
                at = self._begin(number, part, out)
            out.append(Delta(at, "text" if kind == "text" else "thinking", text))

    def _cite(self, citation: JsonObject, out: list[Event]) -> None:
        """A citation belongs to the part that it names, if that is still open; else to the text
        that is open, or to an empty one of its own."""
        at = self._open
        index = citation.get("content_index")
        is_named = at is not None and index is not None and index == self._key
        if at is None or not (is_named or self._kind == "text"):
            at = self._begin(-1, Part("text", origin=WIRE), out)
        out.append(Delta(at, "citation", citation))

    def _call(self, number: int, value: Json, out: list[Event]) -> None:
        for call in _objects(value):
            function = call.get("function")
            inner: JsonObject = function if isinstance(function, Mapping) else {}
            extra: dict[str, Json] = {k: v for k, v in call.items() if k not in _CALL}
            beyond = {k: v for k, v in inner.items() if k not in _FUNCTION}
            if beyond:
                extra["function"] = beyond
            self._end(out)
            at = self._next_at
            self._next_at = at + 1
            own = call.get("id")
            name = inner.get("name")
            part = Part(
                "tool_call",
                id=own if isinstance(own, str) and own else f"call_{len(self._open_calls)}",
                name=name if isinstance(name, str) else "",
                arguments="",
                origin=WIRE,
                extra=frozen({k: v for k, v in extra.items() if v is not None}),
            )
            out.append(PartStart(at, part))
            self._open_calls.append(at)
            self._calls[number] = self._last_call = at
            self._arguments(number, call, out)

    def _arguments(self, number: int, value: Json, out: list[Event]) -> None:
        at = self._calls.get(number, self._last_call)
        for call in _objects(value):
            function = call.get("function")
            text = function.get("arguments") if isinstance(function, Mapping) else None
            if at is not None and isinstance(text, str) and text:
                out.append(Delta(at, "arguments", text))


def _is_of(citation: JsonObject, number: int, is_text: bool) -> bool:
    index = citation.get("content_index")
    return index == number if isinstance(index, int) else is_text


def _objects(value: Json) -> list[JsonObject]:
    """The objects in a list, or the one that stands for a list of one."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [item for item in value if isinstance(item, Mapping)]
