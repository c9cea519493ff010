"""Adapters that do everything right but for one thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from multiroute_core.api import Call, Decoder, Encoded, Event, Fault, Head, Provider, Target
from multiroute_core.api.events import Broken, Delta, Finish, PartEnd, PartStart, Used
from tests.fidelity.checks.continuity import opaque_strings


class Wrong:
    """An adapter in front of another: passes everything on."""

    def __init__(self, right: Provider) -> None:
        self._right = right

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)

    def change(self, events: Sequence[Event]) -> list[Event]:
        """The mistake, where it is one of reading replies."""
        return list(events)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        return self.change(self._right.decode(head, body, memo))

    def decoder(self, head: Head, memo: object) -> Decoder:
        return _Changed(self._right.decoder(head, memo), self.change)


@dataclass
class _Changed:
    right: Decoder
    change: Callable[[Sequence[Event]], list[Event]]

    def feed(self, data: bytes) -> list[Event]:
        return self.change(self.right.feed(data))

    def close(self) -> list[Event]:
        return self.change(self.right.close())


class DropsToolCalls(Wrong):
    """The second and later tool calls of a reply are gone."""

    def decoder(self, head: Head, memo: object) -> Decoder:
        return _Changed(self._right.decoder(head, memo), _CallDropper())

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        return _CallDropper()(self._right.decode(head, body, memo))


class _CallDropper:
    def __init__(self) -> None:
        self.seen = 0
        self.gone: set[tuple[int, int]] = set()

    def __call__(self, events: Sequence[Event]) -> list[Event]:
        return list(self._kept(events))

    def _kept(self, events: Sequence[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, PartStart) and event.part.kind == "tool_call":
                self.seen += 1
                if self.seen > 1:
                    self.gone.add((event.choice, event.at))
            if (
                isinstance(event, PartStart | Delta | PartEnd)
                and (event.choice, event.at) in self.gone
            ):
                continue
            yield event


class SwapsUsage(Wrong):
    """Input is told as output, and the other way round."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        return [
            Used(
                replace(
                    event.usage,
                    input_fresh=event.usage.output_text,
                    output_text=event.usage.input_fresh,
                )
            )
            if isinstance(event, Used)
            else event
            for event in events
        ]


class LosesSignatures(Wrong):
    """Thinking without the signature that its provider wants to see again."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, Delta) and event.channel == "signature":
                continue
            if isinstance(event, PartStart) and event.part.signature:
                event = PartStart(event.at, replace(event.part, signature=None), event.choice)
            kept.append(event)
        return kept


class AlwaysStops(Wrong):
    """Every reply ends in "stop"."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        return [
            Finish("stop", "stop", event.choice) if isinstance(event, Finish) else event
            for event in events
        ]


class ClaimsSuccess(Wrong):
    """A stream that broke off is told as one that ended."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        return [Finish("stop", "stop") if isinstance(event, Broken) else event for event in events]


class ReadsWholePieces(Wrong):
    """Takes each piece of a stream for whole events."""

    def decoder(self, head: Head, memo: object) -> Decoder:
        return _WholePieces(self._right.decoder(head, memo))


@dataclass
class _WholePieces:
    right: Decoder

    def feed(self, data: bytes) -> Sequence[Event]:
        return self.right.feed(data) if len(data) > 2 else ()

    def close(self) -> Sequence[Event]:
        return self.right.close()


class BlamesTheCaller(Wrong):
    """Every error is a bad request."""

    def classify(self, head: Head, body: bytes) -> Fault:
        return replace(self._right.classify(head, body), kind="bad_request")


class LosesMessages(Wrong):
    """Errors without the provider's words."""

    def classify(self, head: Head, body: bytes) -> Fault:
        return replace(self._right.classify(head, body), message="the provider failed")


class CountsTheCacheTwice(Wrong):
    """Tokens read from the cache stand in the fresh ones as well."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        return [
            Used(
                replace(
                    event.usage,
                    input_fresh=(event.usage.input_fresh or 0) + (event.usage.cache_read or 0),
                )
            )
            if isinstance(event, Used)
            else event
            for event in events
        ]


class ForgetsCosts(Wrong):
    """The provider's price is gone."""

    def change(self, events: Sequence[Event]) -> list[Event]:
        return [
            Used(replace(event.usage, reported_cost_pusd=None))
            if isinstance(event, Used)
            else event
            for event in events
        ]


class _Rewrites(Wrong):
    """Changes the request's document."""

    def rewrite(self, document: Any) -> Any:
        return document

    def encode(self, call: Call, target: Target) -> Encoded:
        encoded = self._right.encode(call, target)
        document = self.rewrite(json.loads(encoded.request.body))
        request = replace(encoded.request, body=json.dumps(document).encode())
        return Encoded(request, encoded.losses, encoded.memo)


class DropsAField(_Rewrites):
    """The temperature is not sent, and nobody is told."""

    def rewrite(self, document: Any) -> Any:
        return {key: value for key, value in document.items() if key != "temperature"}


class AddsAField(_Rewrites):
    """Something is sent that nobody asked for."""

    def rewrite(self, document: Any) -> Any:
        return {**document, "top_p": 0.5}


class StripsSignatures(_Rewrites):
    """Signatures are not sent back."""

    def rewrite(self, document: Any) -> Any:
        text = json.dumps(document)
        for opaque in opaque_strings(document):
            text = text.replace(json.dumps(opaque), '"x"')
        return json.loads(text)


class ForgetsCacheMarks(_Rewrites):
    """Cache marks are not sent."""

    def rewrite(self, document: Any) -> Any:
        if isinstance(document, dict):
            return {k: self.rewrite(v) for k, v in document.items() if k != "cache_control"}
        if isinstance(document, list):
            return [self.rewrite(member) for member in document]
        return document


class HidesLosses(Wrong):
    """What could not be carried over is not reported."""

    def encode(self, call: Call, target: Target) -> Encoded:
        encoded = self._right.encode(call, target)
        return Encoded(encoded.request, (), encoded.memo)
