"""Passing a client's responses document on to an upstream that speaks the same format."""

from __future__ import annotations

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.json import Json
from multiroute_core.wire.responses.thinking import WIRE


def relay_fields(call: Call, model: str) -> dict[str, Json] | None:
    """The top-level fields to put over the client's document. None: it needs a translation,
    because it is of another format, or holds thinking that another family signed.
    """
    if call.wire != WIRE or not isinstance(call.body, ChatBody):
        return None
    for message in call.body.messages:
        if message.role == "assistant":
            for part in message.parts:
                if part.kind == "thinking" and part.origin != WIRE:
                    return None
    return {"model": model}
