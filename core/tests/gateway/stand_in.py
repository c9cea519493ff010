"""A router that answers by itself: what the gateway's tests put in the router's place.

Run as a program it serves, prints its address, and ends as the gateway ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from multiroute_core.api import (
    Call,
    CallError,
    CallFailed,
    Delta,
    Event,
    Fault,
    Finish,
    Forbidden,
    Head,
    Loss,
    ModelNotFound,
    Pairs,
    Part,
    PartEnd,
    PartStart,
    Principal,
    Start,
    Unauthorized,
    Usage,
    Used,
)
from multiroute_core.engine.sink import Answer, Sink
from multiroute_core.gateway import Limits, serve
from multiroute_core.wire.chat import ChatDialect

KEY = "mr-stand-in"
WORDS = ("Hello", " there", "!")

Behaviour = Callable[[Call, Sink, str], Awaitable[None]]


@dataclass(frozen=True)
class Card:
    id: str
    kind: str = "profile"
    owned_by: str = "acme"
    model: str = ""
    context: int | None = None
    max_output: int | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    targets: tuple[str, ...] = ()


CARDS = (
    Card("balanced", targets=("a:m-1", "b:m-2")),
    Card(
        "lab/m-1@2025",
        "model",
        "lab",
        "lab/m-1@2025",
        128_000,
        4096,
        Decimal("0.2500"),
        Decimal(2),
        {"tools": True},
        ("a:m-1",),
    ),
    Card("a:m 1:free", "offering"),
)


def told(words: tuple[str, ...] = WORDS) -> list[list[Event]]:
    """A text answer in batches of events."""
    return [
        [Start("r-1", "m-1"), PartStart(0, Part("text"))],
        *[[Delta(0, "text", word)] for word in words],
        [
            PartEnd(0),
            Finish("stop", "end"),
            Used(Usage(input_fresh=5, output_text=len(words))),
        ],
    ]


def answer_of(call_id: str, **changes: Any) -> Answer:
    given: dict[str, Any] = {
        "call_id": call_id,
        "decision_id": "d-1",
        "profile": "balanced",
        "target": "a:m-1",
        "model": "lab/m-1",
        "attempts": 2,
        "losses": (),
        "head": Head(200, ((b"x-request-id", b"up-7"),)),
    }
    return Answer(**{**given, **changes})


async def greet(call: Call, sink: Sink, call_id: str) -> None:
    """A translated answer."""
    await sink.begin(answer_of(call_id))
    for batch in told():
        await sink.send(batch, None)
    await sink.end(None)


def failing(fault: Fault) -> Behaviour:
    """A call that no attempt could answer."""

    async def behave(call: Call, sink: Sink, call_id: str) -> None:
        error = CallFailed(fault)
        error.decision_id = "d-2"
        raise error

    return behave


def raising(error: Exception) -> Behaviour:
    async def behave(call: Call, sink: Sink, call_id: str) -> None:
        raise error

    return behave


class StandIn:
    """The router's API as far as the gateway uses it. `behaviours` are by model name; a name that
    is not there is greeted. `calls` is what arrived."""

    def __init__(
        self,
        behaviours: Mapping[str, Behaviour] | None = None,
        *,
        has_keys: bool = True,
        environment: str = "dev",
        start_error: Exception | None = None,
        check_error: Exception | None = None,
        scopes: frozenset[str] = frozenset({"call"}),
    ) -> None:
        self.behaviours: dict[str, Behaviour] = {
            "limited": failing(Fault("rate_limited", "slow down", retry_after_s=6.2)),
            "unknown": raising(ModelNotFound("no such model", param="model")),
            "forbidden": raising(Forbidden("not for you", param="model")),
            **(behaviours or {}),
        }
        self.calls: list[tuple[Call, str]] = []
        self.seen_headers: list[Pairs] = []
        self.has_keys = has_keys
        self.ready = False
        self.closed = 0
        self.dialects = {"chat": ChatDialect()}
        self.endpoints = ()
        file = SimpleNamespace(project=SimpleNamespace(environment=environment))
        self.project: Any = SimpleNamespace(file=file)
        self._start_error = start_error
        self._check_error = check_error
        self._scopes = scopes

    async def __aenter__(self) -> StandIn:
        if self._start_error is not None:
            raise self._start_error
        self.ready = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.ready = False
        self.closed += 1

    def authenticate(self, headers: Pairs) -> Principal:
        self.seen_headers.append(headers)
        if self._check_error is not None:
            raise self._check_error
        sent = {value for name, value in headers if name in (b"x-api-key", b"api-key")}
        sent |= {
            value.removeprefix(b"Bearer ") for name, value in headers if name == b"authorization"
        }
        if self.has_keys and sent != {KEY.encode()}:
            raise Unauthorized("the API key is not known here")
        return Principal("web", "acme", scopes=self._scopes)

    def models(self, principal: Principal) -> tuple[Card, ...]:
        return CARDS

    async def answer(self, call: Call, principal: Principal, sink: Sink, call_id: str) -> None:
        self.calls.append((call, call_id))
        await self.behaviours.get(call.model, greet)(call, sink, call_id)


class Held:
    """A behaviour that answers a little, or nothing, and then never ends by itself."""

    def __init__(self, *, speaks: bool = True) -> None:
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.release = asyncio.Event()
        self._speaks = speaks

    async def __call__(self, call: Call, sink: Sink, call_id: str) -> None:
        batches = told()
        try:
            if self._speaks:
                await sink.begin(answer_of(call_id))
                await sink.send(batches[0] + batches[1], None)
            self.waiting.set()
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if not self._speaks:
            await sink.begin(answer_of(call_id))
            await sink.send(batches[0] + batches[1], None)
        for batch in batches[2:]:
            await sink.send(batch, None)
        await sink.end(None)


def lost(count: int) -> tuple[Loss, ...]:
    return tuple(Loss(f"messages[{n}]", "cache märk", "no\r\nsuch: thing") for n in range(count))


__all__ = [
    "CARDS",
    "KEY",
    "CallError",
    "Held",
    "StandIn",
    "answer_of",
    "failing",
    "greet",
    "lost",
    "raising",
    "told",
]


def main() -> None:
    drain_s, grace_s = (float(os.environ.get(name, "0")) for name in ("DRAIN_S", "GRACE_S"))

    async def hold(call: Call, sink: Sink, call_id: str) -> None:
        await Held()(call, sink, call_id)

    serve(
        StandIn({"held": hold}),
        "127.0.0.1",
        0,
        limits=Limits(drain_s=drain_s, grace_s=grace_s),
        on_started=lambda url: print(url, flush=True),
    )
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
