"""InvokeModel and its stream: the shape is that of the model's own family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import chat, converse, messages
from .framing import Frame
from .told import Counts, Told, count, settle

_NOVA = (
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
)


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell."""
    docs = [frame.doc for frame in frames]
    if any("xception" in (frame.name or "") for frame in frames):
        told = Told()
        told.error = str(docs[-1].get("message") or "")
        return told
    if any(str(doc.get("type", "")).startswith(("message", "content_block")) for doc in docs):
        return messages.read(frames)
    if any(name in doc for doc in docs for name in _NOVA):
        events = [(name, doc[name]) for doc in docs for name in _NOVA if name in doc]
        return converse.stream(events)
    if len(docs) == 1 and isinstance(docs[0].get("output"), dict):
        return converse.whole(docs[0])
    if _result(docs[0]) is not None:
        told = Told(result=_result(docs[0]), over=True)
        told.counts = _counts(docs)
        return told
    if len(docs) == 1 and isinstance((docs[0].get("choices") or [{}])[0].get("message"), dict):
        return chat.read(frames)
    return _texts(docs)


def _result(doc: dict[str, Any]) -> Any:
    """Vectors or a ranking, where the model makes such."""
    if isinstance(doc.get("embedding"), list):
        return {"vectors": [doc["embedding"]]}
    embeddings = doc.get("embeddings")
    if isinstance(embeddings, dict):
        return {"vectors": embeddings.get("float") or next(iter(embeddings.values()))}
    if isinstance(embeddings, list):
        return {"vectors": [e["embedding"] if isinstance(e, dict) else e for e in embeddings]}
    results = doc.get("results")
    if isinstance(results, list) and results and "relevance_score" in results[0]:
        return {"ranking": [(r["index"], r["relevance_score"]) for r in results]}
    return None


def _texts(docs: Sequence[dict[str, Any]]) -> Told:
    """The families that complete a prompt: text in pieces, and why it ended. A piece that numbers
    no answer, or stands outside a list of them, speaks of all."""
    told = Told()
    is_blocked = False
    for doc in docs:
        listed = [(at, g) for at, g in enumerate(doc.get("generations") or ())]
        for name in ("results", "outputs", "choices"):
            if isinstance(doc.get(name), list):
                listed += [(0, given) for given in doc[name]]
        if "is_finished" in doc and "index" in doc:
            listed.append((int(doc["index"]), doc))
        elif not listed:
            numbers = sorted(told.choices) or [0]
            listed = [(number, doc) for number in (numbers if not _text(doc) else [0])]
        for number, source in listed:
            choice = told.choice(number)
            choice.text += _text(source)
            for name in ("completionReason", "stop_reason", "finish_reason", "stopReason"):
                if isinstance(source.get(name), str):
                    choice.finish = source[name]
        is_blocked = is_blocked or doc.get("amazon-bedrock-guardrailAction") == "INTERVENED"
    for choice in told.choices.values():
        settle(choice)
        if is_blocked:
            choice.means = frozenset({"content_filter"})
    told.over = is_blocked or all(c.finish is not None for c in told.choices.values())
    told.counts = _counts(docs)
    return told


def _text(source: dict[str, Any]) -> str:
    names = ("outputText", "generation", "completion", "text")
    return "".join(source[name] for name in names if isinstance(source.get(name), str))


def _counts(docs: Sequence[dict[str, Any]]) -> Counts | None:
    fresh = output = None
    for doc in docs:
        metrics = doc.get("amazon-bedrock-invocationMetrics") or {}
        found = count(metrics, "inputTokenCount")
        fresh = found if found is not None else fresh
        found = count(metrics, "outputTokenCount")
        output = found if found is not None else output
        for source in (doc, doc.get("usage") or {}):
            fresh = _first(
                fresh, source, "inputTextTokenCount", "prompt_token_count", "prompt_tokens"
            )
            output = _first(
                output,
                source,
                "totalOutputTextTokenCount",
                "generation_token_count",
                "completion_tokens",
            )
        results = doc.get("results")
        if output is None and isinstance(results, list):
            told = [count(r, "tokenCount") for r in results if isinstance(r, dict)]
            output = (
                sum(n for n in told if n is not None) if any(n is not None for n in told) else None
            )
    if fresh is None and output is None:
        return None
    total = frozenset() if fresh is None or output is None else frozenset({fresh + output})
    return Counts(fresh, output, totals=total)


def _first(known: int | None, source: dict[str, Any], *names: str) -> int | None:
    found = count(source, *names)
    return known if found is None else found


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame that says why the answer ended."""
    for at, frame in enumerate(frames):
        doc = frame.doc
        if "messageStop" in doc:
            return at
        if doc.get("type") == "message_delta" and doc["delta"].get("stop_reason"):
            return at
        for source in (doc, *(doc.get("outputs") or ()), *(doc.get("choices") or ())):
            for name in ("completionReason", "stop_reason", "finish_reason"):
                if isinstance(source.get(name), str):
                    return at
        if doc.get("amazon-bedrock-guardrailAction") == "INTERVENED" and at == len(frames) - 1:
            return at
    return None
