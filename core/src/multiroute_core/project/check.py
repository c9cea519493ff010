"""check_references: settings that cannot work, as far as the file alone can tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from multiroute_core.project.policy import Profile
from multiroute_core.project.problems import Loc, Problem, Severity, did_you_mean
from multiroute_core.project.project import Project
from multiroute_core.project.values import SECRET_HINT

PRESETS = frozenset({"cheap", "fast", "best"})
"""What may follow a profile's name and a colon in a caller's `model`."""

_SECRET_KEY = re.compile(
    r"(.*[_-])?(api[_-]?key|apikey|secret([_-]?key)?|password|passwd|authorization)\Z"
    r"|((access|auth|bearer|api|refresh)[_-])?token\Z",
    re.IGNORECASE,
)


def check_references(project: Project, broken: Collection[Loc] = ()) -> list[Problem]:
    """Every name in the file that leads nowhere, and every setting that excludes another.

    A plugin that no line of `enable` names is "deferred" where the file lists local plugin files:
    only the kernel knows what those register. `broken` are paths with mistakes that were reported
    already: what follows from them is not reported again.
    """
    checker = _Checker(project, broken)
    found = [
        *checker.project_table(),
        *checker.providers(),
        *checker.models(),
        *checker.profiles(),
        *checker.aliases(),
        *checker.keys(),
        *checker.budgets(),
        *checker.literal_secrets(),
    ]
    return [problem for problem in found if not _follows(problem.loc, broken)]


def not_yet_in_effect(project: Project) -> list[Problem]:
    """A warning for each setting that is accepted and checked, but does nothing in this version."""
    file = project.file
    locs: list[Loc] = [("budgets", name) for name in file.budgets]
    locs += [("expect",)] if file.expect else []
    locs += [("stores", "state")] if "state" in file.stores.model_fields_set else []
    locs += [("providers", n, "quota") for n, p in file.providers.items() if p.quota]
    for name, profile in file.profiles.items():
        locs += [("profiles", name, key) for key in ("rules", "split") if getattr(profile, key)]
        if profile.limits.on_break != "error":
            locs.append(("profiles", name, "limits", "on_break"))
    for name, key in file.keys.items():
        locs += [("keys", name, part) for part in ("limits", "budget", "overrides") if
                 getattr(key, part)]  # fmt: skip
    message = "is accepted but not yet in effect"
    problems = []
    for loc in locs:
        if project.locator.written(loc) != loc:  # inherited: told where it is written
            continue
        is_table = loc[0] == "budgets"
        name = "this budget" if is_table else f"'{loc[-1]}'"
        problems.append(
            project.locator.problem(loc, f"{name} {message}", "", "warning", is_table=is_table)
        )
    return problems


def _follows(loc: Loc, broken: Collection[Loc]) -> bool:
    return any(bad[: len(loc)] == loc or loc[: len(bad)] == bad for bad in broken)


class _Checker:
    def __init__(self, project: Project, broken: Collection[Loc]) -> None:
        self.project = project
        self.file = project.file
        self.locator = project.locator
        self.broken = broken
        self.plugins_are_known = not any(loc[:1] in ((), ("plugins",)) for loc in broken)
        self.profile_names = self.names("profiles")

    def names(self, noun: str) -> frozenset[str]:
        """The names as written: those of mistaken tables too, which `file` lacks."""
        table = self.project.data.get(noun)
        return frozenset(table) if isinstance(table, Mapping) else frozenset()

    def active(self, name: str, what: str, loc: Loc) -> Iterator[Problem]:
        """A problem unless the plugin is enabled or may come from a local file."""
        plugins = self.file.plugins
        known = {*plugins.enable, *plugins.local_names}
        if not self.plugins_are_known or name in known:
            return
        hint = did_you_mean(name, plugins.enable)
        if not hint.startswith("did you mean"):
            hint = "add it to 'enable' in [plugins]"
        is_table = len(loc) == 2
        message = f"{what} '{name}' is not active"
        severity: Severity = "deferred" if plugins.local else "error"
        yield self.locator.problem(loc, message, hint, severity, is_table=is_table)

    def profile_name(self, name: str, what: str, loc: Loc) -> Iterator[Problem]:
        if name not in self.profile_names:
            hint = did_you_mean(name, self.profile_names)
            yield self.locator.problem(loc, f"{what} names an unknown profile '{name}'", hint)

    def project_table(self) -> Iterator[Problem]:
        default = self.file.project.default
        if default is not None:
            yield from self.profile_name(default, "'default'", ("project", "default"))

    def providers(self) -> Iterator[Problem]:
        for name, provider in self.file.providers.items():
            loc: Loc = ("providers", name)
            if provider.plugin is not None:
                loc = (*loc, "plugin")
            yield from self.active(self.file.plugin_of(name), "the provider plugin", loc)

    def models(self) -> Iterator[Problem]:
        instances = self.names("providers")
        for name, model in self.file.models.items():
            for at, entry in enumerate(model.serve):
                if entry.instance not in instances:
                    loc = ("models", name, "serve", at)
                    message = f"'serve[{at}]' names an unknown provider instance '{entry.instance}'"
                    yield self.locator.problem(
                        loc, message, did_you_mean(entry.instance, instances)
                    )
            if name in self.profile_names:
                message = f"the name '{name}' is a profile's and a model's"
                yield self.locator.problem(("models", name), message, "rename the profile",
                                           is_table=True)  # fmt: skip

    # ---- profiles

    def profiles(self) -> Iterator[Problem]:
        for name, profile in self.file.profiles.items():
            loc: Loc = ("profiles", name)
            yield from self.choices(profile, loc)
            yield from self.policies(profile, loc)
            for at, rule in enumerate(profile.rules):
                place: Loc = (*loc, "rules", at, "profile")
                yield from self.profile_name(rule.profile, f"'rules[{at}]'", place)
            for at, arm in enumerate(profile.split):
                if arm.profile is not None:
                    place = (*loc, "split", at, "profile")
                    yield from self.profile_name(arm.profile, f"'split[{at}]'", place)
        yield from self.split_cycles()

    def choices(self, profile: Profile, loc: Loc) -> Iterator[Problem]:
        """The candidates, and what says in which order they stand."""
        has_split = profile.split or _follows((*loc, "split"), self.broken)
        if not profile.candidates and not has_split:
            hint = "list model ids under 'candidates', or extend a profile that does"
            yield self.locator.problem((*loc, "candidates"), "no candidates", hint)
        for key in ("candidates", "order", "score"):
            if profile.split and getattr(profile, key):
                message = f"'{key}' does nothing beside 'split'"
                hint = "the arms of a split choose; write it in their profiles"
                yield self.locator.problem((*loc, key), message, hint)
        if profile.score is not None and profile.order is not None:
            message = "'order' and 'score' exclude each other"
            yield self.locator.problem((*loc, "order"), message, "keep one of them")
        for at, model in enumerate(profile.candidates):
            if model in profile.candidates[:at]:
                place = (*loc, "candidates", at)
                yield self.locator.problem(place, f"'candidates' names '{model}' twice")
        for model in profile.weights:
            if model not in profile.candidates:
                message = f"'weights' names '{model}', which is no candidate"
                hint = did_you_mean(model, profile.candidates)
                yield self.locator.problem((*loc, "weights", model), message, hint)
        if profile.weights and profile.order != "weight":
            message = "'weights' does nothing without order = \"weight\""
            yield self.locator.problem((*loc, "weights"), message)

    def policies(self, profile: Profile, loc: Loc) -> Iterator[Problem]:
        """The plugins that score the candidates and that go on after a fault."""
        if profile.score is not None:
            if not profile.score.use:
                message = "'use' names no scorer"
                yield self.locator.problem((*loc, "score", "use"), message, "or drop this table")
            for at, scorer in enumerate(profile.score.use):
                yield from self.active(scorer, "the scorer", (*loc, "score", "use", at))
        if profile.fallback is not None:
            place = (*loc, "fallback", "use")
            yield from self.active(profile.fallback.use, "the fallback strategy", place)

    def split_cycles(self) -> Iterator[Problem]:
        arms = {
            name: [arm.profile for arm in profile.split if arm.profile is not None]
            for name, profile in self.file.profiles.items()
        }
        for name in arms:
            seen: set[str] = set()
            ahead = list(arms[name])
            while ahead:
                arm = ahead.pop()
                if arm not in seen:
                    seen.add(arm)
                    ahead += arms.get(arm, [])
            if name in seen:
                message = "'split' leads back to this profile"
                yield self.locator.problem(("profiles", name, "split"), message)

    # ---- names that callers send

    def aliases(self) -> Iterator[Problem]:
        aliases, instances = self.file.aliases, self.names("providers")
        for alias, target in aliases.items():
            loc = ("aliases", alias)
            first, colon, rest = alias.partition(":")
            claims = {
                "a profile's": alias in self.profile_names,
                "a model's": alias in self.names("models"),
                "a profile's with preset": first in self.profile_names and rest in PRESETS,
                "a provider instance's": bool(colon) and first in instances,
            }
            for owner in (owner for owner, claimed in claims.items() if claimed):
                message = f"the name '{alias}' is an alias and {owner}"
                yield self.locator.problem(loc, message, "rename the alias")
            yield from self.alias_target(alias, target, instances)

    def alias_target(self, alias: str, target: str, names: frozenset[str]) -> Iterator[Problem]:
        loc = ("aliases", alias)
        first, colon, rest = target.partition(":")
        if target in self.profile_names or target in self.names("models"):
            return
        if target in self.file.aliases:
            message = f"'{alias}' names another alias, '{target}'"
            yield self.locator.problem(loc, message, "name its profile or model")
        elif colon and first in self.profile_names and rest not in PRESETS and first not in names:
            message = f"'{alias}' names an unknown preset '{rest}'"
            yield self.locator.problem(loc, message, did_you_mean(rest, PRESETS))
        elif colon and first not in self.profile_names and first not in names:
            message = f"'{alias}' names neither a profile nor a provider instance '{first}'"
            yield self.locator.problem(
                loc, message, did_you_mean(first, names | self.profile_names)
            )
        elif not colon and "/" not in target:
            # the catalog may know it as an upstream id
            message = f"'{alias}' names an unknown profile or model '{target}'"
            hint = did_you_mean(target, self.profile_names | self.names("models"))
            yield self.locator.problem(loc, message, hint, "deferred")

    def keys(self) -> Iterator[Problem]:
        hashes: dict[str, str] = {}
        budgets = self.names("budgets")
        for name, key in self.file.keys.items():
            for at, profile in enumerate(key.profiles or ()):
                place: Loc = ("keys", name, "profiles", at)
                yield from self.profile_name(profile, f"'profiles[{at}]'", place)
            if key.profiles == ():
                hint = "leave 'profiles' out to allow every profile"
                message = "'profiles' allows nothing"
                yield self.locator.problem(("keys", name, "profiles"), message, hint)
            if key.budget is not None and key.budget not in budgets:
                message = f"'budget' names an unknown budget '{key.budget}'"
                hint = did_you_mean(key.budget, budgets)
                yield self.locator.problem(("keys", name, "budget"), message, hint)
            other = hashes.setdefault(key.hash, name)
            if other != name:
                message = f"this key is the same as [keys.{other}]"
                hint = "every caller needs a key of its own: `multiroute keys new`"
                yield self.locator.problem(("keys", name, "hash"), message, hint)

    def budgets(self) -> Iterator[Problem]:
        for name, budget in self.file.budgets.items():
            for at, step in enumerate(budget.at):
                if step.profile is not None:
                    place = ("budgets", name, "at", at, "do")
                    yield from self.profile_name(step.profile, f"'at[{at}].do'", place)

    # ---- plugins' tables

    def literal_secrets(self) -> Iterator[Problem]:
        """Literal secrets in tables that only a plugin's own model knows."""
        tables: list[tuple[Loc, object]] = [
            (("plugins", "settings", name), settings)
            for name, settings in self.file.plugins.settings.items()
        ]
        tables += [
            (("providers", n, "settings"), p.settings) for n, p in self.file.providers.items()
        ]
        for name, profile in self.file.profiles.items():
            if profile.fallback is not None:
                tables.append((("profiles", name, "fallback"), profile.fallback.options))
        for loc, table in tables:
            for place, value in _leaves(table, loc):
                key = next(part for part in reversed(place) if isinstance(part, str))
                if isinstance(value, str) and _SECRET_KEY.match(key):
                    message = f"'{key}' is a literal secret"
                    yield self.locator.problem(place, message, SECRET_HINT)


def _leaves(value: object, loc: Loc) -> Iterator[tuple[Loc, object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*loc, key))
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from _leaves(item, (*loc, at))
    else:
        yield loc, value
