"""The operations beside chat: embeddings, images, rankings, audio, moderations, token counts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from . import chat
from .told import Counts, Told, count


def _told(result: Any, counts: Counts | None = None) -> Told:
    return Told(result=result, counts=counts, over=True)


def embeddings(body: bytes) -> Told:
    """Vectors, in the shapes of the several providers."""
    doc = json.loads(body)
    usage = doc.get("usage") or {}
    if isinstance(doc.get("data"), list):
        ordered = sorted(doc["data"], key=lambda item: item.get("index", 0))
        vectors = [item["embedding"] for item in ordered]
    elif isinstance(doc.get("predictions"), list):
        vectors = [item["embeddings"]["values"] for item in doc["predictions"]]
    elif "embedding" in doc:
        vectors = [doc["embedding"]["values"]]
    elif isinstance(doc.get("embeddings"), dict):
        vectors = next(v for v in doc["embeddings"].values() if isinstance(v, list))
    else:
        vectors = [e["values"] if isinstance(e, dict) else e for e in doc.get("embeddings") or ()]
    return _told({"vectors": vectors}, _usage(usage, body, doc))


def _usage(usage: dict[str, Any], body: bytes, doc: dict[str, Any]) -> Counts | None:
    exact = json.loads(body, parse_float=Decimal).get("usage") or {}
    cost = chat.cost_of(exact) if isinstance(exact, dict) else None
    billed = (doc.get("meta") or {}).get("billed_units") or {}
    metadata = doc.get("usageMetadata") or {}
    fresh = count(usage, "prompt_tokens", "input_tokens")
    if fresh is None:
        fresh = count(metadata, "promptTokenCount")
    if fresh is None and "input_tokens" in billed:
        fresh = count(billed, "input_tokens")
        images = count(billed, "image_tokens") or 0
        return Counts(fresh + images if fresh is not None else None)
    total = count(usage, "total_tokens")
    if fresh is None and total is not None:
        fresh = total
    if fresh is None and cost is None:
        return None
    output = count(usage, "completion_tokens", "output_tokens") or None
    audio = count(usage.get("prompt_tokens_details") or {}, "audio_tokens")
    if fresh is not None and audio and total == fresh + audio + (output or 0):
        fresh += audio  # counted beside the prompt, as the total shows
    return Counts(
        fresh, output, totals=frozenset() if total is None else frozenset({total}), cost_pusd=cost
    )


def images(body: bytes) -> Told:
    """Images as addresses or base64, each with its prompt as revised."""
    doc = json.loads(body)
    made = [
        (item.get("url"), item.get("b64_json"), item.get("revised_prompt") or None)
        for item in doc["data"]
    ]
    return _told(
        {"images": made, "created": doc.get("created")}, _usage(doc.get("usage") or {}, body, doc)
    )


def rerank(body: bytes) -> Told:
    """(index, score) as the provider ordered them."""
    doc = json.loads(body)
    listed = doc.get("results") if isinstance(doc.get("results"), list) else doc.get("data")
    ranking = [(item["index"], item["relevance_score"]) for item in listed or ()]
    counts = _usage(doc.get("usage") or {}, body, doc)
    return _told({"ranking": ranking}, counts)


def speech(body: bytes) -> Told:
    """Sound: the bytes themselves, or the base64 of them in a document."""
    if body[:1] == b"{":
        doc = json.loads(body)
        return _told({"audio_base64": doc["audio_data"]})
    return _told({"audio": body})


def transcriptions(body: bytes) -> Told:
    """The text that was heard."""
    try:
        doc = json.loads(body)
    except ValueError:
        return _told({"transcript": body.decode()})
    text = doc.get("text")
    if text is None:
        text = doc["results"]["channels"][0]["alternatives"][0]["transcript"]
    usage = doc.get("usage") or {}
    counts = None
    if count(usage, "input_tokens", "prompt_tokens") is not None:
        counts = _usage(usage, body, doc)
    return _told({"transcript": text}, counts)


def moderations(body: bytes) -> Told:
    """The verdicts as they stand."""
    return _told({"moderation": json.loads(body)["results"]})


def count_tokens(body: bytes) -> Told:
    """How many tokens a call would have."""
    doc = json.loads(body)
    found = count(doc, "input_tokens", "totalTokens", "inputTokens")
    return _told({"tokens": found})
