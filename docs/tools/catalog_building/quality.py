"""Quality by use case from benchmark rows: ranks, never percentages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from catalog_building.data import Data, Row
from catalog_building.names import Names
from multiroute_core.catalog.normalise import squeezed

MIN_MODELS = 5
"""A benchmark with fewer models ranks too little to be read."""


def build_quality(data: Data, names: Names) -> dict[str, dict[str, Row]]:
    """Model → use case → {value, confidence, rows}; the rule stands in the docs."""
    as_of = date.fromisoformat(data.sources["generated"])
    dates = {source["id"]: str(source.get("date", ""))[:10] for source in data.sources["sources"]}
    origins = {"hallucination-leaderboard": "vectara", "arena-hard-auto": "arena-hard"}
    origins["RULER"] = "ruler"
    scores: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    ages: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in data.quality:
        model = names.of(row["model"])
        if not row["mapped"] or not model:
            continue
        key = (row["use_case"], squeezed(row["benchmark"]), row.get("harness") or "")
        scores[key][model].append(float(row["score"]))
        origin = row["source"].partition("@")[0].rpartition("/")[2]
        told = date.fromisoformat(row["date"] or dates[origins.get(origin, origin)])
        ages[key].append((as_of - told).days / 365.25)
    votes: dict[str, dict[str, list[tuple[float, float, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for key, by_model in sorted(scores.items()):
        count = len(by_model)
        if count < MIN_MODELS:
            continue
        means = {model: sum(sorted(listed)) / len(listed) for model, listed in by_model.items()}
        age = sorted(ages[key])[len(ages[key]) // 2]
        weight = count / (count + 10) * 0.5 ** max(0.0, age)
        for model, mean in means.items():
            below = sum(1 for other in means.values() if other < mean)
            equal = sum(1 for other in means.values() if other == mean)
            rank = (below + equal / 2) / count
            votes[model][key[0]].append((rank, weight, len(by_model[model])))
    return {
        model: {case: _quality(cast) for case, cast in sorted(by_case.items())}
        for model, by_case in votes.items()
    }


def _quality(cast: Sequence[tuple[float, float, int]]) -> Row:
    total = sum(weight for _, weight, _ in cast)
    doubt = 1.0
    for _, weight, _ in cast:
        doubt *= 1 - weight / 2
    return {
        "value": round(sum(rank * weight for rank, weight, _ in cast) / total, 3),
        "confidence": round(1 - doubt, 3),
        "rows": sum(rows for _, _, rows in cast),
    }
