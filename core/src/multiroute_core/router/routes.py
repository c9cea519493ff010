"""Routes: what a resolved name is routed by. Made on first use, kept for the runtime's life."""

from __future__ import annotations

from collections import OrderedDict

from msgspec.structs import replace

from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.engine.lease import Limits
from multiroute_core.project.policy import Limits as LimitsTable, Profile
from multiroute_core.router.deciding import Route
from multiroute_core.router.names import Meaning
from multiroute_core.router.setup import Setup
from multiroute_core.router.targets import Targets
from multiroute_core.routing import Policy

KEPT_DIRECT = 1024
"""Routes of models named directly that are kept: callers choose these names."""
_FREE = 1e9
"""Dollars or milliseconds a point that make a term count for nothing."""


class Routes:
    """The routes of one runtime, by name."""

    def __init__(self, targets: Targets, setup: Setup) -> None:
        self._targets = targets
        self._setup = setup
        self._profiles: dict[str, Route] = {}
        self._direct: OrderedDict[str, Route] = OrderedDict()

    def of(self, meaning: Meaning) -> Route:
        """The route of a resolved name."""
        if meaning.kind == "profile":
            return self.profile(meaning.profile, meaning.preset)
        if meaning.kind == "model":
            return self._one(f"model:{meaning.model}", meaning)
        return self._one(f"offering:{meaning.instance}:{meaning.upstream_id}", meaning)

    def by_name(self, name: str) -> Route:
        """A route by the name that stands in a decision.

        Raises:
            KeyError: there is none.
        """
        kind, _, rest = name.partition(":")
        if kind == "model" and rest:
            return self.of(Meaning("model", model=rest))
        if kind == "offering" and rest:
            instance, _, upstream_id = rest.partition(":")
            if instance not in self._setup.instances:
                raise KeyError(name)
            return self.of(Meaning("offering", instance=instance, upstream_id=upstream_id))
        profile, _, preset = name.partition(":")
        if profile not in self._setup.project.file.profiles:
            raise KeyError(name)
        return self.profile(profile, preset)

    def profile(self, name: str, preset: str = "") -> Route:
        """The route of a profile, or of a preset of it."""
        key = f"{name}:{preset}" if preset else name
        route = self._profiles.get(key)
        if route is None:
            route = self._profiles[key] = self._of_profile(name, key, preset)
        return route

    def _of_profile(self, name: str, key: str, preset: str) -> Route:
        table = self._setup.project.file.profiles[name]
        candidates, _ = self._targets.of_profile(table)
        scorers = table.score.use if table.score is not None else ()
        policy = policy_of(key, table)
        if preset:
            policy = preset_of(policy, preset)
            scorers = scorers or tuple(self._setup.scorers)
        return Route(
            key,
            policy,
            candidates,
            scorers,
            self._setup.strategies.get(name, self._setup.strategies[""]),
            limits_of(table.limits),
            settings_of(policy, scorers),
        )

    def _one(self, key: str, meaning: Meaning) -> Route:
        """A model or an offering named directly: no choice of model, only of target."""
        route = self._direct.get(key)
        if route is not None:
            self._direct.move_to_end(key)
            return route
        if meaning.kind == "model":
            served = self._targets.serving(meaning.model)
        else:
            offering = self._targets.offering(meaning.instance, meaning.upstream_id)
            served = [(meaning.instance, offering)]
        policy = Policy(key, order="priority")
        route = Route(
            key,
            policy,
            tuple(self._targets.candidates(served)),
            (),
            self._setup.strategies[""],
            Limits(),
            settings_of(policy, ()),
        )
        self._direct[key] = route
        if len(self._direct) > KEPT_DIRECT:
            self._direct.popitem(last=False)
        return route


def policy_of(name: str, table: Profile) -> Policy:
    """A profile's table as the policy that deciding needs."""
    score = table.score
    if score is None:
        return Policy(
            name, table.order or "priority", table.use_case, require=tuple(table.require)
        )
    return Policy(
        name,
        "score",
        table.use_case,
        float(score.usd_per_point),
        float(score.ms_per_point),
        float(score.floor) or None,
        score.unknown_quality,
        tuple(table.require),
    )


def preset_of(policy: Policy, preset: str) -> Policy:
    """`cheap` orders by price, `fast` by latency alone, `best` by quality alone."""
    if preset == "cheap":
        return replace(policy, order="cost")
    if preset == "fast":
        return replace(policy, order="score", usd_per_point=_FREE, ms_per_point=1.0)
    return replace(policy, order="score", usd_per_point=_FREE, ms_per_point=_FREE)


def limits_of(table: LimitsTable) -> Limits:
    """A profile's limits in the engine's units."""
    spend = table.spend
    return Limits(
        attempts=table.attempts,
        deadline_s=table.deadline,
        spend_pusd=None if spend is None else int(spend * 10**12),
        connect_s=table.timeouts.connect,
        first_content_s=table.timeouts.first_content,
        idle_s=table.timeouts.idle,
        total_s=table.timeouts.total,
        on_loss=table.on_loss,
    )


def settings_of(policy: Policy, scorers: tuple[str, ...]) -> JsonObject:
    """What a record says of the policy. Numbers are text: a canonical record holds integers."""
    said: dict[str, Json] = {
        "order": policy.order,
        "use_case": policy.use_case,
        "require": list(policy.require),
    }
    if policy.order == "score":
        said |= {
            "scorers": list(scorers),
            "usd_per_point": repr(policy.usd_per_point),
            "ms_per_point": repr(policy.ms_per_point),
            "floor": None if policy.floor is None else repr(policy.floor),
            "unknown_quality": policy.unknown_quality,
        }
    return frozen(said)
