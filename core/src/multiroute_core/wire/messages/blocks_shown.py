"""Parts of a reply as content blocks for a client of this format, whole or as they begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.content import Part
from multiroute_core.api.events import Finish, FinishReason
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.messages.blocks_in import native_block, server_call_block
from multiroute_core.wire.messages.carried import carrying
from multiroute_core.wire.messages.names import WIRE
from multiroute_core.wire.messages.reply_in import REASONS
from multiroute_core.wire.strict import raw_json

_STOPS: Final[Mapping[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "end_turn",
    "other": "end_turn",
}
_NATIVE_KINDS: Final = frozenset({"opaque", "server_tool_call", "server_tool_result"})


def stop_reason(finish: Finish | None, parts: frozenset[str], *, is_own: bool) -> str:
    """The stop reason. `parts`: the kinds of part that the reply had; `is_own`: it came in this
    format, so that the provider's word stands."""
    if finish is None:
        return "end_turn"
    if is_own or (finish.native in REASONS and REASONS[finish.native] == finish.reason):
        return finish.native
    if finish.reason in ("stop", "other"):
        if "tool_call" in parts:
            return "tool_use"
        if "refusal" in parts:
            return "refusal"
    return _STOPS[finish.reason]


def call_name(part: Part, reply_id: str, at: int) -> str:
    """The id of a tool call; one is made where the source has none."""
    return part.id or f"toolu_{''.join(c for c in reply_id if c.isalnum())}_{at}"


def lost_part(part: Part, path: str) -> Loss:
    """The receipt for a part that this format cannot show."""
    return Loss(
        path, f"{part.kind} {part.name or ''}".strip(), "the messages format has no such part"
    )


def citation_of(citation: JsonObject, part: Part, text: str) -> dict[str, Json] | None:
    """A citation in this format; None where a foreign one cites no address."""
    if part.origin == WIRE:
        return dict(citation)
    inner = citation.get("url_citation")
    source = inner if isinstance(inner, Mapping) else citation
    url = source.get("url")
    if not isinstance(url, str):
        return None
    start, end = source.get("start_index"), source.get("end_index")
    cited = text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    title = source.get("title")
    return {
        "type": "web_search_result_location",
        "url": url,
        "title": title if isinstance(title, str) else None,
        "cited_text": cited,
        # Empty: only the vendor makes these. It tells our own citations from the vendor's.
        "encrypted_index": "",
    }


def is_native(part: Part) -> bool:
    """Whether a part is one that only its own family can show."""
    return part.kind in _NATIVE_KINDS


def beginning(part: Part, reply_id: str, at: int) -> dict[str, Json] | None:
    """The block as its stream begins: what deltas tell is left out. None: it cannot be shown."""
    own = dict(part.extra) if part.origin == WIRE else {}
    if part.kind in ("text", "refusal"):
        block: dict[str, Json] = {"type": "text", "text": "", **own}
    elif part.kind == "thinking":
        block = {"type": "thinking", "thinking": "", "signature": "", **own}
    elif part.kind == "tool_call":
        block = {
            "type": "tool_use",
            "id": call_name(part, reply_id, at),
            "name": part.name or "",
            "input": {},
            **own,
        }
    elif part.kind == "server_tool_call" and part.origin == WIRE:
        kept = native_block(part)
        return {**(kept if kept is not None else server_call_block(part)), "input": {}}
    else:
        return None
    if part.kind != "thinking" and part.origin != WIRE and part.signature is not None:
        block["signature"] = carrying(part)
    return block


def redacted(part: Part, data: str) -> dict[str, Json]:
    """Thinking without any text that can be shown."""
    own = part.extra if part.origin == WIRE else {}
    return {"type": "redacted_thinking", "data": data, **own}


def signature_of(part: Part) -> str:
    """The signature of a whole thinking part, as this format's clients are to send it back."""
    return part.signature or "" if part.origin == WIRE else carrying(part)


def is_redacted(part: Part) -> bool:
    """Whether a whole thinking part has nothing to show but its opaque state."""
    if part.origin == WIRE and part.name is not None:
        return part.name == "redacted_thinking"
    return not part.text and bool(signature_of(part))


def whole(
    part: Part, path: str, reply_id: str, at: int, losses: list[Loss]
) -> dict[str, Json] | None:
    """The whole block; None where there is nothing to show, or no way to show it."""
    if part.kind == "thinking":
        if is_redacted(part):
            return redacted(part, signature_of(part))
        block = beginning(part, reply_id, at)
        if block is not None:
            block.update({"thinking": part.text, "signature": signature_of(part)})
        return block
    if is_native(part) and (kept := native_block(part)) is not None:
        return dict(kept)
    block = beginning(part, reply_id, at)
    if block is None:
        losses.append(lost_part(part, path))
    elif part.kind in ("text", "refusal"):
        if part.origin != WIRE and not part.text and not part.citations:
            return None
        block["text"] = part.text
        shown = shown_citations(part, path, losses)
        if shown:
            block["citations"] = shown
    else:
        block["input"] = arguments(part, path, losses)
    if block is not None:
        losses.extend(lost_fields(part, path))
    return block


def lost_fields(part: Part, path: str) -> list[Loss]:
    """Receipts for the further fields of a foreign part; with opaque state they travel along."""
    if part.origin == WIRE or part.signature is not None or part.kind == "thinking":
        return []
    why = "the messages format has no such field"
    return [Loss(f"{path}.{name}", "content field", why) for name in part.extra]


def shown_citations(part: Part, path: str, losses: list[Loss]) -> list[Json]:
    """A part's citations in this format."""
    shown: list[Json] = []
    for citation in part.citations:
        written = citation_of(citation, part, part.text)
        if written is None:
            losses.append(Loss(f"{path}.citations", "citation", "it has no address"))
        else:
            shown.append(written)
    return shown


def is_free_text(part: Part) -> bool:
    """Whether a tool call has text of any form for arguments, as other formats' custom tools do."""
    return part.origin != WIRE and part.extra.get("type") in ("custom", "custom_tool_call")


def arguments(part: Part, path: str, losses: list[Loss]) -> Json:
    """Arguments as the object that this format wants; any other text stands in it as it is.

    Source: the vendor's advice on handing back arguments that are not JSON (fine-grained tool
    streaming, 2025).
    """
    text = part.arguments or ""
    parsed: Json = raw_json(text.strip() or "{}")
    if parsed is not None:
        return parsed
    losses.append(Loss(f"{path}.arguments", "arguments that are no JSON object", "put in one"))
    return {"INVALID_JSON": text}
