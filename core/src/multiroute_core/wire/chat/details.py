"""Thinking with its signature, in the shape in which clients of this format send it back."""

from __future__ import annotations

from multiroute_core.api.content import Part
from multiroute_core.api.json import Json
from multiroute_core.wire.chat.words import WIRE


def thinking_detail(part: Part, index: int) -> dict[str, Json]:
    """An item of `reasoning_details`. Its `format` says whose signature it holds."""
    shared: dict[str, Json] = {"format": part.origin or WIRE, "index": index}
    if part.id is not None:
        shared["id"] = part.id
    kind = part.extra.get("detail_type")
    if part.signature is not None and not part.text:
        return {"type": "reasoning.encrypted", "data": part.signature, **shared}
    if kind == "reasoning.summary" and part.signature is None:
        return {"type": kind, "summary": part.text, **shared}
    detail: dict[str, Json] = {"type": "reasoning.text", "text": part.text, **shared}
    if part.signature is not None:
        detail["signature"] = part.signature
    return detail
