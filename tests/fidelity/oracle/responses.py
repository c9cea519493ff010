"""The responses format, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .chat import cost_of
from .framing import Frame
from .told import Choice, Counts, Told, ToolCall, count, parsed, settle, strings

_ENDS = ("response.completed", "response.incomplete", "response.failed")
_SERVER_FIELDS = ("encrypted_content", "id", "code", "query", "server_label", "input", "result")


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell: the whole object, or the deltas with the final object."""
    told = Told()
    if len(frames) == 1 and _doc(frames[0]).get("object") == "response":
        return _whole(told, _doc(frames[0]))
    final: dict[str, Any] | None = None
    begun: dict[str, Any] = {}
    texts: dict[tuple[int, str], str] = {}
    for frame in frames:
        if frame.text.strip() == "[DONE]":
            continue
        doc = _doc(frame)
        kind = doc.get("type", "")
        if kind in _ENDS:
            final = doc["response"]
            told.over = True
        elif kind == "error" or (doc.get("error") and not kind):
            told.error = str(doc.get("message") or (doc.get("error") or {}).get("message") or "")
        elif kind == "response.created":
            begun = doc["response"]
        elif kind.endswith(".delta") and isinstance(doc.get("delta"), str):
            key = (doc.get("output_index", 0), kind)
            texts[key] = texts.get(key, "") + doc["delta"]
    if final is None:
        told.id, told.model = begun.get("id"), begun.get("model")
        for (_, kind), text in sorted(texts.items()):
            _open_text(told.choice(), kind, text)
        return told
    _whole(told, final)
    _fill(told.choice(), final, texts)
    return told


def _doc(frame: Frame) -> dict[str, Any]:
    return json.loads(frame.text, parse_float=Decimal)


def _open_text(choice: Choice, kind: str, text: str) -> None:
    if kind == "response.output_text.delta":
        choice.text += text
    elif "reasoning" in kind:
        choice.thinking += text
    elif kind == "response.refusal.delta":
        choice.refusal += text


def _fill(choice: Choice, final: dict[str, Any], texts: dict[tuple[int, str], str]) -> None:
    """The final object must not know less than the deltas: some providers leave its output out."""
    if final.get("output"):
        return
    for (_, kind), text in sorted(texts.items()):
        _open_text(choice, kind, text)


def _whole(told: Told, doc: dict[str, Any]) -> Told:
    told.id, told.model = doc.get("id"), doc.get("model")
    if doc.get("status") == "failed" or (doc.get("error") and doc.get("status") != "completed"):
        told.error = str((doc.get("error") or {}).get("message") or "")
        return told
    told.over = True
    choice = told.choice()
    for item in doc.get("output") or ():
        _item(choice, item)
    status = doc.get("status")
    reason = (doc.get("incomplete_details") or {}).get("reason")
    choice.finish = reason if status == "incomplete" and reason else status
    settle(choice)
    if status == "completed":
        refused = choice.refusal and not choice.text
        choice.means = frozenset({"tool_calls"}) if choice.calls else frozenset({"stop"})
        if refused:
            choice.means |= {"refusal", "content_filter"}
    elif status == "incomplete" and choice.means == frozenset({"stop"}):
        choice.means = frozenset({"length", "other"})
    usage = doc.get("usage")
    told.counts = counts(usage) if usage else None
    return told


def _item(choice: Choice, item: dict[str, Any]) -> None:
    kind = item.get("type")
    if kind == "message":
        for piece in item.get("content") or ():
            if piece.get("type") == "output_text":
                choice.text += piece["text"]
                for note in piece.get("annotations") or ():
                    told_here = {k: v for k, v in note.items() if k != "type"}
                    choice.citations.append(tuple(s for s in strings(told_here) if s))
            elif piece.get("type") == "refusal":
                choice.refusal += piece["refusal"]
    elif kind == "reasoning":
        for piece in (*(item.get("summary") or ()), *(item.get("content") or ())):
            choice.thinking += piece.get("text") or ""
        if item.get("encrypted_content"):
            choice.marks.append(item["encrypted_content"])
    elif kind == "function_call":
        choice.calls.append(ToolCall(item["name"], parsed(item["arguments"]), item["call_id"]))
    elif kind == "custom_tool_call":
        choice.calls.append(ToolCall(item["name"], parsed(item["input"]), item["call_id"]))
    else:
        choice.marks += [str(item[key]) for key in _SERVER_FIELDS if item.get(key)]
        choice.marks += [s for s in strings(item.get("action") or {}) if s]
        choice.marks += [s for s in strings(item.get("outputs") or []) if s]


def counts(usage: dict[str, Any]) -> Counts:
    """A usage object: parts are contained in their sums."""
    total = count(usage, "total_tokens")
    of_input = usage.get("input_tokens_details") or {}
    return Counts(
        count(usage, "input_tokens"),
        count(usage, "output_tokens"),
        count(of_input, "cached_tokens"),
        count(of_input, "cache_write_tokens"),
        count(usage.get("output_tokens_details") or {}, "reasoning_tokens"),
        frozenset() if total is None else frozenset({total}),
        cost_pusd=cost_of(usage),
    )


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that carries the final object."""
    for at, frame in enumerate(frames):
        if frame.text.strip() != "[DONE]" and frame.doc.get("type") in _ENDS:
            return at
    return None
