"""Whole replies for clients of the responses format."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import Call
from multiroute_core.api.content import Part
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json
from multiroute_core.api.reply import Choice, Reply
from multiroute_core.wire.responses.output_items import (
    annotation,
    call_item,
    ending,
    error,
    head,
    is_spoken,
    lost_part,
    message_item,
    other_item,
    stem,
    text_piece,
    tokens,
    wrapper,
)
from multiroute_core.wire.responses.usage import write_usage
from multiroute_core.wire.strict import dump

ONE_CHOICE: Final = "the responses format gives one answer"


def write_reply(reply: Reply, call: Call) -> tuple[bytes, tuple[Loss, ...]]:
    """A whole reply as JSON, and what of it this format could not show."""
    losses: list[Loss] = []
    created = reply.extra.get("created")
    doc = head(
        reply.id,
        reply.model,
        created if isinstance(created, int) else int(time.time()),
        reply.extra,
        call,
    )
    finish = None
    if reply.choices:
        finish = reply.choices[0].finish
        doc["output"] = _output(reply.choices[0], stem(reply.id), losses)
        losses.extend(
            Loss(f"choices[{number}]", "another choice", ONE_CHOICE)
            for number in range(1, len(reply.choices))
        )
    doc.update(ending(finish))
    if reply.fault is not None:
        doc["status"] = "failed"
        doc["error"] = error(reply.fault)
    if reply.usage is not None:
        doc["usage"] = write_usage(reply.usage)
    return dump(doc), tuple(losses)


def _output(choice: Choice, base: str, losses: list[Loss]) -> list[Json]:
    items: list[Json] = []
    pieces: list[Json] | None = None
    logprobs: list[Json] = [token for block in choice.logprobs for token in tokens(block)]
    for at, part in enumerate(choice.parts):
        path = f"choices[0].parts[{at}]"
        if is_spoken(part):
            if pieces is None or wrapper(part) is not None:
                item = message_item(part, f"msg_{base}_{at}")
                pieces = []
                item["content"] = pieces
                items.append(item)
            pieces.append(_piece(part, path, logprobs, losses))
            if part.kind == "text":
                logprobs = []
        else:
            pieces = None
            if part.kind == "tool_call":
                items.append(call_item(part, f"fc_{base}_{at}", part.arguments or ""))
                continue
            other = other_item(part, f"rs_{base}_{at}")
            if other is None:
                losses.append(lost_part(part, path))
            else:
                items.append(other)
    if logprobs:
        losses.append(Loss("choices[0].logprobs", "log probabilities", "there is no text for them"))
    return items


def _piece(part: Part, path: str, logprobs: list[Json], losses: list[Loss]) -> dict[str, Json]:
    if isinstance(part.content, Mapping):
        return dict(part.content)
    if part.kind == "refusal":
        return {"type": "refusal", "refusal": part.text}
    notes: list[Json] = []
    for citation in part.citations:
        note = annotation(citation, len(part.text))
        if note is None:
            losses.append(Loss(f"{path}.citations", "citation", "it has no address"))
        else:
            notes.append(note)
    return text_piece(part.text, notes, logprobs)
