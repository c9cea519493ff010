"""Converse, whole and as an event stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .framing import Frame
from .told import Choice, Counts, Told, ToolCall, count, parsed, settle, strings


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell: one object with an output, or events by name."""
    if len(frames) == 1 and frames[0].name is None:
        return whole(frames[0].doc)
    events = [(frame.name or "", frame.doc) for frame in frames]
    return stream(events)


def whole(doc: dict[str, Any]) -> Told:
    """A whole reply."""
    told = Told()
    choice = told.choice()
    for block in doc["output"]["message"].get("content") or ():
        _block(choice, block)
    choice.finish = doc.get("stopReason")
    settle(choice)
    told.over = choice.finish is not None
    told.counts = counts(doc.get("usage") or {})
    return told


def stream(events: Sequence[tuple[str, dict[str, Any]]]) -> Told:
    """A streamed reply: (event name, its members)."""
    told = Told()
    blocks: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    choice = told.choice()
    for name, doc in events:
        if "xception" in name:
            told.error = str(doc.get("message") or "")
        elif name == "contentBlockStart":
            blocks[doc["contentBlockIndex"]] = {k: dict(v) for k, v in doc["start"].items()}
        elif name == "contentBlockDelta":
            _delta(blocks.setdefault(doc["contentBlockIndex"], {}), doc["delta"])
        elif name == "messageStop":
            choice.finish = doc.get("stopReason")
            told.over = True
        elif name == "metadata":
            usage.update(doc.get("usage") or {})
    for at in sorted(blocks):
        block = blocks[at]
        if "toolUse" in block:
            block["toolUse"]["input"] = parsed(block["toolUse"].get("input"))
        _block(choice, block)
    settle(choice)
    told.counts = counts(usage)
    return told


def _delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    if "toolUse" in delta:
        use = block.setdefault("toolUse", {})
        use["input"] = use.get("input", "") + delta["toolUse"].get("input", "")
    if "reasoningContent" in delta:
        reasoning = block.setdefault("reasoningContent", {})
        inner = reasoning.setdefault("reasoningText", {})
        for key in ("text", "signature"):
            if key in delta["reasoningContent"]:
                inner[key] = inner.get(key, "") + delta["reasoningContent"][key]
        if "redactedContent" in delta["reasoningContent"]:
            reasoning["redactedContent"] = delta["reasoningContent"]["redactedContent"]
    if "citation" in delta:
        block.setdefault("citations", []).append(delta["citation"])
    if "toolResult" in delta:
        block.setdefault("toolResult", {})["content"] = delta["toolResult"]


def _block(choice: Choice, block: dict[str, Any]) -> None:
    if "text" in block:
        choice.text += block["text"]
    cited = block.get("citationsContent") or {}
    choice.text += "".join(piece.get("text", "") for piece in cited.get("content") or ())
    for citation in (*(cited.get("citations") or ()), *(block.get("citations") or ())):
        choice.citations.append(tuple(s for s in strings(citation) if s))
    use = block.get("toolUse")
    if use is not None:
        if use.get("type") == "server_tool_use":
            choice.marks += [use["name"], use["toolUseId"]]
        else:
            choice.calls.append(ToolCall(use["name"], use.get("input") or {}, use["toolUseId"]))
    reasoning = block.get("reasoningContent") or {}
    words = reasoning.get("reasoningText") or {}
    choice.thinking += words.get("text") or ""
    choice.marks += [words["signature"]] if words.get("signature") else []
    if reasoning.get("redactedContent"):
        choice.marks.append(reasoning["redactedContent"])
    answered = block.get("toolResult")
    if answered is not None:
        choice.marks += [s for s in strings(answered) if s]


def counts(usage: dict[str, Any]) -> Counts | None:
    """Usage: caches are counted beside the input."""
    if not usage:
        return None
    read_ = count(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = count(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    fresh, output = count(usage, "inputTokens"), count(usage, "outputTokens")
    total = count(usage, "totalTokens")
    whole_input = None if fresh is None else fresh + (read_ or 0) + (written or 0)
    sums = frozenset() if total is None else frozenset({total})
    return Counts(whole_input, output, read_, written, None, sums)


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that carries the stop reason."""
    for at, frame in enumerate(frames):
        if frame.name == "messageStop":
            return at
    return None
