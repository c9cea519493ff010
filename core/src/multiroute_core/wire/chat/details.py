"""Thinking with its signature, in the shape in which clients of this format send it back.

Source: OpenRouter's reference on `reasoning_details` (2026-08), which other providers copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from multiroute_core.api.content import Part
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.chat.words import WIRE

_JOINED: Final = ("text", "summary", "signature", "data")


def is_detailed(part: Part) -> bool:
    """Whether thinking may have a signature: it came as a detail, or from another format."""
    return part.origin not in (None, WIRE) or "detail_type" in part.extra


def head_of(part: Part, index: int) -> dict[str, Json]:
    """What holds for a whole detail: its place, whose signature it has, its id."""
    head: dict[str, Json] = {"format": part.origin or WIRE, "index": index}
    if part.id is not None:
        head["id"] = part.id
    return head


def thinking_detail(part: Part, index: int) -> dict[str, Json]:
    """An item of `reasoning_details`. Its `format` says whose signature it holds."""
    head = head_of(part, index)
    # The name tells thinking whose text was held back from thinking that never had any.
    if part.signature is not None and not part.text and part.name != "thinking":
        return {"type": "reasoning.encrypted", "data": part.signature, **head}
    if part.extra.get("detail_type") == "reasoning.summary":
        detail: dict[str, Json] = {"type": "reasoning.summary", "summary": part.text, **head}
    else:
        detail = {"type": "reasoning.text", "text": part.text, **head}
    if part.signature is not None:
        detail["signature"] = part.signature
    return detail


def joined_details(details: Sequence[JsonObject]) -> list[JsonObject]:
    """Details with the pieces of one index, which clients collect from a stream, put together.

    >>> joined_details([{"index": 0, "text": "a"}, {"index": 0, "text": "b", "signature": "s"}])
    [{'index': 0, 'text': 'ab', 'signature': 's'}]
    """
    found: list[JsonObject] = []
    for detail in details:
        last = found[-1] if found else None
        if last is None or detail.get("index") is None or _key(last) != _key(detail):
            found.append(detail)
            continue
        whole = dict(last)
        for name, value in detail.items():
            before = whole.get(name)
            if name in _JOINED and isinstance(before, str) and isinstance(value, str):
                whole[name] = before + value
            elif before is None:
                whole[name] = value
        found[-1] = whole
    return found


def _key(detail: JsonObject) -> tuple[Json, Json]:
    return detail.get("index"), detail.get("type")
