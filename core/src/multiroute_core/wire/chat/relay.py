"""Passing a client's chat document on to an upstream that speaks the same format."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.api.call import Call
from multiroute_core.api.json import Json
from multiroute_core.wire.chat.words import WIRE


def relay_fields(call: Call, model: str) -> tuple[dict[str, Json], bool] | None:
    """The top-level fields to put over the client's document, and whether a usage chunk was added
    that the client did not ask for. None: the call is not in this format.
    """
    if call.wire != WIRE:
        return None
    put: dict[str, Json] = {"model": model}
    if not call.stream or call.client_wants_usage:
        return put, False
    options = call.doc.get("stream_options")
    base = options if isinstance(options, Mapping) else {}
    put["stream_options"] = {**base, "include_usage": True}
    return put, True
