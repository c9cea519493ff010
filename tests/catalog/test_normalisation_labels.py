"""How many of the public labels (provider's name → canonical model) the rules get right.

A label is right where the provider's name and the label's own name become the same model. A
false merge is worse: two names become one model although their labels name different ones, as
told by a spelling of the label that owes nothing to our rules.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from multiroute_core.catalog.format import ModelsFile, read_models
from multiroute_core.catalog.normalise import Normaliser

_KNOWN_ERRORS = {
    ("databricks", "databricks-claude-sonnet-4"),
    ("neon", "claude-sonnet-4"),
    ("routing-run", "route/mimo-v2.5"),
}
"""Named as errors in the label file itself: older versions labelled as a newer model."""


@pytest.fixture(scope="module")
def file(repo_root: Path) -> ModelsFile:
    path = repo_root / "plugins/multiroute-catalog/src/multiroute_catalog/models.json"
    return read_models(path.read_bytes(), str(path))


@pytest.fixture(scope="module")
def pairs(shared: Path) -> list[tuple[str, str, str]]:
    told = os.environ.get("MULTIROUTE_NORMALISATION_LABELS")
    return _pairs(Path(told) if told else shared / "data/catalog/normalisation-labels.json")


def _pairs(path: Path) -> list[tuple[str, str, str]]:
    listed = json.loads(path.read_text(encoding="utf-8"))["pairs"]
    return [(pair["provider"], pair["id"], pair["base"]) for pair in listed]


def _shipped(file: ModelsFile) -> Normaliser:
    aliases = {alias: model.id for model in file.models for alias in model.aliases}
    return Normaliser(file.rules, (model.id for model in file.models), {**aliases, **file.aliases})


def _rules_alone(file: ModelsFile) -> Normaliser:
    return Normaliser(file.rules, (model.id for model in file.models))


def _measured(normaliser: Normaliser, pairs: list[tuple[str, str, str]]) -> tuple[float, list]:
    wrong = []
    for provider, upstream_id, base in pairs:
        found, meant = normaliser.normalise(upstream_id, provider), normaliser.normalise(base)
        if found is None or meant is None or found.model != meant.model:
            wrong.append((provider, upstream_id, base, found and found.model))
    return 1 - len(wrong) / len(pairs), wrong


def _false_merges(normaliser: Normaliser, pairs: list[tuple[str, str, str]]) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = defaultdict(set)
    for provider, upstream_id, base in pairs:
        found = normaliser.normalise(upstream_id, provider)
        if found is not None and (provider, upstream_id) not in _KNOWN_ERRORS:
            labels[found.model].add(_signature(base))
    return {model: told for model, told in labels.items() if len(told) > 1}


def _signature(base: str) -> str:
    """A label without date, stage and instruction tuning: attributes, not other models."""
    name = re.sub(r"[._]", "-", base.lower())
    while True:
        shorter = re.sub(r"-(?:20\d\d-?\d\d-?\d\d|\d\d-20\d\d|2\d[01]\d|0\d{3})$", "", name)
        shorter = re.sub(r"-(?:latest|preview|instruct|it|0|v1|(?:non-)?reasoning)$", "", shorter)
        shorter = shorter.replace("-0309", "")
        if shorter == name:
            return name
        name = shorter


def test_normalisation_labels_come_out_right_with_what_ships(
    file: ModelsFile, pairs: list[tuple[str, str, str]]
) -> None:
    share, wrong = _measured(_shipped(file), pairs)
    print(f"shipped: {share:.4f} of {len(pairs)}; wrong: {wrong}")
    assert share >= 0.97, wrong


def test_the_rules_alone_without_aliases_get_nearly_all_development_labels_right(
    file: ModelsFile, shared: Path
) -> None:
    pairs = _pairs(shared / "data/catalog/normalisation-labels.json")
    share, wrong = _measured(_rules_alone(file), pairs)
    print(f"rules alone: {share:.4f} of {len(pairs)}; wrong: {wrong}")
    assert share >= 0.97, wrong


def test_normalisation_labels_are_never_merged_falsely(
    file: ModelsFile, pairs: list[tuple[str, str, str]]
) -> None:
    assert _false_merges(_shipped(file), pairs) == {}


def test_a_false_merge_of_normalisation_labels_would_be_noticed(file: ModelsFile) -> None:
    merged = Normaliser(
        file.rules,
        (model.id for model in file.models),
        {"acme:a": "openai/gpt-4o", "acme:b": "openai/gpt-4o"},
    )
    planted = [("acme", "a", "openai/gpt-4o"), ("acme", "b", "openai/gpt-4o-mini")]
    assert set(_false_merges(merged, planted)) == {"openai/gpt-4o"}
