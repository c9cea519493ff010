"""Chat completions replies as events: whole ones and streams, through one reader.

A whole reply is read as a stream of one chunk whose delta is its message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from multiroute_core.api.events import Broken, Event, Finish, Opaque, Start, Used
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.choice_in import ChoiceReader
from multiroute_core.wire.chat.faults import fault_of
from multiroute_core.wire.chat.usage import usage as chat_usage
from multiroute_core.wire.chat.words import WIRE
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import loads

UsageReader: TypeAlias = Callable[[JsonObject], Usage]
"""Turns a native usage object into buckets."""

_PASSED: Final = frozenset({"id", "object", "created", "model", "choices", "usage"}) | frozenset(
    {"obfuscation", "p", "nonce"}
)
"""Top-level fields that are read by themselves, or are padding."""

_CUT: Final = "the provider's stream ended before the answer did"


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class ChatDecoder:
    """Reads one stream of chat completion chunks.

    `read_usage` turns the native usage object into buckets; a provider with its own counting
    gives its own.
    """

    def __init__(self, read_usage: UsageReader = chat_usage) -> None:
        self._sse = SseParser(lenient=True)
        self._read_usage = read_usage
        self._choices: dict[int, ChoiceReader] = {}
        self._started = False
        self._is_whole = False
        self._id = ""
        self._extra: dict[str, Json] = {}
        self._held: dict[str, Json] = {}
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
        """What is left: `Broken` unless every choice has finished.

        An event that the end of the stream cut off before its blank line is read for its text and
        usage, but is no end, whatever it says: the standard has it ignored.
        """
        out: list[Event] = []
        if self._over:
            return out
        is_complete = self._is_complete()
        for event in self._sse.close():
            if _is_json(event.data):
                self._event(event.event, event.data, out)
        if any(isinstance(event, Broken) for event in out):
            return out
        if not is_complete:
            out = [event for event in out if not isinstance(event, Finish)]
            return self._stop(_broken("truncated", _CUT), out)
        self._tell_held(out)
        return out

    def _is_complete(self) -> bool:
        choices = self._choices.values()
        return self._done or (bool(choices) and all(choice.finished for choice in choices))

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply."""
        self._is_whole = True
        out: list[Event] = []
        if not isinstance(doc, dict):
            return [_broken("protocol", "the provider's reply is not a JSON object")]
        choices = doc.get("choices")
        if not choices and _is_error(doc):
            return [Broken(fault_of("error_in_200", doc))]
        if not choices:
            if not isinstance(choices, Sequence):
                return [_broken("protocol", "the provider's reply has no choices")]
            self._usage(doc, out)
            out.append(_broken("empty", "the provider's reply has no answer in it"))
            return out
        self._chunk(doc, out)
        if not self._over and doc.get("error"):
            self._stop(Broken(fault_of("error_in_200", doc)), out)
        if not self._over:
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
                    self._tell_held(out)
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
        if not isinstance(chunk, dict):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
        elif name == "error" or _is_error(chunk):
            if chunk.get("choices"):
                self._chunk({k: v for k, v in chunk.items() if k != "error"}, out, is_last=True)
            if not self._over:
                self._stop(Broken(fault_of("error_event", chunk)), out)
        else:
            self._chunk(chunk, out)

    def _chunk(self, chunk: JsonObject, out: list[Event], *, is_last: bool = False) -> None:
        choices = chunk.get("choices")
        self._keep(chunk)
        if not self._started and (choices or chunk.get("id")):
            self._started = True
            self._id = str(chunk.get("id") or "")
            extra = dict(self._extra)
            self._held = {}
            if isinstance(chunk.get("created"), int):
                extra["created"] = chunk["created"]
            out.append(Start(self._id, str(chunk.get("model") or ""), frozen(extra)))
        if choices:
            if self._held:
                self._tell_held(out)
            if isinstance(choices, list):
                for choice in choices:
                    if isinstance(choice, dict):
                        self._choice(choice, out, is_last)
        if not self._over or is_last:
            self._usage(chunk, out)

    def _keep(self, chunk: JsonObject) -> None:
        """Top-level fields without a word of ours: with the start, or as an event when new.

        Those of a chunk without choices wait, so that a chunk of usage tells of usage only.
        """
        for name, value in chunk.items():
            if name in _PASSED or value is None or self._extra.get(name) == value:
                continue
            self._extra[name] = value
            self._held[name] = value

    def _tell_held(self, out: list[Event]) -> None:
        if self._held:
            out.append(Opaque(WIRE, "fields", frozen(self._held)))
            self._held = {}

    def _usage(self, chunk: JsonObject, out: list[Event]) -> None:
        native = chunk.get("usage")
        if native is None:
            vendor = chunk.get("x_groq")
            native = vendor.get("usage") if isinstance(vendor, dict) else None
        if isinstance(native, dict) and native:
            out.append(Used(self._read_usage(native)))

    def _choice(self, given: JsonObject, out: list[Event], is_last: bool) -> None:
        number = given.get("index")
        number = number if isinstance(number, int) else 0
        choice = self._choices.get(number)
        if choice is None:
            choice = ChoiceReader(number, self._id, is_whole=self._is_whole)
            self._choices[number] = choice
        native = choice.read(given, out)
        error = given.get("error")
        if isinstance(error, dict) and error:
            self._stop(
                Broken(fault_of("error_in_200" if self._is_whole else "error_event", given)), out
            )
        elif native is not None and not choice.finished and not is_last:
            self._finish(choice, native, out)

    def _finish(self, choice: ChoiceReader, native: str, out: list[Event]) -> None:
        """Sources that a provider lists beside the choices are citations of every answer."""
        if self._extra and not choice.cited:
            sources = _sources(self._extra)
            if sources:
                choice.cite(sources, out)
        choice.finish(native, out)

    def _finish_all(self, out: list[Event]) -> None:
        """The format's own end was reached: a choice without a finish reason is complete."""
        for choice in self._choices.values():
            if not choice.finished:
                self._finish(choice, "", out)


def _sources(extra: JsonObject) -> list[JsonObject]:
    """Top-level `search_results` (objects) or `citations` (addresses) as url_citations."""
    found = extra.get("search_results") or extra.get("citations")
    if isinstance(found, str) or not isinstance(found, Sequence):
        return []
    sources: list[JsonObject] = []
    for item in found:
        url = item.get("url") if isinstance(item, dict) else item
        title = item.get("title") if isinstance(item, dict) else None
        if isinstance(url, str) and url:
            told: dict[str, Json] = {"url": url}
            if isinstance(title, str):
                told["title"] = title
            sources.append({"type": "url_citation", "url_citation": told})
    return sources


def _is_error(chunk: JsonObject) -> bool:
    return bool(chunk.get("error")) or chunk.get("object") == "error"


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def decode_reply(body: bytes, read_usage: UsageReader = chat_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return ChatDecoder(read_usage).whole(doc)
