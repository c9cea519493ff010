"""Dialects that do everything right but for one thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from multiroute_core.api import Call, Event, Reply
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.events import Delta
from multiroute_core.api.faults import Loss


class WrongDialect:
    """A dialect in front of another: passes everything on."""

    def __init__(self, right: Dialect) -> None:
        self._right = right

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)


class DropsArguments(WrongDialect):
    """A stream without the arguments of its tool calls."""

    def writer(self, call: Call) -> Any:
        return _WithoutArguments(self._right.writer(call))


class _WithoutArguments:
    def __init__(self, right: Any) -> None:
        self._right = right

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)

    def feed(self, events: Sequence[Event]) -> bytes:
        kept = [
            event
            for event in events
            if not (isinstance(event, Delta) and event.channel == "arguments")
        ]
        return self._right.feed(kept)


class AddsNulls(WrongDialect):
    """Fields that nobody sent, as null."""

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        body, losses = self._right.reply(reply, call)
        return json.dumps({**json.loads(body), "grace": None}).encode(), losses


class DropsText(WrongDialect):
    """A whole reply without its last letter."""

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        body, losses = self._right.reply(reply, call)
        text = reply.text
        shorter = json.dumps(text[:-1], ensure_ascii=False)
        whole = json.dumps(text, ensure_ascii=False)
        return body.decode().replace(whole, shorter).encode(), losses
