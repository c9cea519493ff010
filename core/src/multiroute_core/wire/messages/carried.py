"""Opaque state of other families, carried through a client of the messages format.

A client of this format sends thinking back with its `signature` and knows no other place for
opaque state. What another family needs back (its encrypted reasoning, its signatures, its ids)
therefore travels inside a signature of ours, and is taken out when it comes back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from multiroute_core.api.content import Part
from multiroute_core.api.json import EMPTY, Json, frozen
from multiroute_core.wire.fields import own_text
from multiroute_core.wire.strict import dump, loads

_MARK: Final = "multiroute."


def is_carried(signature: Json) -> bool:
    """Whether a signature is one of ours, or the empty one of thinking that has none.

    >>> is_carried("multiroute.e30"), is_carried(""), is_carried("EqQB")
    (True, True, False)
    """
    return isinstance(signature, str) and (not signature or signature.startswith(_MARK))


def carrying(part: Part) -> str:
    """The signature under which a foreign part's opaque state travels; "" if it has none."""
    if part.signature is None and part.id is None and part.name is None:
        return ""
    kept: dict[str, Json] = {
        "o": part.origin,
        "i": None if part.kind == "tool_call" else part.id,
        "n": None if part.kind == "tool_call" else part.name,
        "s": part.signature,
        "x": part.extra or None,
    }
    told = dump({name: value for name, value in kept.items() if value is not None})
    return _MARK + base64.urlsafe_b64encode(told).decode()


def restored(part: Part, signature: str) -> Part:
    """The part with the state that travelled in `signature`; one that is not ours stays as it is.

    A tool call keeps its own id and name. Thinking with an empty signature is nobody's.
    """
    if not signature:
        return replace(part, signature=None, name=None, origin=None)
    if not signature.startswith(_MARK):
        return replace(part, signature=signature)
    try:
        kept: Json = loads(base64.urlsafe_b64decode(signature[len(_MARK) :].encode()))
    except (ValueError, binascii.Error):
        kept = None
    if not isinstance(kept, Mapping):
        return replace(part, signature=signature)
    extra = kept.get("x")
    foreign = {**part.extra, **extra} if isinstance(extra, Mapping) else part.extra
    is_call = part.kind in ("tool_call", "text")
    return replace(
        part,
        id=part.id if is_call else own_text(kept, "i"),
        name=part.name if is_call else own_text(kept, "n"),
        signature=own_text(kept, "s"),
        origin=own_text(kept, "o"),
        extra=frozen(foreign) if foreign else EMPTY,
    )
