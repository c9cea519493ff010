"""Responses as events: whole ones and streams, through one reader.

A whole reply is read as a stream of its last event: every item arrives complete. Where a stream
leaves out events, what the closing event holds fills the gaps; items are matched by their type and
place among those of the type, because some providers change ids from event to event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from multiroute_core.api.events import (
    Broken,
    Event,
    Finish,
    Opaque,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.faults import fault_of
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.responses.outcome import CALLS, changed, outcome, rest_of, searches
from multiroute_core.wire.responses.reply_items import (
    ENCRYPTED_AGAIN,
    CallItem,
    Item,
    MessageItem,
    Numbers,
    ReasoningItem,
    new_item,
)
from multiroute_core.wire.responses.thinking import WIRE
from multiroute_core.wire.responses.usage import usage as responses_usage
from multiroute_core.wire.sse import EventTooLarge, SseParser
from multiroute_core.wire.strict import loads

UsageReader: TypeAlias = Callable[[JsonObject], Usage]
"""Turns a native usage object into buckets."""

_NOISE: Final = frozenset({"type", "sequence_number", "obfuscation"})
_BEGIN: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
_END: Final = frozenset({"response.completed", "response.incomplete", "response.done"})
_FAILED: Final = frozenset({"response.failed", "response.cancelled"})
_FAILED_STATES: Final = frozenset({"failed", "cancelled"})
_PINGS: Final = frozenset({"keepalive", "ping"})


def _broken(kind: Literal["protocol", "truncated", "empty", "too_large"], message: str) -> Broken:
    return Broken(Fault(kind, message))


class ResponsesDecoder:
    """Reads one stream of the responses format.

    `read_usage` turns the native usage object into buckets; a provider with its own counting
    gives its own.
    """

    def __init__(self, read_usage: UsageReader = responses_usage) -> None:
        self._sse = SseParser(lenient=True)
        self._read_usage = read_usage
        self._numbers = Numbers()
        self._items: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._last: Item | None = None
        self._is_started = False
        self._is_over = False
        self._is_closing = False
        self._rest: JsonObject = {}
        self._again: dict[str, Json] = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._is_over:
            return out
        try:
            events = self._sse.feed(data)
        except EventTooLarge as error:
            self._stop(_broken("too_large", str(error)), out)
            return out
        for event in events:
            self._event(event.event, event.data, out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless the response has come to its end."""
        out: list[Event] = []
        if self._is_over:
            return out
        self._is_closing = True
        for event in self._sse.close():
            self._event(event.event, event.data, out)
        if not self._is_over:
            message = "the provider's stream ended before the answer did"
            self._stop(_broken("truncated", message), out)
        return out

    def whole(self, doc: Json) -> list[Event]:
        """The events of a whole reply."""
        out: list[Event] = []
        if not isinstance(doc, Mapping):
            return [_broken("protocol", "the provider's reply is not a JSON object")]
        if not isinstance(doc.get("output"), Sequence):
            if doc.get("error"):
                return [Broken(fault_of("error_in_200", doc))]
            return [_broken("protocol", "the provider's reply has no output")]
        if doc.get("status") in _FAILED_STATES or doc.get("error"):
            self._fail("error_in_200", doc, out)
        else:
            self._finish(doc, out)
        return out

    def _stop(self, broken: Broken, out: list[Event]) -> None:
        self._is_over = True
        out.append(broken)

    def _event(self, name: str, data: str, out: list[Event]) -> None:
        text = data.strip()
        if self._is_over or not text or text == "[DONE]":
            return
        try:
            event: Json = loads(text)
        except ValueError:
            if self._is_closing:
                self._stop(_broken("truncated", "the provider's stream ended within an event"), out)
            else:
                self._stop(_broken("protocol", "the provider's stream holds invalid JSON"), out)
            return
        if not isinstance(event, Mapping):
            self._stop(_broken("protocol", "the provider's stream holds no JSON object"), out)
            return
        kind = own_text(event, "type") or name
        response = event.get("response")
        if not isinstance(response, Mapping):
            response = {}
        if kind in _BEGIN:
            self._begin(response, out)
        elif kind in _END:
            if response.get("status") in _FAILED_STATES:
                self._fail("error_event", response, out)
            else:
                self._finish(response, out, kind.removeprefix("response."))
        elif kind in _FAILED:
            self._fail("error_event", response or event, out)
        elif kind == "error" or (event.get("error") and not kind.startswith("response.")):
            self._stop(Broken(fault_of("error_event", event)), out)
        elif kind == "response.output_item.added":
            self._added(event, out)
        elif kind == "response.output_item.done":
            self._done(event, out)
        elif not self._content(kind, event, out) and kind not in _PINGS:
            kept = {k: v for k, v in event.items() if k not in _NOISE}
            out.append(Opaque(WIRE, kind, frozen(kept)))

    def _begin(self, response: JsonObject, out: list[Event]) -> None:
        if self._is_started:
            return
        self._is_started = True
        self._rest = rest_of(response)
        extra: dict[str, Json] = {}
        created = response.get("created_at")
        if isinstance(created, (int, float)) and not isinstance(created, bool):
            extra["created"] = int(created)
        if response.get("service_tier") is not None:
            extra["service_tier"] = response["service_tier"]
        if self._rest:
            extra["response"] = self._rest
        out.append(
            Start(str(response.get("id") or ""), str(response.get("model") or ""), frozen(extra))
        )

    def _added(self, event: JsonObject, out: list[Event]) -> None:
        native = event.get("item")
        if isinstance(native, Mapping):
            self._open(native, event.get("output_index"), out)

    def _open(self, native: JsonObject, index: Json, out: list[Event]) -> Item:
        self._begin({}, out)
        item = new_item(native, self._numbers, out)
        number = index if isinstance(index, int) else len(self._items)
        while number in self._items:
            number += 1
        self._items[number] = item
        own_id = own_text(native, "id")
        if own_id is not None:
            self._by_id[own_id] = item
        self._last = item
        return item

    def _done(self, event: JsonObject, out: list[Event]) -> None:
        native = event.get("item")
        if not isinstance(native, Mapping):
            return
        kind = native.get("type")
        item = self._find(event)
        own_id = own_text(native, "id")
        if item is None and own_id is not None:
            item = self._by_id.get(own_id)
        if item is None or item.kind != kind:
            item = self._open(native, event.get("output_index"), out)
        item.done(native, out)

    def _find(self, event: JsonObject) -> Item | None:
        """The item that an event speaks of."""
        index = event.get("output_index")
        if isinstance(index, int):
            return self._items.get(index)
        own_id = own_text(event, "item_id")
        return self._by_id.get(own_id, self._last) if own_id is not None else self._last

    def _content(self, kind: str, event: JsonObject, out: list[Event]) -> bool:
        """An event within an item; False if it has no word of ours."""
        family, _, step = kind.removeprefix("response.").rpartition(".")
        if family in ("output_text", "refusal", "content_part", "output_text.annotation"):
            self._message(family, step, event, out)
        elif family in ("reasoning_summary_text", "reasoning_summary_part", "reasoning_text"):
            self._reasoning(family, step, event, out)
        elif family in ("function_call_arguments", "custom_tool_call_input"):
            item = self._find(event)
            if isinstance(item, CallItem):
                if step == "delta":
                    item.delta(event.get("delta"), out)
                elif step == "done":
                    item.arguments(event.get("arguments") or event.get("input"), out)
        else:
            return False
        return True

    def _message(self, family: str, step: str, event: JsonObject, out: list[Event]) -> None:
        part = event.get("part")
        if isinstance(part, Mapping) and part.get("type") == "reasoning_text":
            self._reasoning("reasoning_text", step, event, out)
            return
        item = self._find(event)
        if item is None:
            own_id = own_text(event, "item_id")
            native = {"type": "message"} if own_id is None else {"type": "message", "id": own_id}
            item = self._open(native, event.get("output_index"), out)
        if not isinstance(item, MessageItem):
            return
        index = event.get("content_index")
        number = index if isinstance(index, int) else 0
        kind: Literal["text", "refusal"] = "refusal" if family == "refusal" else "text"
        if family == "output_text.annotation":
            item.citation(number, event.get("annotation"), out)
        elif family == "content_part":
            if isinstance(part, Mapping) and step == "done":
                item.whole_piece(number, part, out)
            elif isinstance(part, Mapping) and part.get("type") in ("output_text", "refusal"):
                kind = "refusal" if part["type"] == "refusal" else "text"
                item.piece(number, kind, out)
        elif step == "delta":
            item.delta(number, kind, event.get("delta"), out)
            item.logprobs(number, event.get("logprobs"), out)
        elif step == "done":
            item.text(number, kind, event.get("refusal" if kind == "refusal" else "text"), out)
            item.logprobs(number, event.get("logprobs"), out, is_final=True)

    def _reasoning(self, family: str, step: str, event: JsonObject, out: list[Event]) -> None:
        item = self._find(event)
        if item is None:
            own_id = own_text(event, "item_id")
            native = {"type": "reasoning", "id": own_id or ""}
            item = self._open(native, event.get("output_index"), out)
        if not isinstance(item, ReasoningItem):
            return
        field = "content" if family == "reasoning_text" else "summary"
        number = event.get("content_index" if field == "content" else "summary_index")
        part = event.get("part")
        if step == "delta":
            item.delta(field, number, event.get("delta"), out)
        elif step == "done":
            text = part.get("text") if isinstance(part, Mapping) else event.get("text")
            item.text(field, number, text, out)

    def _fill(self, response: JsonObject, out: list[Event]) -> None:
        """Tell what the closing event has and the stream had not."""
        output = response.get("output")
        if isinstance(output, str) or not isinstance(output, Sequence):
            return
        told: dict[str, list[Item]] = {}
        for _, item in sorted(self._items.items()):
            told.setdefault(item.kind, []).append(item)
        for native in output:
            if isinstance(native, Mapping):
                same = told.get(str(native.get("type")))
                found = same.pop(0) if same else self._open(native, None, out)
                if isinstance(found, ReasoningItem):
                    self._again.update(found.encrypted_again(native))
                found.done(native, out)

    def _finish(self, response: JsonObject, out: list[Event], how: str = "completed") -> None:
        self._begin(response, out)
        self._fill(response, out)
        for item in self._items.values():
            item.end(out)
        self._use(response, out)
        has_calls = any(item.kind in CALLS for item in self._items.values())
        reason, native = outcome(response, how, has_calls)
        extra: dict[str, Json] = {"response": frozen(changed(self._rest, response, how))}
        if self._again:
            extra[ENCRYPTED_AGAIN] = frozen(self._again)
        self._is_over = True
        out.append(Finish(reason, native, extra=frozen(extra)))

    def _use(self, response: JsonObject, out: list[Event]) -> None:
        native = response.get("usage")
        if not isinstance(native, Mapping) or not native:
            return
        used = self._read_usage(native)
        tier = response.get("service_tier")
        if used.service_tier is None and isinstance(tier, str):
            used = replace(used, service_tier=tier)
        count = searches(response.get("tool_usage"))
        if count and not used.tool_units:
            used = replace(used, tool_units=(("web_search_requests", count),))
        out.append(Used(used))

    def _fail(
        self,
        kind: Literal["error_event", "error_in_200"],
        response: JsonObject,
        out: list[Event],
    ) -> None:
        self._use(response, out)
        error = response.get("error")
        if error:
            fault = fault_of(kind, error)
        else:
            status = own_text(response, "status") or "failed"
            message = f"the provider ended the response as {status}"
            fault = Fault(kind, message, cause="upstream_5xx")
        self._stop(Broken(fault), out)


def decode_reply(body: bytes, read_usage: UsageReader = responses_usage) -> list[Event]:
    """The events of a whole reply's body; a body that is no such reply gives `Broken`."""
    if not body.strip():
        return [_broken("empty", "the provider's reply is empty")]
    try:
        doc: Json = loads(body)
    except ValueError:
        return [_broken("protocol", "the provider's reply is not valid JSON")]
    return ResponsesDecoder(read_usage).whole(doc)
