"""Setup: a project made ready to start. The same code serves `check` and `serve`.

Everything that can be told without I/O is told here, all mistakes at once, with file and line.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from multiroute_core.api.extension import Extension
from multiroute_core.api.fallback import FallbackStrategy
from multiroute_core.api.observer import Observer
from multiroute_core.api.scorer import Scorer
from multiroute_core.api.store import Store
from multiroute_core.catalog.catalog import Catalog
from multiroute_core.engine.transport import Upstream
from multiroute_core.ledger.memory import MemoryStore
from multiroute_core.plugins import (
    MEMORY,
    CodeKind,
    Found,
    Inventory,
    Kernel,
    PluginErrors,
    discover,
    store_name,
)
from multiroute_core.project import (
    Loc,
    Problem,
    Project,
    ProjectError,
    Secret,
    find_project_file,
    inspect_project,
    problems_from_validation,
    project_from_data,
    resolve_secret,
)
from multiroute_core.project.secrets import SecretRef
from multiroute_core.router.data import load_catalog
from multiroute_core.router.instances import Instance
from multiroute_core.router.names import ambiguous
from multiroute_core.router.once import Once
from multiroute_core.router.targets import Targets
from multiroute_core.router.zero import zero_config


@dataclass(frozen=True)
class Setup:
    """What a project comes to, before anything has been started."""

    project: Project
    inventory: Inventory
    kernel: Kernel
    catalog: Catalog
    instances: Mapping[str, Instance]
    scorers: Mapping[str, Scorer]
    observers: Mapping[str, Observer]
    extensions: Mapping[str, Extension]
    strategies: Mapping[str, FallbackStrategy]
    store: Store
    warnings: tuple[str, ...]
    is_zero: bool

    @property
    def lock(self) -> str:
        """A hash over the active plugins' code and data: what a decision depends on beside the
        file."""
        lines = "\n".join(f"{name} {digest}" for name, digest in self.kernel.hashes().items())
        return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


class _Builder:
    """Collects every problem while it puts a setup together."""

    def __init__(
        self,
        project: Project,
        inventory: Inventory,
        kernel: Kernel,
        environ: Mapping[str, str],
        upstream: Upstream,
    ) -> None:
        self.project = project
        self.file = project.file
        self.inventory = inventory
        self.kernel = kernel
        self.environ = environ
        self.upstream = upstream
        self.problems: list[Problem] = []
        self.warnings: list[str] = [str(problem) for problem in project.warnings]

    def problem(self, loc: Loc, message: str, hint: str = "", *, is_table: bool = False) -> None:
        self.problems.append(
            self.project.locator.problem(loc, message, hint, is_table=is_table)
        )

    def plugin_problems(self, error: PluginErrors, loc: Loc) -> None:
        for one in error.problems:
            self.problem(loc, one.message, one.hint, is_table=True)

    def settings(
        self, kind: CodeKind, name: str, raw: Mapping[str, object], loc: Loc
    ) -> tuple[BaseModel | None, bool]:
        """A plugin's own table as its model, and whether it is sound."""
        try:
            return self.kernel.validate_settings(kind, name, raw), True
        except ValidationError as error:
            model = self.kernel.settings_model(kind, name)
            self.problems += problems_from_validation(
                error, locator=self.project.locator, base=loc, model=model
            )
        except PluginErrors as error:
            self.plugin_problems(error, loc)
        return None, False

    def secret(self, ref: SecretRef, loc: Loc) -> Secret:
        try:
            where = self.project.where(loc)
            return resolve_secret(ref, self.environ, self.project.folder, where=where)
        except ProjectError as error:
            self.problems += error.problems
            return Secret("")

    # ---- nouns ---------------------------------------------------------------------------------

    def instances(self) -> dict[str, Instance]:
        found: dict[str, Instance] = {}
        active = self.kernel.names("provider")
        for name, table in self.file.providers.items():
            plugin = self.file.plugin_of(name)
            loc: Loc = ("providers", name)
            if plugin not in active:
                if plugin in self.file.plugins.enable or self.file.plugins.local:
                    self.problem(loc, f"'{plugin}' is not a provider plugin", is_table=True)
                continue
            facts = self.kernel.facts("provider", plugin)
            base_url = table.base_url or next(
                (self.environ[env] for env in facts.base_url_env if self.environ.get(env)),
                facts.base_url,
            )
            refs: list[tuple[str, SecretRef, Loc]] = [
                (f"{at + 1}", ref, (*loc, "api_keys", at)) for at, ref in enumerate(table.api_keys)
            ]
            if not refs and not facts.keyless:
                env = next((env for env in facts.env if self.environ.get(env)), None)
                if env is None:
                    wanted = " or ".join(facts.env) or "api_keys"
                    self.problem(
                        loc,
                        "no credential",
                        f'write api_keys = [{{ env = "{facts.env[0] if facts.env else "NAME"}" }}]'
                        f" or set {wanted}",
                        is_table=True,
                    )
                else:
                    refs = [("1", SecretRef(env=env), loc)]
            secrets = {label: self.secret(ref, at) for label, ref, at in refs}
            instance = Instance(
                name, plugin, facts, base_url, secrets, table.tags, self.upstream
            )
            settings, sound = self.settings(
                "provider", plugin, table.settings, (*loc, "settings")
            )
            if sound:
                try:
                    instance.provider = self.kernel.make_provider(plugin, name, settings, instance)
                except PluginErrors as error:
                    self.plugin_problems(error, loc)
            found[name] = instance
        return found

    def scorers(self) -> dict[str, Scorer]:
        made: dict[str, Scorer] = {}
        for name in self.kernel.names("scorer"):
            loc: Loc = ("plugins", "settings", name)
            raw = self.file.plugins.settings.get(name, {})
            settings, sound = self.settings("scorer", name, raw, loc)
            if sound:
                try:
                    made[name] = self.kernel.make_scorer(name, settings)
                except PluginErrors as error:
                    self.plugin_problems(error, ("plugins",))
        return made

    def observers(self) -> dict[str, Observer]:
        made: dict[str, Observer] = {}
        for name in self.kernel.names("observer"):
            raw = self.file.plugins.settings.get(name, {})
            settings, sound = self.settings(
                "observer", name, raw, ("plugins", "settings", name)
            )
            if sound:
                try:
                    made[name] = self.kernel.make_observer(name, settings)
                except PluginErrors as error:
                    self.plugin_problems(error, ("plugins",))
        return made

    def extensions(self) -> dict[str, Extension]:
        made: dict[str, Extension] = {}
        for name in self.kernel.names("extension"):
            raw = self.file.plugins.settings.get(name, {})
            settings, sound = self.settings(
                "extension", name, raw, ("plugins", "settings", name)
            )
            if sound:
                try:
                    made[name] = self.kernel.make_extension(name, settings)
                except PluginErrors as error:
                    self.plugin_problems(error, ("plugins",))
        return made

    def strategies(self) -> dict[str, FallbackStrategy]:
        """One strategy a profile; under "" the one of calls without a profile."""
        active = self.kernel.names("fallback")
        made: dict[str, FallbackStrategy] = {"": self.default_strategy(active)}
        for name, profile in self.file.profiles.items():
            table = profile.fallback
            if table is None:
                made[name] = self.default_strategy(active)
                continue
            loc: Loc = ("profiles", name, "fallback")
            if table.use not in active:
                if table.use in self.file.plugins.enable or self.file.plugins.local:
                    self.problem((*loc, "use"), f"'{table.use}' is not a fallback strategy")
                continue
            settings, sound = self.settings("fallback", table.use, table.options, loc)
            if not sound:
                continue
            try:
                strategy = self.kernel.make_fallback(table.use, settings)
            except PluginErrors as error:
                self.plugin_problems(error, loc)
                continue
            if strategy.needs_reply:
                self.problem(
                    (*loc, "use"),
                    f"'{table.use}' judges whole answers, which is not yet supported",
                    "use another strategy",
                )
            made[name] = strategy
        return made

    def default_strategy(self, active: Sequence[str]) -> FallbackStrategy:
        if len(active) == 1:
            try:
                settings = self.kernel.validate_settings("fallback", active[0], None)
                return self.kernel.make_fallback(active[0], settings)
            except (ValidationError, PluginErrors):
                return Once()
        return Once()

    def store(self) -> Store:
        """The store of the records: `[stores] ledger`."""
        table = self.file.stores.ledger
        if table.scheme == MEMORY:
            return MemoryStore()
        name = store_name(table.url)
        url = table.url
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            path = self.project.folder / url.removeprefix("sqlite:///")
            url = f"sqlite:///{path.resolve()}"
        if table.password is not None:
            secret = self.secret(table.password, ("stores", "ledger", "password"))
            url = _with_password(url, secret)
        raw = self.file.plugins.settings.get(name, {})
        settings, sound = self.settings("store", name, raw, ("plugins", "settings", name))
        if sound:
            try:
                store = self.kernel.make_store(name, url, settings)
                if store.records() is None:
                    message = f"the store {name} cannot keep records"
                    self.problem(("stores", "ledger"), message, "use another store's URL")
                return store
            except PluginErrors as error:
                self.plugin_problems(error, ("stores", "ledger"))
        return MemoryStore()

    def profiles(self, targets: Targets, scorers: Mapping[str, Scorer]) -> None:
        """Candidates that nobody serves, and scorers that are none."""
        open_ended = any(
            instance.facts.offerings is None for instance in targets.instances.values()
        )
        names = self.kernel.names("scorer")
        for name, profile in self.file.profiles.items():
            loc: Loc = ("profiles", name)
            for at, scorer in enumerate(profile.score.use if profile.score else ()):
                if scorer not in names and (
                    scorer in self.file.plugins.enable or self.file.plugins.local
                ):
                    self.problem((*loc, "score", "use", at), f"'{scorer}' is not a scorer")
            if profile.split:
                continue
            candidates, unserved = targets.of_profile(profile)
            for model in unserved:
                place: Loc = (*loc, "candidates", profile.candidates.index(model))
                message = f"no active provider serves '{model}'"
                if profile.targets.only_tags:
                    message += f" at a target with the tags {', '.join(profile.targets.only_tags)}"
                near = targets.catalog.nearest(model)
                near = [other for other in near if other != model]
                hint = f"did you mean '{near[0]}'?" if near and not targets.catalog.model(
                    model
                ) else "add its provider, or a [models] table with 'serve'"
                if profile.strict:
                    self.problem(place, message, hint)
                elif not open_ended:  # what a provider tells of at its start may serve it
                    warning = self.project.locator.problem(place, message, hint, "warning")
                    self.warnings.append(str(warning))
            if not candidates and profile.candidates and not open_ended:
                self.problem(loc, "no candidate is left: nothing serves any of them", is_table=True)


def _with_password(url: str, secret: Secret) -> str:
    from urllib.parse import quote

    head, at, tail = url.partition("@")
    return f"{head}:{quote(secret.reveal(), safe='')}@{tail}" if at else url


def read_project(
    path: str | Path | None, inventory: Inventory, environ: Mapping[str, str]
) -> tuple[Project, tuple[Problem, ...], bool]:
    """(project, its errors, whether it is zero configuration).

    Raises:
        ProjectError: the file cannot even be parsed.
    """
    file = Path(path) if path is not None else find_project_file(Path.cwd())
    if file is None:
        data = zero_config(inventory, environ)
        return project_from_data(data, Path.cwd(), "zero configuration"), (), True
    inspection = inspect_project(file)
    if inspection.project is None:
        raise ProjectError(inspection.errors)
    return inspection.project, inspection.errors, False


def build(
    path: str | Path | None,
    upstream: Upstream,
    environ: Mapping[str, str] = os.environ,
    search_path: Sequence[str] | None = None,
) -> Setup:
    """Load a project and everything that it names.

    Raises:
        ProjectError: every mistake of the file, of plugins' tables and of plugins, at once.
        ConfigError: what has no place in a file.
    """
    inventory = discover(search_path)
    project, errors, is_zero = read_project(path, inventory, environ)
    file = project.file
    stores = [store_name(file.stores.ledger.url)]
    local = [project.folder / name for name in file.plugins.local]
    try:
        kernel = Kernel.load(inventory, file.plugins.enable, stores, local)
    except PluginErrors as error:
        raise ProjectError([*errors, *_at_their_lines(error, project)]) from error
    builder = _Builder(project, inventory, kernel, environ, upstream)
    builder.problems += errors
    active = set(kernel.names("provider"))
    providers: list[Found] = [
        found for found in inventory.found if found.kind == "provider" and found.name in active
    ]
    catalog = load_catalog(inventory, providers, file)
    instances = builder.instances()
    scorers = builder.scorers()
    observers = builder.observers()
    extensions = builder.extensions()
    strategies = builder.strategies()
    store = builder.store()
    targets = Targets(file, catalog, instances, {})
    builder.profiles(targets, scorers)
    for name, why in ambiguous(targets):
        table = "aliases" if name in file.aliases else "profiles"
        builder.problem((table, name), f"'{name}' {why}", "rename one")
    if builder.problems:
        raise ProjectError(builder.problems)
    return Setup(
        project,
        inventory,
        kernel,
        catalog,
        instances,
        scorers,
        observers,
        extensions,
        strategies,
        store,
        tuple(builder.warnings),
        is_zero,
    )


def _at_their_lines(error: PluginErrors, project: Project) -> list[Problem]:
    """Plugins' problems at the lines of the file that name them."""
    found: list[Problem] = []
    plugins = project.file.plugins
    for one in error.problems:
        loc: Loc = ("plugins", "enable")
        if one.name in plugins.enable:
            loc = ("plugins", "enable", plugins.enable.index(one.name))
        elif one.name in plugins.local_names:
            loc = ("plugins", "local", plugins.local_names.index(one.name))
        elif one.name == store_name(project.file.stores.ledger.url):
            loc = ("stores", "ledger")
        found.append(project.locator.problem(loc, one.message, one.hint))
    return found
