"""generateContent and its stream, from AI Studio and Vertex; enumerations as words or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .framing import Frame
from .told import Choice, Counts, Told, ToolCall, count, settle, strings

_NUMBERED = {
    1: "STOP",
    2: "MAX_TOKENS",
    3: "SAFETY",
    4: "RECITATION",
    5: "OTHER",
    6: "BLOCKLIST",
    7: "PROHIBITED_CONTENT",
    8: "SPII",
    9: "MALFORMED_FUNCTION_CALL",
}


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell; each is a whole response object."""
    told = Told()
    usage: dict[str, Any] | None = None
    for frame in frames:
        doc = frame.doc
        if doc.get("error"):
            told.error = str(doc["error"].get("message", ""))
            continue
        told.id = told.id or doc.get("responseId")
        told.model = told.model or doc.get("modelVersion")
        blocked = (doc.get("promptFeedback") or {}).get("blockReason")
        if blocked and not doc.get("candidates"):
            told.choice().finish = str(blocked)
            told.choice().means = frozenset({"content_filter"})
        for candidate in doc.get("candidates") or ():
            _candidate(told.choice(candidate.get("index") or 0), candidate)
        if doc.get("usageMetadata"):
            usage = doc["usageMetadata"]
    for choice in told.choices.values():
        if choice.finish is not None and not choice.means:
            settle(choice)
    told.over = bool(told.choices) and all(c.finish for c in told.choices.values())
    told.counts = counts(usage) if usage else None
    return told


def _candidate(choice: Choice, candidate: dict[str, Any]) -> None:
    for part in (candidate.get("content") or {}).get("parts") or ():
        if part.get("thoughtSignature"):
            choice.marks.append(part["thoughtSignature"])
        if "functionCall" in part:
            call = part["functionCall"]
            choice.calls.append(ToolCall(call["name"], call.get("args") or {}, call.get("id")))
        elif "text" in part:
            if part.get("thought"):
                choice.thinking += part["text"]
            else:
                choice.text += part["text"]
        else:
            known = {k: v for k, v in part.items() if k not in ("thoughtSignature", "thought")}
            choice.marks += [s for s in strings(known) if s]
    grounding = candidate.get("groundingMetadata") or {}
    for chunk in grounding.get("groundingChunks") or ():
        source = chunk.get("web") or chunk.get("retrievedContext") or {}
        named = tuple(source[key] for key in ("uri", "title") if source.get(key))
        if named and grounding.get("groundingSupports"):
            choice.citations.append(named)
    for cited in (candidate.get("citationMetadata") or {}).get("citations") or ():
        if cited.get("uri"):
            choice.citations.append((cited["uri"],))
    reason = candidate.get("finishReason")
    if reason is not None:
        choice.finish = _NUMBERED.get(reason, str(reason)) if isinstance(reason, int) else reason


def counts(usage: dict[str, Any]) -> Counts | None:
    """Usage metadata: the cache is contained in the prompt; thoughts and tool use are beside."""
    prompt, total = count(usage, "promptTokenCount"), count(usage, "totalTokenCount")
    tools, thoughts = count(usage, "toolUsePromptTokenCount"), count(usage, "thoughtsTokenCount")
    answer = count(usage, "candidatesTokenCount")
    if prompt is None and answer is None and thoughts is None:
        return None
    output = (answer or 0) + (thoughts or 0)
    return Counts(
        None if prompt is None else prompt + (tools or 0),
        output,
        count(usage, "cachedContentTokenCount"),
        None,
        thoughts,
        frozenset() if total is None else frozenset({total}),
    )


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the last frame that finishes a candidate."""
    seen: set[int] = set()
    found: int | None = None
    for at, frame in enumerate(frames):
        for candidate in frame.doc.get("candidates") or ():
            number = candidate.get("index") or 0
            if candidate.get("finishReason") is not None and number not in seen:
                seen.add(number)
                found = at
        if (frame.doc.get("promptFeedback") or {}).get("blockReason"):
            found = at
    return found


def total_tokens(doc: dict[str, Any]) -> Any:
    """The answer of countTokens."""
    return doc["totalTokens"]
