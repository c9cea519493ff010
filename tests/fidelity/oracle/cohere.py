"""Version 2 of the chat of Cohere, whole and streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .framing import Frame
from .told import Choice, Counts, Told, ToolCall, count, parsed, settle


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell."""
    told = Told()
    if len(frames) == 1 and "message" in frames[0].doc and "type" not in frames[0].doc:
        doc = frames[0].doc
        _message(told.choice(), doc["message"])
        told.choice().finish = doc.get("finish_reason")
        told.id = doc.get("id")
        return _settled(told, doc.get("usage") or {})
    message: dict[str, Any] = {"content": [], "tool_calls": [], "citations": [], "tool_plan": ""}
    usage: dict[str, Any] = {}
    for frame in frames:
        if frame.text.strip() == "[DONE]":
            continue
        doc = frame.doc
        kind, delta = doc.get("type"), doc.get("delta") or {}
        inner = delta.get("message") or {}
        if kind == "message-start":
            told.id = doc.get("id")
        elif kind == "content-start":
            message["content"].append(dict(inner["content"]))
        elif kind == "content-delta":
            block = message["content"][doc.get("index", -1)] if message["content"] else {}
            for name, text in inner["content"].items():
                if name in ("text", "thinking"):
                    block[name] = block.get(name, "") + text
        elif kind == "tool-plan-delta":
            message["tool_plan"] += inner["tool_plan"]
        elif kind == "tool-call-start":
            call = inner["tool_calls"]
            message["tool_calls"].append({**call, "function": dict(call["function"])})
        elif kind == "tool-call-delta":
            function = message["tool_calls"][-1]["function"]
            more = inner["tool_calls"]["function"]["arguments"]
            function["arguments"] = function.get("arguments", "") + more
        elif kind == "citation-start":
            message["citations"].append(inner["citations"])
        elif kind == "message-end":
            told.choice().finish = delta.get("finish_reason")
            usage = delta.get("usage") or {}
            if delta.get("error"):
                told.error = str(delta["error"])
    _message(told.choice(), message)
    return _settled(told, usage)


def _message(choice: Choice, message: dict[str, Any]) -> None:
    for block in message.get("content") or ():
        choice.text += block.get("text") or ""
        choice.thinking += block.get("thinking") or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        choice.calls.append(
            ToolCall(function["name"], parsed(function.get("arguments")), call["id"])
        )
    choice.plan = message.get("tool_plan") or ""
    for citation in message.get("citations") or ():
        named = [citation["text"]] if citation.get("text") else []
        named += [source["id"] for source in citation.get("sources") or () if source.get("id")]
        choice.citations.append(tuple(named))


def _settled(told: Told, usage: dict[str, Any]) -> Told:
    choice = told.choice()
    settle(choice)
    told.over = choice.finish is not None
    counted, billed = usage.get("tokens") or {}, usage.get("billed_units") or {}
    if counted or billed:
        pairs = [
            (count(of, "input_tokens"), count(of, "output_tokens")) for of in (counted, billed)
        ]
        told.counts = Counts(
            cached=count(usage, "cached_tokens"),
            reasoning=count(counted, "reasoning_tokens"),
            totals=frozenset(i + o for i, o in pairs if i is not None and o is not None),
            inputs=frozenset(i for i, _ in pairs if i is not None),
            outputs=frozenset(o for _, o in pairs if o is not None),
        )
    return told


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that carries the finish reason."""
    for at, frame in enumerate(frames):
        if frame.text.strip() != "[DONE]" and frame.doc.get("type") == "message-end":
            return at
    return None
