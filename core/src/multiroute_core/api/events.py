"""A reply as a stream of events, and the whole reply as their fold.

Every answer, streamed or not, becomes events: an adapter decodes once, core folds. Order within a
reply: `Start` first; for each part `PartStart`, `Delta`…, `PartEnd`; parts of several choices may
interleave; `Used` anywhere (snapshots are cumulative); one `Finish` a choice; or `Broken`, last.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.content import Part, Wire
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.api.operations import ResultValue
from multiroute_core.api.usage import Usage

Channel: TypeAlias = Literal[
    "text",
    "thinking",
    "arguments",
    "refusal",
    "signature",
    "citation",
    "media",
    "logprobs",
    "content",
]

FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error", "other"
]


class Start(Struct, frozen=True, gc=False):
    """The upstream has begun to answer: its id for the reply and the model that it names."""

    id: str
    model: str
    extra: JsonObject = EMPTY


class PartStart(Struct, frozen=True, gc=False):
    """Part number `at` of choice `choice` begins; `part` is its skeleton (kind, id, name, …)."""

    at: int
    part: Part
    choice: int = 0


class Delta(Struct, frozen=True, gc=False):
    """More of part `at`.

    `value` is text for text, thinking, arguments, refusal, signature (appended) and media
    (base64 text, appended); a JSON object for citation and logprobs (collected); any JSON for
    content (the native content of a server tool result or opaque part: the last one wins).
    """

    at: int
    channel: Channel
    value: str | JsonObject | Json
    choice: int = 0


class PartEnd(Struct, frozen=True, gc=False):
    """Part `at` is complete."""

    at: int
    choice: int = 0


class Used(Struct, frozen=True, gc=False):
    """A usage snapshot; later ones win key by key (`usage.merged`)."""

    usage: Usage


class Finish(Struct, frozen=True, gc=False):
    """A choice is complete: our word in `reason`, the provider's in `native`."""

    reason: FinishReason
    native: str
    choice: int = 0
    extra: JsonObject = EMPTY


class Broken(Struct, frozen=True, gc=False):
    """The reply ends in a failure. Nothing follows, but a `Used` that was already on its way."""

    fault: Fault


class Opaque(Struct, frozen=True, gc=False):
    """A native event without a word in this contract: its own dialect writes it back."""

    wire: Wire
    name: str
    data: Json


class Result(Struct, frozen=True, gc=False):
    """The whole answer of an operation beside chat; a `Finish` follows."""

    value: ResultValue


Event: TypeAlias = Start | PartStart | Delta | PartEnd | Used | Finish | Broken | Opaque | Result


def is_content(event: Event) -> bool:
    """Whether this event commits a stream: text, refusal, thinking or argument deltas, and the
    start of a tool call, here or on the provider's side. Roles, ids, pings and empty deltas do not.

    >>> is_content(Delta(0, "text", "")), is_content(Delta(0, "text", "a"))
    (False, True)
    """
    kind = type(event)
    if kind is Delta:
        assert isinstance(event, Delta)
        return bool(event.value) and event.channel not in ("signature", "logprobs")
    if kind is PartStart:
        assert isinstance(event, PartStart)
        part = event.part
        return part.kind not in ("text", "thinking", "refusal") or bool(part.text)
    return kind is Result
