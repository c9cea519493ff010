"""How one provider's chat format differs from the common one, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api.faults import Loss
from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.api.pushback import parse_reset_s
from multiroute_core.api.upstream import Head
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.usage import USD_PUSD, cost_pusd, usage
from multiroute_core.wire.chat.words import FAMILIES, LIMITS, ImageInputs

_FORMATS: Final[Mapping[str, str]] = {ours: theirs for theirs, ours in FAMILIES.items()}


class ChatQuirks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider's differences; the defaults are the format as it was first published.

    * `path`: what follows the base URL; `responses_path` the same for the responses format, None
      where the provider does not speak it.
    * `operation_paths`: what follows the base URL for operations beside chat, where it is not the
      common path; `images_to_edit`: how it takes those.
    * `limits`: the names of the output limit that it takes; the first is written for clients of
      other formats, and in place of a name that it does not take.
    * `takes_stream_options`: whether `stream_options` may be sent; without it, usage comes unasked.
    * `takes_developer_role`: otherwise such messages are sent as system messages.
    * `tool_choice_words`: its words for ours ("required" → "any").
    * `names`: its names for common parameters ("seed" → "random_seed").
    * `refused`: parameters that it answers with an error: left out, and reported.
    * `thinking_field`: where in a message it takes thinking back as text; None: nowhere.
    * `takes_reasoning_details`: it takes thinking back with signatures, in `reasoning_details`,
      and knows formats by the words of OpenRouter.
    * `has_reasoning_object`: it has a `reasoning` object beside `reasoning_effort`.
    * `counts_reasoning_apart`: reasoning tokens are in neither completion nor total.
    * `cost`: the keys in its usage object under which its own price stands, if not under those
      that `usage` knows; `cost_unit_pusd` is the worth of 1 there, in pico-USD.
    * `unit_counts`: further billed counts in its usage object, by our unit name.
    * `resets`: (header with what remains, header with the time of reset), for rate limits.
    """

    path: str = "/chat/completions"
    responses_path: str | None = None
    operation_paths: Mapping[str, str] = {}
    images_to_edit: ImageInputs = "form"
    limits: tuple[str, ...] = LIMITS
    takes_stream_options: bool = True
    takes_developer_role: bool = True
    tool_choice_words: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    refused: tuple[str, ...] = ()
    thinking_field: str | None = None
    takes_reasoning_details: bool = False
    has_reasoning_object: bool = False
    counts_reasoning_apart: bool = False
    cost: tuple[str, ...] = ()
    cost_unit_pusd: int = USD_PUSD
    unit_counts: Mapping[str, str] = {}
    resets: tuple[tuple[str, str], ...] = ()


class Fit(Struct, frozen=True):
    """What must change at the top of a document: fields to put, to drop, and what that loses."""

    put: JsonObject = EMPTY
    drop: frozenset[str] = frozenset()
    losses: tuple[Loss, ...] = ()

    def applied(self, doc: JsonObject) -> dict[str, Json]:
        """The document with the change made."""
        kept = {name: value for name, value in doc.items() if name not in self.drop}
        return {**kept, **self.put}


def fit(doc: JsonObject, quirks: ChatQuirks) -> Fit:
    """How a document of this format must change for a provider with these quirks.

    >>> fit({"max_tokens": 5}, ChatQuirks(limits=("max_completion_tokens",))).put
    {'max_completion_tokens': 5}
    """
    put: dict[str, Json] = {}
    drop: set[str] = set()
    losses: list[Loss] = []
    for name in LIMITS:
        if doc.get(name) is not None and quirks.limits and name not in quirks.limits:
            drop.add(name)
            put[quirks.limits[0]] = doc[name]
    for name, theirs in quirks.names.items():
        if doc.get(name) is not None and theirs not in doc:
            drop.add(name)
            put[theirs] = doc[name]
    choice = doc.get("tool_choice")
    if isinstance(choice, str) and choice in quirks.tool_choice_words:
        put["tool_choice"] = quirks.tool_choice_words[choice]
    for name in quirks.refused:
        if doc.get(name) is not None:
            drop.add(name)
            losses.append(Loss(name, "parameter", "target has no such parameter"))
    if not quirks.takes_stream_options and "stream_options" in doc:
        drop.add("stream_options")
    messages = doc.get("messages")
    if isinstance(messages, Sequence) and not isinstance(messages, str):
        written = [_message(message, quirks) for message in messages]
        if any(a is not b for a, b in zip(written, messages, strict=True)):
            put["messages"] = written
    return Fit(put, frozenset(drop), tuple(losses))


def _message(message: Json, quirks: ChatQuirks) -> Json:
    """A message in the provider's words; itself, where nothing changes."""
    if not isinstance(message, Mapping):
        return message
    changed: dict[str, Json] = {}
    if message.get("role") == "developer" and not quirks.takes_developer_role:
        changed["role"] = "system"
    details = message.get("reasoning_details")
    if quirks.takes_reasoning_details and isinstance(details, Sequence):
        named = [_detail(detail) for detail in details]
        if any(a is not b for a, b in zip(named, details, strict=True)):
            changed["reasoning_details"] = named
    return {**message, **changed} if changed else message


def _detail(detail: Json) -> Json:
    """A detail with our name of a format in the words of those who take such details back."""
    own = detail.get("format") if isinstance(detail, Mapping) else None
    theirs = _FORMATS.get(own) if isinstance(own, str) else None
    if isinstance(detail, Mapping) and theirs is not None:
        return {**detail, "format": theirs}
    return detail


def usage_of(native: JsonObject, quirks: ChatQuirks) -> Usage:
    """The buckets of a usage object from a provider with these quirks, its own price included."""
    used = usage(native)
    if quirks.counts_reasoning_apart and used.output_reasoning is not None:
        reasoning = native.get("reasoning_tokens")
        completion = native.get("completion_tokens")
        if isinstance(reasoning, int) and isinstance(completion, int):
            used = replace(used, output_reasoning=reasoning, output_text=completion)
    units = [
        (ours, count)
        for ours, theirs in quirks.unit_counts.items()
        if isinstance(count := native.get(theirs), int) and count > 0
    ]
    if units:
        used = replace(used, tool_units=tuple(units))
    cost = cost_pusd(native, quirks.cost, quirks.cost_unit_pusd) if quirks.cost else None
    return used if cost is None else replace(used, reported_cost_pusd=cost)


def reset_s(head: Head, quirks: ChatQuirks, now_s: float) -> float | None:
    """Seconds until the exhausted limit (nothing remaining) is reset; None: no header says."""
    for remaining, reset in quirks.resets:
        if head.header(remaining) in ("0", "0.0"):
            text = head.header(reset)
            if text is not None:
                return parse_reset_s(text, now_s)
    return None
