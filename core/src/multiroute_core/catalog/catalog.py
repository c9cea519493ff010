"""The catalog: every model and offering that the active plugins and the project know of."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Self

from msgspec.structs import replace

from multiroute_core.api.offering import ModelFacts, Offering
from multiroute_core.catalog.normalise import NameRules, Normaliser
from multiroute_core.catalog.overrides import ModelOverride


@dataclass(frozen=True)
class Catalog:
    """Models by id, offerings by plugin and upstream id; names are resolved against both.

    Frozen: what is cached is derived from it alone. Indexes are built on first use, so that
    loading costs little.
    """

    models: Mapping[str, ModelFacts]
    offerings: Mapping[str, Mapping[str, Offering]]
    rules: NameRules = field(default_factory=NameRules)
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    overrides: Mapping[str, ModelOverride] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        models: Iterable[ModelFacts],
        offerings: Mapping[str, Sequence[Offering]],
        *,
        rules: NameRules | None = None,
        aliases: Mapping[str, str] = MappingProxyType({}),
        overrides: Mapping[str, ModelOverride] = MappingProxyType({}),
    ) -> Self:
        """A catalog from decoded files and the project's overrides, by model id.

        Of two facts about one model the later wins. A model that only an override or an offering
        names is known too, with nothing but its id.
        """
        facts = {model.id: model for model in models}
        sold = {
            plugin: {offering.id: offering for offering in listed}
            for plugin, listed in offerings.items()
        }
        for listed in sold.values():
            for offering in listed.values():
                if offering.model and offering.model not in facts:
                    facts[offering.model] = ModelFacts(offering.model)
        for model_id, override in overrides.items():
            facts[model_id] = override.facts(facts.get(model_id) or ModelFacts(model_id))
            for listed in sold.values():
                for offering in [one for one in listed.values() if one.model == model_id]:
                    listed[offering.id] = override.offering(offering)
        return cls(
            models=MappingProxyType(facts),
            offerings=MappingProxyType({name: MappingProxyType(of) for name, of in sold.items()}),
            rules=rules or NameRules(),
            aliases=MappingProxyType(dict(aliases)),
            overrides=MappingProxyType(dict(overrides)),
        )

    def model(self, model_id: str) -> ModelFacts | None:
        """Facts about a model; None where nobody told us of it. A snapshot is looked past."""
        return self.models.get(model_id) or self.models.get(model_id.partition("@")[0])

    def offering(self, plugin: str, upstream_id: str) -> Offering | None:
        """What a plugin's file says of an upstream id, overrides applied; None where nothing."""
        listed = self.offerings.get(plugin)
        return None if listed is None else listed.get(upstream_id)

    def offering_for(self, plugin: str, upstream_id: str, model_id: str = "") -> Offering:
        """As `offering`, but for any upstream id: unknown ones have only a model and overrides.

        `model_id` is what the project says the upstream id serves; "" asks the rules.
        """
        known = self.offering(plugin, upstream_id)
        if known is not None and model_id in ("", known.model):
            return known
        model_id = model_id or self.normalise(plugin, upstream_id) or ""
        override = self.overrides.get(model_id)
        bare = Offering(upstream_id, model_id) if known is None else replace(known, model=model_id)
        return bare if override is None else override.offering(bare)

    def offerings_of(self, model_id: str) -> tuple[tuple[str, Offering], ...]:
        """(plugin, offering) of a model in the plugins' order; `@snapshot` selects that one."""
        base, _, snapshot = model_id.partition("@")
        sold = self._by_model.get(base, ())
        return tuple(one for one in sold if not snapshot or one[1].snapshot == snapshot)

    def normalise(self, provider: str, upstream_id: str) -> str | None:
        """The model id behind a provider's name: its file, then aliases, then rules.

        None where not even the lab can be told. The id may be of a model that nobody listed.
        """
        listed = self.offering(provider, upstream_id)
        if listed is not None and listed.model:
            return listed.model
        found = self._normaliser.normalise(upstream_id, provider)
        return None if found is None else found.model

    def resolve(self, name: str) -> str | None:
        """The model that somebody means by `name`; None where no model or several.

        In this order: a model id, also with a snapshot that is sold; an alias; `lab/family@latest`
        (the newest released model of that family); a name without its lab; what the rules make
        of it, if that is a known model.
        """
        if name in self.models:
            return name
        base, _, snapshot = name.partition("@")
        if snapshot == "latest":
            return self._latest.get(base) or (base if base in self.models else None)
        if snapshot and base in self.models:
            return name if self.offerings_of(name) else None
        explicit = self._names.get(name.lower())
        if explicit is not None:
            return explicit or None
        found = self._normaliser.normalise(name)
        return found.model if found is not None and found.known else None

    def nearest(self, name: str) -> list[str]:
        """Up to three ids that look like `name`, nearest first; sold models are preferred."""
        wanted = name.lower()
        for ids in (self._by_model, self.models):
            spelt = {model_id: model_id for model_id in ids}
            spelt.update({model_id.partition("/")[2]: model_id for model_id in ids})
            close = difflib.get_close_matches(wanted, spelt, n=6, cutoff=0.6)
            if close:
                return list(dict.fromkeys(spelt[match] for match in close))[:3]
        return []

    @cached_property
    def _by_model(self) -> Mapping[str, tuple[tuple[str, Offering], ...]]:
        sold: dict[str, list[tuple[str, Offering]]] = {}
        for plugin, listed in self.offerings.items():
            for offering in listed.values():
                if offering.model:
                    sold.setdefault(offering.model, []).append((plugin, offering))
        return {model_id: tuple(found) for model_id, found in sold.items()}

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Names without a lab, and aliases; "" where two models share one."""
        names: dict[str, str] = {}
        for model_id in self.models:
            bare = model_id.partition("/")[2]
            names[bare] = "" if bare in names else model_id
        for model in self.models.values():
            for alias in model.aliases:
                if names.setdefault(alias.lower(), model.id) != model.id:
                    names[alias.lower()] = ""
        names.update(self.aliases)
        return names

    @cached_property
    def _latest(self) -> Mapping[str, str]:
        """The newest released model by `lab/family`; one that is sold before one that is not."""
        newest: dict[str, tuple[bool, str, str]] = {}
        for model in self.models.values():
            family = f"{model.id.partition('/')[0]}/{model.family}"
            if model.family and model.released and model.id != family:
                rank = (model.id in self._by_model, model.released, model.id)
                newest[family] = max(newest.get(family, rank), rank)
        return {family: rank[2] for family, rank in newest.items()}

    @cached_property
    def _normaliser(self) -> Normaliser:
        aliases = {alias: model.id for model in self.models.values() for alias in model.aliases}
        return Normaliser(self.rules, self.models, {**aliases, **self.aliases})
