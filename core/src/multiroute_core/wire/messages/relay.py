"""Passing a client's messages document on to an upstream that speaks the same format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api.call import Call
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.messages.abilities import abilities_of, takes
from multiroute_core.wire.messages.blocks_out import is_call_id
from multiroute_core.wire.messages.carried import is_carried
from multiroute_core.wire.messages.names import BETA_QUERY, QUERY_HEADER, WIRE


def relay_fields(call: Call, model: str) -> dict[str, Json] | None:
    """The top-level fields to put over the client's document. None: it cannot go as it is.

    That is so for a call of another format; for one whose history holds what we wrote for other
    families (their thinking, their ids), which this one refuses; and where another model takes
    the client's place that does not take its thinking or sampling.
    """
    if call.wire != WIRE or not _is_native(call.doc):
        return None
    if model != call.model and not takes(abilities_of(model), call.doc):
        return None
    return {"model": model}


def with_query(url: str, call: Call) -> str:
    """The URL with the client's query, if it is the one that this format knows."""
    return f"{url}?beta=true" if (QUERY_HEADER, BETA_QUERY) in call.headers else url


def client_header(call: Call, name: bytes) -> bytes:
    """The client's values of one header, joined; b"" where it sent none."""
    return b",".join(value for own, value in call.headers if own == name)


def _is_native(doc: JsonObject) -> bool:
    messages = doc.get("messages")
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        return False
    return all(
        _is_native_block(block)
        for message in messages
        if isinstance(message, Mapping)
        for block in _blocks(message.get("content"))
    )


def _blocks(content: Json) -> Sequence[Json]:
    return content if isinstance(content, Sequence) and not isinstance(content, str) else ()


def _is_native_block(block: Json) -> bool:
    if not isinstance(block, Mapping):
        return True
    kind = block.get("type")
    if kind == "thinking":
        return not is_carried(block.get("signature"))
    if kind == "redacted_thinking":
        return not is_carried(block.get("data"))
    if kind == "tool_use":
        return "signature" not in block and is_call_id(block.get("id"))
    if kind == "tool_result":
        return is_call_id(block.get("tool_use_id"))
    if kind == "text":
        return "signature" not in block and all(
            not isinstance(citation, Mapping) or citation.get("encrypted_index") != ""
            for citation in _blocks(block.get("citations"))
        )
    return True
