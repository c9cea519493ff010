"""The canonical record of a decision: one byte form, rendered when somebody reads it."""

from __future__ import annotations

import math

import orjson

from multiroute_core.api.json import Json, plain
from multiroute_core.api.records import DecisionRecord
from multiroute_core.api.routing import Candidate, Features
from multiroute_core.api.scorer import Scorer
from multiroute_core.routing.compiled import Compiled
from multiroute_core.routing.terms import UNIT, utilities

UNITS = {"quality": "0..1", "cost_usd": "USD", "latency_s": "s", "penalty": "points"}


def record_document(record: DecisionRecord, compiled: Compiled) -> dict[str, Json]:
    """The record as a JSON object; numbers are integers of 1e-9 units.

    `compiled` must hold the view that the decision cites, with the scorers of its profile.
    """
    decision = record.decision
    features = decision.features
    lost: list[tuple[str, str]] = []
    columns = (
        compiled.columns(features, decision.live, lost)
        if compiled.policy.order == "score"
        else []
    )
    scored, _ = utilities(
        compiled.view,
        compiled.policy,
        features,
        [(term, column) for _, term, column in columns],
    )
    removed = {verdict.index: verdict for verdict in decision.removed}
    places = {index: place for place, index in enumerate(decision.plan)}
    scorers = dict(compiled.scorers)
    chances = _propensities(compiled, decision.plan)
    candidates: list[Json] = []
    for index, candidate in enumerate(compiled.view.candidates):
        terms: list[Json] = []
        for name, term, column in columns:
            value = column.values[index]
            written: dict[str, Json] = {
                "scorer": name,
                "term": term,
                "unit": UNITS[term],
                "value": None if value is None else round(value * UNIT),
                "why": _why(scorers[name], compiled, features, record, index),
            }
            if column.confidence is not None:
                written["confidence"] = round(column.confidence[index] * UNIT)
            if value is None and column.abstain:
                written["why"] = column.abstain
            terms.append(written)
        verdict = removed.get(index)
        place = places.get(index)
        utility: int | None = scored[index] if compiled.policy.order == "score" else None
        if utility is None and place is not None:
            utility = round(decision.utilities[place] * UNIT)
        candidates.append(
            {
                "target": candidate.target.id,
                "model": candidate.target.model,
                "removed": None
                if verdict is None
                else {"filter": verdict.filter, "reason": verdict.reason},
                "terms": terms,
                "utility": utility,
                "place": place,
                "propensity": chances.get(index, 0),
            }
        )
    ids = [candidate.target.id for candidate in compiled.view.candidates]
    return {
        "decision": decision.id,
        "requested": record.requested,
        "profile": decision.profile,
        "via": list(decision.via),
        "order": compiled.policy.order,
        "at_ms": record.at_ms,
        "config": record.config,
        "lock": record.lock,
        "view": decision.view_id,
        "seed": decision.seed,
        "features": _features(features),
        "live": {"in_flight": list(decision.live.in_flight)},
        "settings": record.settings,
        "candidates": candidates,
        "plan": [ids[index] for index in decision.plan],
        "votes_lost": [{"scorer": name, "why": why} for name, why in decision.votes_lost],
        "reason": decision.reason,
    }


def record_json(record: DecisionRecord, compiled: Compiled) -> bytes:
    """The canonical bytes: keys sorted, compact, integers only."""
    document = record_document(record, compiled)
    return orjson.dumps(document, default=plain, option=orjson.OPT_SORT_KEYS)


def _features(features: Features) -> dict[str, Json]:
    return {
        "operation": features.operation,
        "stream": features.stream,
        "input_tokens": features.input_tokens,
        "output_tokens": features.output_tokens,
        "max_output": features.max_output,
        "needs": list(features.needs),
        "session": features.session,
        "continues": features.continues,
        "metadata": features.metadata,
    }


def _why(
    scorer: Scorer, compiled: Compiled, features: Features, record: DecisionRecord, index: int
) -> str:
    try:
        return str(scorer.why(compiled.view, features, record.decision.live, index))
    except Exception as error:  # noqa: BLE001 - a plugin's words must not cost the record
        return f"(its explanation raised {type(error).__name__})"


def _propensities(compiled: Compiled, plan: tuple[int, ...]) -> dict[int, int]:
    """The chance of each candidate to come first, exact: by weight, or 1 for the best."""
    if not plan:
        return {}
    if compiled.policy.order != "weight":
        return {plan[0]: UNIT}
    candidates: tuple[Candidate, ...] = compiled.view.candidates
    total = math.fsum(max(0.0, candidates[index].weight) for index in plan)
    if total <= 0:
        return {plan[0]: UNIT}
    return {index: round(candidates[index].weight / total * UNIT) for index in plan}
