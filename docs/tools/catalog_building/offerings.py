"""What one provider sells: one row an upstream id."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog_building.data import MAIN_SOURCE, SOURCE_NAMES, Data, Row
from catalog_building.names import Names
from catalog_building.prices import UNITS, build_prices, is_suspect, preferred
from multiroute_core.catalog.normalise import Normaliser

LISTING = {"md", "ll", "pk"}
"""Sources that list what a provider accepts as a model's name; the others list patterns."""


OPERATIONS = {
    "image_generation": ("images",),
    "image_edit": ("image_edits",),
    "embedding": ("embeddings",),
    "audio_transcription": ("transcriptions",),
    "audio_speech": ("speech",),
    "rerank": ("rerank",),
    "moderation": ("moderations",),
    "responses": ("chat",),
}
NAMED_OPERATIONS = (
    (r"dall-e|image", ("images",)),
    (r"embedding|^ada-v2", ("embeddings",)),
    (r"moderation", ("moderations",)),
    (r"tts", ("speech",)),
    (r"whisper|transcribe", ("transcriptions",)),
    (r"realtime|sora|^gpt-live", ("native",)),
    (r"^(?:text-)?(?:ada|babbage|curie|davinci)\b|-instruct(?:-\d+)?$", ("native",)),
)
"""What an offering is for where no source says, by its id."""


def build_offerings(data: Data, provider: str, names: Names, ids: str) -> list[Row]:
    """The rows of one provider, of the ids that match the pattern `ids`."""
    flat = {alias: model for model, listed in names.aliases.items() for alias in listed}
    normaliser = Normaliser(names.rules, names.kept, flat)
    sold = [offering for offering in data.offerings if offering["p"] == provider]
    by_responses = {offering["m"] for offering in sold if offering.get("mode") == "responses"}
    rows = []
    for offering in sorted(sold, key=lambda one: one["id"]):
        upstream_id = offering["id"]
        if not LISTING & set(offering["src"]) or not re.search(ids, upstream_id):
            continue
        if re.search(r"^ft:|^container$", upstream_id):
            continue
        rows.append(_row(data, provider, names, normaliser, by_responses, offering))
    return rows


def _row(
    data: Data,
    provider: str,
    names: Names,
    normaliser: Normaliser,
    by_responses: set[str],
    offering: Row,
) -> Row:
    upstream_id, listed = offering["id"], offering["src"]
    model = names.of(offering["m"])
    if not model:
        found = normaliser.normalise(upstream_id, provider)
        model = found.model if found is not None and found.known else ""
    operations = _operations(offering)
    chat = operations == ("chat",)
    responses = chat and offering["m"] in by_responses
    prices = build_prices(data, provider, offering, operations)
    source = next(SOURCE_NAMES[short] for short in SOURCE_NAMES if short in listed)
    can, cannot = _capabilities(offering) if chat else (set(), set())
    disputed = {
        UNITS[name]: {SOURCE_NAMES[short]: told for short, told in sorted(by.items())}
        for name, by in sorted(offering.get("alts", {}).items())
        if name in UNITS
    }
    if is_suspect(preferred(offering)):
        told = offering["price"]["cache_read"]
        disputed.setdefault("cache_read", {"one of the sources": told})
    flags = [flag for flag in offering.get("flags", ()) if not flag.startswith("tier:")]
    if offering.get("status"):
        flags.append(offering["status"])
    if offering.get("deprecation"):
        flags.append("retires:" + offering["deprecation"])
    row = {
        "id": upstream_id,
        "model": model,
        "snapshot": offering.get("snap"),
        "context": offering.get("ctx"),
        "max_output": offering.get("out") if chat else None,
        "can": sorted(can),
        "cannot": sorted(cannot),
        "in": _modalities(offering.get("in")),
        "out": _modalities(offering.get("outm")),
        "operations": list(operations) if not chat else None,
        "wires": ["responses"] if responses else None,
        "region": offering.get("region"),
        "flags": flags,
        "prices": prices,
        "source": source if prices and source != MAIN_SOURCE else None,
        "disputed": disputed,
    }
    return {name: value for name, value in row.items() if value not in (None, "", [], {}, ())}


def _operations(offering: Row) -> tuple[str, ...]:
    mode, upstream_id = offering.get("mode"), offering["id"]
    if mode is not None:
        told = OPERATIONS.get(mode, ("native",))
    elif offering.get("outm") and "text" not in offering["outm"]:
        told = ("images",) if offering["outm"] == ["image"] else ("native",)
    else:
        told = next(
            (ops for pattern, ops in NAMED_OPERATIONS if re.search(pattern, upstream_id)),
            ("chat",),
        )
    if told == ("images",) and "image" in (offering.get("in") or ()):
        return ("images", "image_edits")
    return told


def _modalities(told: Sequence[str] | None) -> list[str]:
    return ["document" if name == "pdf" else name for name in told or ()]


def _capabilities(offering: Row) -> tuple[set[str], set[str]]:
    """Capabilities that are true and false; what is in neither is unknown.

    models.dev says yes or no to tools, reasoning, temperature and to each modality but PDF; the
    other sources only ever say yes.
    """
    told, inputs = set(offering.get("caps") or ()), offering.get("in")
    exact = "md" in offering["src"] and inputs is not None
    can = {
        ours
        for theirs, ours in {
            "tool_call": "tools",
            "parallel_tools": "parallel_tools",
            "structured_output": "json_schema",
            "reasoning": "reasoning",
            "temperature": "temperature",
            "vision": "vision",
            "pdf": "documents",
            "audio_in": "audio_in",
            "prompt_caching": "prompt_caching",
            "web_search": "web_search",
        }.items()
        if theirs in told
    }
    for modality, ours in (("image", "vision"), ("pdf", "documents"), ("audio", "audio_in")):
        if inputs and modality in inputs:
            can.add(ours)
    cannot: set[str] = set()
    if exact:
        cannot |= {"tools", "reasoning", "temperature", "vision", "audio_in"} - can
        if inputs == ["text"]:
            cannot |= {"documents"} - can
        if "tools" in cannot:
            cannot |= {"parallel_tools"} - can
    return can, cannot
