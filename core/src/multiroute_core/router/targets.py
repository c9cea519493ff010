"""Targets and candidates: what the catalog and the project say, for each provider instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from multiroute_core.api.offering import Offering, Target
from multiroute_core.api.routing import Candidate
from multiroute_core.catalog.catalog import Catalog
from multiroute_core.project.policy import Profile
from multiroute_core.project.schema import ProjectFile
from multiroute_core.router.instances import Instance


class Targets:
    """Every way to reach a model, from the project file and the catalog.

    `extra` are offerings that providers told of at their start, by instance.
    """

    def __init__(
        self,
        file: ProjectFile,
        catalog: Catalog,
        instances: Mapping[str, Instance],
        extra: Mapping[str, Sequence[Offering]],
    ) -> None:
        self.file = file
        self.catalog = catalog
        self.instances = instances
        self._extra = {
            name: {offering.id: offering for offering in offerings}
            for name, offerings in extra.items()
        }

    def offering(self, instance: str, upstream_id: str, model: str = "") -> Offering:
        """What is known of an upstream id at an instance; little where nobody listed it."""
        told = self._extra.get(instance, {}).get(upstream_id)
        if told is not None and model in ("", told.model):
            return told
        return self.catalog.offering_for(self.instances[instance].plugin, upstream_id, model)

    def serving(self, model: str) -> list[tuple[str, Offering]]:
        """(instance, offering) of a model: as `serve` lists it, else one for each instance."""
        table = self.file.models.get(model)
        if table is not None and table.serve:
            return [
                (entry.instance, self.offering(entry.instance, entry.upstream_id, model))
                for entry in table.serve
                if entry.instance in self.instances
            ]
        found: list[tuple[str, Offering]] = []
        for name, instance in self.instances.items():
            sold = [o for o in self._extra.get(name, {}).values() if o.model == model]
            sold += [o for p, o in self.catalog.offerings_of(model) if p == instance.plugin]
            best = _best(sold)
            if best is not None:
                found.append((name, best))
        return found

    def of(self, instance: str, offering: Offering) -> list[Target]:
        """The targets of an offering at an instance: one for each credential."""
        holder = self.instances[instance]
        labels = holder.credentials or ("",)
        return [
            Target(
                id=f"{instance}:{offering.id}" + (f"#{label}" if len(labels) > 1 else ""),
                instance=instance,
                upstream_id=offering.id,
                model=offering.model,
                base_url=holder.base_url,
                credential=label,
                wires=offering.wires or holder.facts.wires,
                tags=holder.tags,
                region=offering.region,
            )
            for label in labels
        ]

    def candidates(
        self, served: Iterable[tuple[str, Offering]], priority: int = 0, weight: float = 1.0
    ) -> list[Candidate]:
        """The candidates of a model's offerings. Keys of one offering share its place."""
        found: list[Candidate] = []
        for place, (instance, offering) in enumerate(served):
            facts = self.catalog.model(offering.model)
            targets = self.of(instance, offering)
            for target in targets:
                found.append(
                    Candidate(
                        target=target,
                        context=offering.context,
                        max_output=offering.max_output,
                        capabilities=offering.capabilities,
                        modalities_in=offering.modalities_in,
                        operations=offering.operations,
                        prices=offering.prices,
                        quality={} if facts is None else facts.quality,
                        weight=weight / len(targets),
                        priority=priority + place,
                    )
                )
        return found

    def of_profile(self, profile: Profile) -> tuple[tuple[Candidate, ...], list[str]]:
        """A profile's candidates in order, and those of its models that nothing serves."""
        found: list[Candidate] = []
        unserved: list[str] = []
        wanted = set(profile.targets.only_tags)
        for model in profile.candidates:
            served = self.serving(model)
            mine = [
                candidate
                for candidate in self.candidates(
                    served, 1000 * profile.candidates.index(model), profile.weights.get(model, 1.0)
                )
                if wanted <= set(candidate.target.tags)
            ]
            if not mine:
                unserved.append(model)
            found += mine
        return tuple(found), unserved

    def known(self) -> list[tuple[str, Offering]]:
        """Every (instance, offering) that a listing can name."""
        found: list[tuple[str, Offering]] = []
        for name, instance in self.instances.items():
            found += [(name, o) for o in self._extra.get(name, {}).values()]
            listed = self.catalog.offerings.get(instance.plugin, {})
            found += [(name, o) for o in listed.values()]
        return found


def _best(offerings: Sequence[Offering]) -> Offering | None:
    """The one offering that stands for a model at an instance: undated before dated, newest last
    snapshot first, then by the shortest name."""
    chat = [offering for offering in offerings if "chat" in offering.operations]
    choice = chat or offerings
    if not choice:
        return None
    undated = [offering for offering in choice if offering.snapshot is None]
    if undated:
        return min(undated, key=lambda offering: (len(offering.id), offering.id))
    return max(choice, key=lambda offering: (offering.snapshot or "", offering.id))
