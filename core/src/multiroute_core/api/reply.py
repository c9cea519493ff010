"""The whole reply: a fold over its events, the same for streamed and unstreamed answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api.content import Media, Part
from multiroute_core.api.events import (
    Broken,
    Delta,
    Event,
    Finish,
    Opaque,
    PartStart,
    Result,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.api.operations import ResultValue
from multiroute_core.api.usage import Usage, merged


class Choice(Struct, frozen=True, gc=False):
    """One alternative answer: its parts in order, and how it ended (None: it did not)."""

    parts: tuple[Part, ...]
    finish: Finish | None = None
    logprobs: tuple[JsonObject, ...] = ()

    @property
    def text(self) -> str:
        """The text parts joined."""
        return "".join(part.text for part in self.parts if part.kind == "text")

    @property
    def tool_calls(self) -> tuple[Part, ...]:
        """The tool calls, in order."""
        return tuple(part for part in self.parts if part.kind == "tool_call")


class Reply(Struct, frozen=True, gc=False):
    """A complete answer, or what came of it: `fault` is set if it broke. `result` is that of an
    operation beside chat; a chat has choices."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    fault: Fault | None = None
    opaque: tuple[Opaque, ...] = ()
    extra: JsonObject = EMPTY
    result: ResultValue | None = None

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text if self.choices else ""


class _Open:
    """A part being collected: pieces are joined once, at the end."""

    __slots__ = ("citations", "content", "pieces", "skeleton")

    def __init__(self, skeleton: Part) -> None:
        self.skeleton = skeleton
        self.pieces: dict[str, list[str]] = {}
        self.citations: list[JsonObject] = []
        self.content: Json = None

    def add(self, delta: Delta) -> None:
        if delta.channel == "citation":
            self.citations.append(cast("JsonObject", delta.value))
        elif delta.channel == "content":
            self.content = delta.value
        else:
            self.pieces.setdefault(delta.channel, []).append(cast("str", delta.value))

    def closed(self) -> Part:
        part = self.skeleton
        joined = {channel: "".join(pieces) for channel, pieces in self.pieces.items()}
        changes: dict[str, object] = {}
        text = "".join(joined.get(c, "") for c in ("text", "thinking", "refusal"))
        if text:
            changes["text"] = part.text + text
        if "arguments" in joined:
            changes["arguments"] = (part.arguments or "") + joined["arguments"]
        if "signature" in joined:
            changes["signature"] = (part.signature or "") + joined["signature"]
        if "media" in joined:
            media = part.media or Media()
            changes["media"] = replace(media, data_b64=(media.data_b64 or "") + joined["media"])
        if self.citations:
            changes["citations"] = part.citations + tuple(self.citations)
        if self.content is not None:
            changes["content"] = self.content
        return replace(part, **changes) if changes else part


def fold(events: Iterable[Event]) -> Reply:
    """The reply that these events tell.

    >>> fold([Start("r1", "m"), PartStart(0, Part("text")), Delta(0, "text", "hi")]).text
    'hi'
    """
    start = Start("", "")
    extra: dict[str, Json] = {}
    parts: dict[tuple[int, int], _Open] = {}
    finishes: dict[int, Finish] = {}
    logprobs: dict[int, list[JsonObject]] = {}
    usage: Usage | None = None
    fault: Fault | None = None
    opaque: list[Opaque] = []
    result: ResultValue | None = None
    for event in events:
        if isinstance(event, Delta):
            if event.channel == "logprobs":
                logprobs.setdefault(event.choice, []).append(cast("JsonObject", event.value))
            else:
                parts[event.choice, event.at].add(event)
        elif isinstance(event, PartStart):
            parts[event.choice, event.at] = _Open(event.part)
        elif isinstance(event, Start):
            start = event
            extra.update(event.extra)
        elif isinstance(event, Used):
            usage = merged(usage, event.usage)
        elif isinstance(event, Finish):
            finishes[event.choice] = event
        elif isinstance(event, Broken):
            fault = event.fault
        elif isinstance(event, Opaque):
            opaque.append(event)
        elif isinstance(event, Result):
            result = event.value
    numbers = sorted({choice for choice, _ in parts} | set(finishes) | set(logprobs))
    choices = tuple(
        Choice(
            tuple(
                piece.closed()
                for (choice, _), piece in sorted(parts.items(), key=lambda item: item[0])
                if choice == number
            ),
            finishes.get(number),
            tuple(logprobs.get(number, ())),
        )
        for number in numbers
    )
    return Reply(
        start.id, start.model, choices, usage, fault, tuple(opaque), extra or EMPTY, result
    )
