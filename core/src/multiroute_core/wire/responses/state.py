"""What only a provider that keeps conversations can answer."""

from __future__ import annotations

from typing import Final

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.json import JsonObject
from multiroute_core.wire.responses.thinking import WIRE

_FIELDS: Final = ("previous_response_id", "conversation", "background", "prompt")


def stateful_field(doc: JsonObject) -> str | None:
    """The field of a document that points to something kept at the provider."""
    for name in _FIELDS:
        if doc.get(name) not in (None, False, ""):
            return name
    return None


def needs_state(call: Call) -> str | None:
    """What of this call only a provider that keeps conversations can answer; None: nothing."""
    if call.wire != WIRE:
        return None
    name = stateful_field(call.doc)
    if name is None and isinstance(call.body, ChatBody) and has_reference(call.body):
        return "item_reference"
    return name


def has_reference(body: ChatBody) -> bool:
    """Whether the conversation points to an item that the provider keeps."""
    return any(
        part.kind == "opaque" and part.name == "item_reference" and part.origin == WIRE
        for message in body.messages
        for part in message.parts
    )
