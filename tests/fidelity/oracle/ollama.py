"""Ollama's own chat and generate, whole and as lines of JSON."""

from __future__ import annotations

from collections.abc import Sequence

from .framing import Frame
from .told import Counts, Told, ToolCall, count, parsed, settle


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell; a whole reply is one line."""
    told = Told()
    choice = told.choice()
    for frame in frames:
        doc = frame.doc
        if doc.get("error"):
            told.error = str(doc["error"])
            continue
        told.model = doc.get("model")
        message = doc.get("message") or {}
        choice.text += message.get("content") or doc.get("response") or ""
        choice.thinking += message.get("thinking") or doc.get("thinking") or ""
        for call in message.get("tool_calls") or ():
            function = call["function"]
            choice.calls.append(
                ToolCall(function["name"], parsed(function.get("arguments")), call.get("id"))
            )
        if doc.get("done"):
            told.over = True
            choice.finish = doc.get("done_reason") or "stop"
            fresh, output = count(doc, "prompt_eval_count"), count(doc, "eval_count")
            known = [n for n in (fresh, output) if n is not None]
            told.counts = Counts(
                fresh, output, totals=frozenset({sum(known)}) if known else frozenset()
            )
    settle(choice)
    return told


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that says that it is done."""
    for at, frame in enumerate(frames):
        if frame.doc.get("done"):
            return at
    return None
