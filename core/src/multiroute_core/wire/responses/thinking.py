"""Reasoning items and thinking parts, each as the other.

A signature of another family travels in `encrypted_content` under a seal that names the family, so
that it comes back to that family byte for byte even through clients that drop unknown fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api.content import Part, Wire
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.fields import own_text

WIRE: Final = "responses"
FIELD: Final = "field"
"""Name in a part's `extra` of the field that its text came from, where that is not the summary."""

_SEAL: Final = "mr1."


def seal(signature: str, origin: Wire | None) -> str:
    """A signature as `encrypted_content`; that of another family is sealed.

    >>> seal("abc", "responses"), seal("abc", "messages")
    ('abc', 'mr1.messages.abc')
    """
    return signature if origin in (None, WIRE) else f"{_SEAL}{origin}.{signature}"


def unseal(encrypted: str) -> tuple[str, Wire]:
    """The signature in an `encrypted_content`, and its family.

    >>> unseal("mr1.messages.abc"), unseal("gAAA")
    (('abc', 'messages'), ('gAAA', 'responses'))
    """
    if encrypted.startswith(_SEAL):
        origin, dot, signature = encrypted[len(_SEAL) :].partition(".")
        if dot and origin:
            return signature, origin
    return encrypted, WIRE


def segments(item: JsonObject) -> list[tuple[tuple[str, int], str]]:
    """The pieces of text in a reasoning item by (field, index): summaries, then full thoughts."""
    found: list[tuple[tuple[str, int], str]] = []
    for field in ("summary", "content"):
        pieces = item.get(field)
        if isinstance(pieces, str) or not isinstance(pieces, Sequence):
            continue
        for number, piece in enumerate(pieces):
            text = piece.get("text") if isinstance(piece, Mapping) else None
            if isinstance(text, str):
                found.append(((field, number), text))
    return found


def joined(item: JsonObject) -> str:
    """All text of a reasoning item, nothing added between its pieces."""
    return "".join(text for _, text in segments(item))


def thinking_part(item: JsonObject) -> Part:
    """The thinking that a reasoning item holds."""
    encrypted = own_text(item, "encrypted_content")
    if encrypted is not None:
        signature, origin = unseal(encrypted)
        if origin != WIRE:
            return Part("thinking", text=joined(item), signature=signature, origin=origin)
    return Part(
        "thinking",
        text=joined(item),
        id=own_text(item, "id"),
        signature=encrypted,
        content=item,
        origin=WIRE,
    )


def is_full_text(part: Part) -> bool:
    """Whether a part holds the full thoughts of this family, no summary of them."""
    return part.origin == WIRE and part.extra.get(FIELD) == "content"


def reasoning_item(part: Part, default_id: str | None = None) -> dict[str, Json]:
    """The reasoning item for a thinking part: the native one as it was, if its text still holds."""
    native = part.content
    if part.origin == WIRE and isinstance(native, Mapping) and joined(native) == part.text:
        return dict(native)
    item: dict[str, Json] = {"type": "reasoning"}
    own = part.id if part.origin == WIRE else None
    if own or default_id:
        item["id"] = own or default_id
    item["summary"] = []
    if part.text and is_full_text(part):
        item["content"] = [{"type": "reasoning_text", "text": part.text}]
    elif part.text:
        item["summary"] = [{"type": "summary_text", "text": part.text}]
    if part.signature is not None:
        item["encrypted_content"] = seal(part.signature, part.origin)
    return item
