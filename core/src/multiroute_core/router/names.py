"""What a caller may send as `model`, and what it means here."""

from __future__ import annotations

import difflib
from typing import Literal

from msgspec import Struct

from multiroute_core.api.errors import ModelNotFound
from multiroute_core.project.check import PRESETS
from multiroute_core.router.targets import Targets

KEPT = 4096
"""Names whose meaning is kept: callers choose them."""
Kind = Literal["profile", "model", "offering"]


class Meaning(Struct, frozen=True):
    """What a name stands for.

    `profile` is set for a profile (with `preset`, "" without), `model` for a normalised id,
    `instance` and `upstream_id` for one offering. `via` are the names passed on the way.
    """

    kind: Kind
    profile: str = ""
    preset: str = ""
    model: str = ""
    instance: str = ""
    upstream_id: str = ""
    via: tuple[str, ...] = ()


class Names:
    """Resolves names in this order, first hit wins: profile; profile:preset; alias (a trailing *
    allowed); instance:upstream-id; normalised id; a bare upstream id of one model that is sold
    here."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        file = targets.file
        self._profiles = file.profiles
        self._default = file.project.default or (
            next(iter(file.profiles)) if len(file.profiles) == 1 else None
        )
        self._known: dict[str, Meaning] = {}
        self._exact = {name: to for name, to in file.aliases.items() if not name.endswith("*")}
        self._starred = sorted(
            ((name[:-1], to) for name, to in file.aliases.items() if name.endswith("*")),
            key=lambda item: -len(item[0]),
        )

    def resolve(self, name: str) -> Meaning:
        """What `name` means; "" is the project's default profile.

        Raises:
            ModelNotFound: nothing here has that name; the message lists the nearest ones.
        """
        if not name:
            if self._default is None:
                raise ModelNotFound(
                    "the request names no model, and the project has no default profile: "
                    f"send one of {', '.join(sorted(self._profiles)) or 'its models'}",
                    param="model",
                )
            return Meaning("profile", profile=self._default)
        known = self._known.get(name)
        if known is not None:
            return known
        found = self._resolved(name)
        if found is None:
            raise ModelNotFound(self._not_found(name), param="model")
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[name] = found
        return found

    def _resolved(self, name: str) -> Meaning | None:
        found = self._direct(name)
        if found is None:
            target = self._alias(name)
            if target is not None:
                found = self._direct(target) or self._model(target)
                if found is not None:
                    return Meaning(
                        found.kind,
                        found.profile,
                        found.preset,
                        found.model,
                        found.instance,
                        found.upstream_id,
                        (f"alias {name}",),
                    )
        return found or self._offering(name) or self._model(name)

    def _direct(self, name: str) -> Meaning | None:
        if name in self._profiles:
            return Meaning("profile", profile=name)
        profile, colon, preset = name.rpartition(":")
        if colon and profile in self._profiles and preset in PRESETS:
            return Meaning("profile", profile=profile, preset=preset)
        return None

    def _alias(self, name: str) -> str | None:
        exact = self._exact.get(name)
        if exact is not None:
            return exact
        return next((to for stem, to in self._starred if name.startswith(stem)), None)

    def _offering(self, name: str) -> Meaning | None:
        instance, colon, upstream_id = name.partition(":")
        if colon and upstream_id and instance in self._targets.instances:
            return Meaning("offering", instance=instance, upstream_id=upstream_id)
        return None

    def _model(self, name: str) -> Meaning | None:
        offering = self._offering(name)
        if offering is not None:
            return offering
        if self._targets.serving(name):
            return Meaning("model", model=name)
        model = self._targets.catalog.resolve(name)
        if model is not None and self._targets.serving(model):
            return Meaning("model", model=model)
        sold = {
            offering.model or f"{instance}:{offering.id}": (instance, offering)
            for instance, offering in self._targets.known()
            if offering.id == name
        }
        if len(sold) != 1:
            return None
        instance, offered = next(iter(sold.values()))
        if offered.model and self._targets.serving(offered.model):
            return Meaning("model", model=offered.model)
        return Meaning("offering", instance=instance, upstream_id=offered.id)

    def all(self) -> list[str]:
        """Every name that stands in the file or the catalog of what is active."""
        targets = self._targets
        models = {offering.model for _, offering in targets.known() if offering.model}
        models |= {model for model, table in targets.file.models.items() if table.serve}
        return [*self._profiles, *self._exact, *sorted(models)]

    def _not_found(self, name: str) -> str:
        names = self.all()
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        by_tail = [known for known in names if known.rpartition("/")[2] == name]
        shown = list(dict.fromkeys([*by_tail, *near, *self._targets.catalog.nearest(name)]))[:3]
        hint = f"; nearest: {', '.join(shown)}" if shown else ""
        safe = name if name.isprintable() and len(name) <= 200 else "that was asked for"
        return f"no profile, alias or model {safe!r} here{hint}"


def ambiguous(targets: Targets) -> list[tuple[str, str]]:
    """(name, why) of every name of the file that two kinds of names claim."""
    file = targets.file
    found: list[tuple[str, str]] = []
    for name in file.aliases:
        if name in file.profiles:
            found.append((name, "is a profile's and an alias's name"))
        elif name in file.models or name in targets.catalog.models:
            found.append((name, "is an alias's and a model's name"))
    for name in file.profiles:
        if name in targets.catalog.models and name not in file.models:
            found.append((name, "is a profile's and a model's name"))
        profile, colon, preset = name.rpartition(":")
        if colon and profile in file.profiles and preset in PRESETS:
            found.append((name, f"is a profile's name and the preset {preset} of {profile}"))
    return found
