"""Our own reading of a reply, in the oracle's plain values."""

from __future__ import annotations

from typing import Any

from multiroute_core.api import Part, Reply
from multiroute_core.api.events import (
    Broken,
    Delta,
    Event,
    PartEnd,
    PartStart,
)
from multiroute_core.api.operations import (
    Embeddings,
    Images,
    Moderation,
    Ranking,
    Speech,
    TokenCount,
    Transcript,
)
from multiroute_core.api.usage import Usage
from tests.fidelity.oracle.told import Choice, Counts, Told, ToolCall, parsed, strings


def told(reply: Reply) -> Told:
    """A folded reply in plain values."""
    found = Told(id=reply.id, model=reply.model)
    for number, given in enumerate(reply.choices):
        choice = found.choice(number)
        for part in given.parts:
            _part(choice, part)
        for block in given.logprobs:
            content = block.get("content")
            if isinstance(content, list | tuple):
                choice.tokens += [str(t["token"]) for t in content if "token" in t]
        if given.finish is not None:
            choice.finish = given.finish.native
            choice.means = frozenset({given.finish.reason})
            choice.marks += strings(plain(given.finish.extra))
    found.over = bool(found.choices) and all(c.finish is not None for c in found.choices.values())
    for event in reply.opaque:
        found.choice().marks += strings(plain(event.data))
    if reply.extra and found.choices:
        found.choice().marks += strings(plain(reply.extra))
    if reply.fault is not None:
        found.error = reply.fault.message
    if reply.usage is not None:
        found.counts = counts(reply.usage)
    if reply.result is not None:
        found.result = result(reply.result)
        found.over = True
    return found


def _part(choice: Choice, part: Part) -> None:
    if part.kind == "text":
        choice.text += part.text
    elif part.kind == "thinking":
        choice.thinking += part.text
    elif part.kind == "refusal":
        choice.refusal += part.text
    elif part.kind == "tool_call":
        choice.calls.append(ToolCall(part.name or "", parsed(part.arguments), part.id))
    choice.marks += _marks(part)
    for citation in part.citations:
        choice.citations.append(tuple(s for s in strings(plain(citation)) if s))


def _marks(part: Part) -> list[str]:
    """Every string of a part, but a text's own."""
    found = [s for s in (part.signature, part.id, part.name) if s]
    if part.kind not in ("text", "thinking", "refusal"):
        found += [s for s in (part.text, part.arguments) if s]
        found += strings(parsed(part.arguments)) if part.arguments else []
    if part.media is not None:
        found += [s for s in (part.media.data_b64, part.media.url, part.media.file_id) if s]
        found += [s for s in (part.media.mime, part.media.name) if s]
    if isinstance(part.content, tuple) and part.content and isinstance(part.content[0], Part):
        for inner in part.content:
            if isinstance(inner, Part):
                found += [inner.text, *_marks(inner)]
    else:
        found += strings(plain(part.content))
    return found + strings(plain(part.extra))


def plain(value: Any) -> Any:
    """Frozen JSON as ordinary dicts and lists."""
    if isinstance(value, Part):
        return {"text": value.text}
    if hasattr(value, "items"):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return value


def counts(usage: Usage) -> Counts:
    """Our buckets as sums."""
    written = [
        n for n in (usage.cache_write, usage.cache_write_5m, usage.cache_write_1h) if n is not None
    ]
    return Counts(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read,
        sum(written) if written else None,
        usage.output_reasoning,
        frozenset({usage.input_tokens + usage.output_tokens}),
        cost_pusd=usage.reported_cost_pusd,
    )


def result(value: Any) -> Any:
    """The result of an operation beside chat."""
    if isinstance(value, Embeddings):
        return {"vectors": [v if isinstance(v, str) else list(v) for v in value.vectors]}
    if isinstance(value, Ranking):
        return {"ranking": [(item.index, item.score) for item in value.results]}
    if isinstance(value, Images):
        made = [
            (image.media.url, image.media.data_b64, image.revised_prompt) for image in value.images
        ]
        return {"images": made, "created": value.created}
    if isinstance(value, Speech):
        return {"audio": value.data}
    if isinstance(value, Transcript):
        return {"transcript": value.text}
    if isinstance(value, Moderation):
        return {"moderation": [plain(verdict) for verdict in value.results]}
    if isinstance(value, TokenCount):
        return {"tokens": value.input_tokens}
    raise TypeError(f"no plain form of {type(value).__name__}")


def coalesced(events: list[Event]) -> list[Event]:
    """The events with adjacent text deltas of one part and channel joined, and empty ones gone."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, Delta) and isinstance(event.value, str) and event.channel != "content":
            last = out[-1] if out else None
            if (
                isinstance(last, Delta)
                and isinstance(last.value, str)
                and (last.at, last.channel, last.choice) == (event.at, event.channel, event.choice)
            ):
                out[-1] = Delta(event.at, event.channel, last.value + event.value, event.choice)
                continue
        out.append(event)
    return out


def disorder(events: list[Event]) -> str | None:
    """What breaks the order that the contract promises; None if nothing does."""
    open_parts: set[tuple[int, int]] = set()
    for number, event in enumerate(events):
        if isinstance(event, PartStart):
            if (event.choice, event.at) in open_parts:
                return f"event {number}: part {event.at} starts twice"
            open_parts.add((event.choice, event.at))
        elif isinstance(event, Delta) and event.channel != "logprobs":
            if (event.choice, event.at) not in open_parts:
                return f"event {number}: a delta of part {event.at}, which is not open"
        elif isinstance(event, PartEnd):
            if (event.choice, event.at) not in open_parts:
                return f"event {number}: part {event.at} ends, but is not open"
            open_parts.discard((event.choice, event.at))
        elif isinstance(event, Broken) and number < len(events) - 1:
            return f"event {number}: something follows the break"
    if open_parts and not isinstance(events[-1] if events else None, Broken):
        return f"parts never end: {sorted(open_parts)}"
    return None
