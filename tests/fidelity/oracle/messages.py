"""The messages format, whole and streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .framing import Frame
from .told import Counts, Told, ToolCall, count, parsed, settle, strings


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell: one whole message, or the events of one."""
    told = Told()
    if len(frames) == 1 and frames[0].doc.get("type") not in ("message_start", "error"):
        message = frames[0].doc
        if message.get("error"):
            told.error = str(message["error"].get("message", ""))
            return told
        told.over = message.get("stop_reason") is not None
        return _settled(told, message, message.get("content") or [])
    message: dict[str, Any] = {"usage": {}}
    blocks: dict[int, dict[str, Any]] = {}
    for frame in frames:
        doc = frame.doc
        kind = doc.get("type")
        if kind == "error":
            told.error = str((doc.get("error") or {}).get("message", ""))
        elif kind == "message_start":
            begun = doc["message"]
            message.update(begun)
            message["usage"] = dict(begun.get("usage") or {})
        elif kind == "content_block_start":
            blocks[doc["index"]] = {**doc["content_block"], "_json": ""}
        elif kind == "content_block_delta":
            _delta(blocks[doc["index"]], doc["delta"])
        elif kind == "message_delta":
            message.update(doc["delta"])
            used = doc.get("usage") or {}
            message["usage"].update((k, v) for k, v in used.items() if v is not None)
        elif kind == "message_stop":
            told.over = True
    for block in blocks.values():
        if block.pop("_json", ""):
            block["input"] = parsed(block.pop("_text", ""))
    return _settled(told, message, [blocks[at] for at in sorted(blocks)])


def _delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta.get("type")
    if kind == "text_delta":
        block["text"] = block.get("text", "") + delta["text"]
    elif kind == "thinking_delta":
        block["thinking"] = block.get("thinking", "") + delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = block.get("signature", "") + delta["signature"]
    elif kind == "input_json_delta":
        block["_text"] = block.get("_text", "") + delta["partial_json"]
        block["_json"] = block["_text"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def _settled(told: Told, message: dict[str, Any], blocks: list[dict[str, Any]]) -> Told:
    told.id, told.model = message.get("id"), message.get("model")
    choice = told.choice()
    for block in blocks:
        kind = block.get("type")
        if kind == "text":
            choice.text += block.get("text") or ""
            for citation in block.get("citations") or ():
                choice.citations.append(tuple(s for s in strings(citation) if s))
        elif kind == "thinking":
            choice.thinking += block.get("thinking") or ""
            choice.marks += [block["signature"]] if block.get("signature") else []
        elif kind == "redacted_thinking":
            choice.marks.append(block["data"])
        elif kind == "tool_use":
            choice.calls.append(ToolCall(block["name"], block.get("input") or {}, block["id"]))
        else:
            told_here = {k: v for k, v in block.items() if k not in ("type", "_json", "_text")}
            choice.marks += [s for s in strings(told_here) if s]
    choice.finish = message.get("stop_reason")
    settle(choice)
    told.counts = counts(message.get("usage") or {})
    return told


def counts(usage: dict[str, Any]) -> Counts | None:
    """A usage object: caches are counted beside the input."""
    if not usage:
        return None
    fresh, read_, written = (
        count(usage, name)
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    output = count(usage, "output_tokens")
    whole = None if fresh is None else fresh + (read_ or 0) + (written or 0)
    total = frozenset() if whole is None or output is None else frozenset({whole + output})
    thinking = count(usage.get("output_tokens_details") or {}, "thinking_tokens")
    return Counts(whole, output, read_, written, thinking, total)


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that carries the stop reason."""
    for at, frame in enumerate(frames):
        doc = frame.doc
        if doc.get("type") == "message_delta" and doc["delta"].get("stop_reason"):
            return at
    return None


def result(doc: dict[str, Any]) -> Any:
    """A token count."""
    return doc["input_tokens"]
