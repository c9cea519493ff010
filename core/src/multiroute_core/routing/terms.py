"""From scorers' columns to utilities: absolute, each candidate by itself.

utility = 100·Q − cost_usd / usd_per_point − 1000·latency_s / ms_per_point − penalty, in points.
Nothing is normalised over the candidates, so that adding or removing one never reorders the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from multiroute_core.api.routing import Column, Features, View
from multiroute_core.api.scorer import Term
from multiroute_core.routing.policy import Policy

UNIT: Final = 1_000_000_000
"""Records hold integers of 1e-9 units; comparisons are made on them."""
PRIOR_QUALITY: Final = 0.5
_LEAST, _MOST = 0.001, 0.999

UNKNOWN_INPUT_USD: Final = 5e-6
UNKNOWN_OUTPUT_USD: Final = 25e-6
"""US dollars a token that a candidate without a known price is taken to cost: those of a dear
model, so that an unknown price never wins by being unknown."""
UNKNOWN_LATENCY_S: Final = 3.0
"""Seconds that a candidate without any latency is taken to need."""


def check_column(column: object, term: Term, count: int) -> str:
    """Why a scorer's answer cannot be used, or ""."""
    if not isinstance(column, Column):
        return f"it returned {type(column).__name__} instead of a Column"
    if len(column.values) != count:
        return f"it returned {len(column.values)} values for {count} candidates"
    values: Sequence[object] = column.values
    for value in values:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"it returned {type(value).__name__} as a value"
        if not math.isfinite(value):
            return "it returned a value that is not finite"
        if term == "quality" and not 0 <= value <= 1:
            return "it returned a quality outside 0..1"
        if term in ("cost_usd", "latency_s") and value < 0:
            return f"it returned a negative {term}"
    sure: Sequence[object] | None = column.confidence
    if sure is not None and len(sure) != count:
        return f"it returned {len(sure)} confidences for {count} candidates"
    if sure is not None and not all(
        isinstance(one, (int, float)) and math.isfinite(one) and one >= 0 for one in sure
    ):
        return "it returned a confidence that is negative or not finite"
    return ""


def quality_of(votes: Sequence[tuple[float, float]]) -> float | None:
    """The mean of (quality, confidence) votes in logit space; None without any vote.

    >>> round(quality_of([(0.9, 1.0), (0.5, 1.0)]), 3)
    0.75
    """
    total = 0.0
    weight = 0.0
    for value, confidence in votes:
        if confidence > 0:
            clipped = min(_MOST, max(_LEAST, value))
            total += confidence * math.log(clipped / (1 - clipped))
            weight += confidence
    if weight == 0:
        return None
    return 1 / (1 + math.exp(-total / weight))


def utilities(
    view: View,
    policy: Policy,
    features: Features,
    columns: Sequence[tuple[Term, Column]],
) -> tuple[list[int], list[int | None]]:
    """(utility, quality) of every candidate in 1e-9 points and 1e-9 of quality.

    Quality None: no scorer voted.
    """
    count = len(view.candidates)
    points: list[float] = [0.0] * count
    votes: list[list[tuple[float, float]]] | None = None
    priced = [False] * count
    timed = [False] * count
    any_cost = any_latency = False
    for term, column in columns:
        values = column.values
        if term == "quality":
            sure = column.confidence
            if votes is None:
                votes = [[] for _ in range(count)]
            for index, value in enumerate(values):
                if value is not None:
                    votes[index].append((value, 1.0 if sure is None else sure[index]))
        elif term == "cost_usd":
            any_cost = True
            scale = 1 / policy.usd_per_point
            for index, value in enumerate(values):
                if value is not None:
                    points[index] -= value * scale
                    priced[index] = True
        elif term == "latency_s":
            any_latency = True
            scale = 1000 / policy.ms_per_point
            for index, value in enumerate(values):
                if value is not None:
                    points[index] -= value * scale
                    timed[index] = True
        else:
            for index, value in enumerate(values):
                if value is not None:
                    points[index] -= value
    if any_cost and not all(priced):
        dear = features.input_tokens * UNKNOWN_INPUT_USD
        dear += features.output_tokens * UNKNOWN_OUTPUT_USD
        for index in range(count):
            if not priced[index]:
                points[index] -= dear / policy.usd_per_point
    if any_latency and not all(timed):
        for index in range(count):
            if not timed[index]:
                points[index] -= UNKNOWN_LATENCY_S * 1000 / policy.ms_per_point
    qualities: list[int | None] = [None] * count
    if votes is not None:
        for index in range(count):
            quality = quality_of(votes[index])
            if quality is None:
                points[index] += 100 * PRIOR_QUALITY
            else:
                qualities[index] = round(quality * UNIT)
                points[index] += 100 * quality
    return [round(value * UNIT) for value in points], qualities
