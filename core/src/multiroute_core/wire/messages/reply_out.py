"""Whole replies for clients of the messages format."""

from __future__ import annotations

from multiroute_core.api.call import Call
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json
from multiroute_core.api.operations import TokenCount
from multiroute_core.api.reply import Reply
from multiroute_core.wire.messages.blocks_shown import stop_reason, whole
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.messages.usage import write_usage
from multiroute_core.wire.strict import dump


def write_reply(reply: Reply, call: Call) -> tuple[bytes, tuple[Loss, ...]]:
    """A whole reply as JSON, and what of it this format could not show."""
    if isinstance(reply.result, TokenCount):
        return dump({"input_tokens": reply.result.input_tokens, **reply.result.extra}), ()
    losses: list[Loss] = []
    first = reply.choices[0] if reply.choices else None
    parts = first.parts if first is not None else ()
    finish = first.finish if first is not None else None
    is_own = bool(parts) and all(part.origin == WIRE for part in parts)
    content: list[Json] = []
    for at, part in enumerate(parts):
        block = whole(part, f"content[{at}]", reply.id, at, losses)
        if block is not None:
            content.append(block)
    losses.extend(
        Loss(f"choices[{number}]", "further choice", "the messages format has one answer")
        for number in range(1, len(reply.choices))
    )
    if first is not None and first.logprobs:
        losses.append(Loss("logprobs", "logprobs", "the messages format has none"))
    losses.extend(Loss(event.name, "event", "it stands in streams only") for event in reply.opaque)
    kinds = frozenset(part.kind for part in parts)
    doc: dict[str, Json] = {
        "id": reply.id,
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": stop_reason(finish, kinds, is_own=is_own),
        "stop_sequence": None,
    }
    if is_own or (finish is not None and "stop_sequence" in finish.extra):
        doc.update({**reply.extra, **(finish.extra if finish is not None else {})})
    used = reply.usage
    native = used.native if used is not None and is_own else None
    doc["usage"] = write_usage(used) if native is None else native
    return dump(doc), tuple(losses)
