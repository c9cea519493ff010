"""Which models there are, under which ids, and what else they are called."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog_building.data import Data, Row
from multiroute_core.catalog.normalise import NameRules, Normaliser, squeezed, words_and_sizes


@dataclass(frozen=True)
class Names:
    """Which models there are, what their ids became, and the aliases that rules do not give."""

    kept: Mapping[str, Row]
    canonical: Mapping[str, str]
    aliases: Mapping[str, Sequence[str]]
    qualified: Mapping[str, str]
    rules: NameRules

    def of(self, model: str) -> str:
        return self.canonical.get(model, "")


def name_rules(data: Data) -> NameRules:
    return NameRules(
        labs={lab: tuple(spellings) for lab, spellings in data.rules["labs"].items()},
        hosts=tuple(data.rules["hosts"]),
        starts=data.rules["starts"],
    )


def build_names(data: Data) -> Names:
    canonical, kept = _canonical(data)
    rules = name_rules(data)
    plain = Normaliser(rules, kept)
    claimed: dict[str, set[str]] = defaultdict(set)
    for model in data.models:
        meant = canonical.get(model["id"])
        if meant is None:
            continue
        for spelling in [*model["aliases"], model["id"].partition("/")[2]]:
            claimed[_alias(spelling)].add(meant)
    aliases: dict[str, list[str]] = defaultdict(list)
    for alias, meant_by in sorted(claimed.items()):
        if len(meant_by) != 1 or not re.fullmatch(r"[a-z0-9][a-z0-9@._-]{3,}", alias):
            continue
        (meant,) = meant_by
        found = plain.normalise(alias)
        if found is None or found.model != meant:
            aliases[meant].append(alias)
    flat = {alias: model for model, listed in aliases.items() for alias in listed}
    return Names(kept, canonical, aliases, _label_aliases(data, rules, kept, flat), rules)


def _canonical(data: Data) -> tuple[dict[str, str], dict[str, Row]]:
    """Model ids of the data → ours, with what is one model under several spellings made one."""
    unnamed = set(data.rules["not_labs"])
    ranked = sorted(
        (model for model in data.models if model["lab"] not in unnamed),
        key=lambda model: (-model["offerings"], model["id"]),
    )
    canonical: dict[str, str] = {}
    kept: dict[str, Row] = {}
    spelt: dict[str, str] = {}
    shaped: dict[tuple[str, ...], list[tuple[frozenset[str], str]]] = defaultdict(list)
    for model in ranked:
        lab, _, name = model["id"].partition("/")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._+-]*(?:/[a-z0-9._+-]+)*", name):
            continue
        spelling = f"{lab}/{squeezed(name)}"
        words, sizes = words_and_sizes(name)
        same = [
            other
            for theirs, other in shaped[(lab, *words)]
            if theirs == sizes or (theirs and sizes and (theirs <= sizes or sizes <= theirs))
        ]
        home = spelt.get(spelling) or (same[0] if len(same) == 1 else "")
        if not home:
            home = model["id"]
            kept[home] = model
            shaped[(lab, *words)].append((sizes, home))
        spelt[spelling] = home
        canonical[model["id"]] = home
    return canonical, kept


def _alias(spelling: str) -> str:
    return spelling.rpartition("/")[2].lower().replace("_", "-").replace(" ", "-")


def _label_aliases(
    data: Data, rules: NameRules, kept: Iterable[str], aliases: Mapping[str, str]
) -> dict[str, str]:
    """What the labels say and the rules do not, by `provider:name`."""
    normaliser = Normaliser(rules, kept, aliases)
    wrong = {("databricks", "databricks-claude-sonnet-4"), ("neon", "claude-sonnet-4")}
    wrong.add(("routing-run", "route/mimo-v2.5"))
    told: dict[str, str] = {}
    for pair in data.labels["pairs"]:
        provider, upstream_id = pair["provider"], pair["id"]
        found, meant = (
            normaliser.normalise(upstream_id, provider),
            normaliser.normalise(pair["base"]),
        )
        if (provider, upstream_id) in wrong or meant is None or ":" in upstream_id:
            continue
        if found is None or found.model != meant.model:
            told[f"{provider}:{upstream_id.lower()}"] = meant.model
    return told
