"""Kernel: the active plugins of one project, loaded, checked and ready to make their objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import cast

from pydantic import BaseModel, ValidationError

from multiroute_core import __version__
from multiroute_core.api import (
    Extension,
    FallbackStrategy,
    Guard,
    Observer,
    Provider,
    ProviderRuntime,
    Scorer,
    Store,
)
from multiroute_core.plugins.discovery import Found, Inventory
from multiroute_core.plugins.facts import (
    PluginFacts,
    data_path,
    facts_beside,
    facts_of,
    package_folder,
)
from multiroute_core.plugins.fingerprint import fingerprint
from multiroute_core.plugins.hooks import Hooks
from multiroute_core.plugins.kinds import CODE_KINDS, FACTORIES, PROTOCOLS, CodeKind, Kind
from multiroute_core.plugins.loading import load
from multiroute_core.plugins.local import load_local, local_name
from multiroute_core.plugins.nearest import did_you_mean
from multiroute_core.plugins.problems import PluginErrors, PluginProblem, refusal
from multiroute_core.plugins.protocols import check_conforms
from multiroute_core.plugins.selection import select


@dataclass(frozen=True, slots=True)
class Active:
    """One active plugin. `distribution` and `version` are "" and `path` is set for a local one;
    `module` "" means that nothing was imported (a catalog)."""

    kind: Kind
    name: str
    distribution: str
    version: str
    module: str
    path: Path | None = None

    @property
    def origin(self) -> str:
        """Distribution and version, or the local path: for messages."""
        return str(self.path) if self.path else f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class _Plugin:
    active: Active
    facts: PluginFacts
    found: Found | None
    folder: Path | None
    sources: tuple[Path, ...]
    hooks: Hooks | None = None
    model: type[BaseModel] | None = None

    @property
    def who(self) -> str:
        return f"{self.active.kind} '{self.active.name}' ({self.active.origin})"


class Kernel:
    """The active plugins. Frozen after `load`: a reload loads another one."""

    def __init__(self, plugins: Sequence[_Plugin]) -> None:
        self._plugins: Mapping[tuple[Kind, str], _Plugin] = MappingProxyType(
            {(plugin.active.kind, plugin.active.name): plugin for plugin in plugins}
        )

    @classmethod
    def load(
        cls,
        inventory: Inventory,
        enable: Sequence[str] = (),
        stores: Sequence[str] = (),
        local: Sequence[Path] = (),
        *,
        core_version: str = __version__,
    ) -> Kernel:
        """Select, check and import plugins, and ask them for their settings models.

        `enable` are names, `stores` schemes, `local` paths of files or package folders (resolved
        against the project file's folder by the caller). Imports what is selected, nothing else.

        Raises:
            PluginErrors: every problem of every selected plugin at once.
        """
        selection = select(inventory, enable, stores, core_version)
        problems = list(selection.problems)
        plugins: list[_Plugin] = []
        for found in selection.selected:
            try:
                plugins.append(_installed(inventory, found))
            except PluginErrors as errors:
                problems.extend(errors.problems)
        taken = {(plugin.active.kind, plugin.active.name): plugin for plugin in plugins}
        for path in dict.fromkeys(local):
            try:
                for plugin in _local(path):
                    key = (plugin.active.kind, plugin.active.name)
                    if (other := taken.setdefault(key, plugin)) is not plugin:
                        problems.append(_taken(plugin, other))
                    plugins.append(plugin)
            except PluginErrors as errors:
                problems.extend(errors.problems)
        if problems:
            raise PluginErrors(problems)
        return cls(plugins)

    # ---- what is active ------------------------------------------------------------------------

    @property
    def active(self) -> tuple[Active, ...]:
        """The active plugins in the order of the file: enabled ones, stores, local ones."""
        return tuple(plugin.active for plugin in self._plugins.values())

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the active plugins of one kind."""
        return tuple(active.name for active in self.active if active.kind == kind)

    def facts(self, kind: Kind, name: str) -> PluginFacts:
        """What the plugin states about itself."""
        return self._plugin(kind, name).facts

    def data_path(self, kind: Kind, name: str, filename: str) -> Path:
        """A data file of the plugin, named by its facts.

        Raises:
            PluginErrors: it is not there.
        """
        plugin = self._plugin(kind, name)
        if plugin.found is not None:
            return data_path(plugin.found, filename)
        path = (plugin.folder or Path()) / filename
        if plugin.folder is None or not path.is_file():
            raise refusal(name, f"{plugin.who} has no data file {filename}", "", plugin.active.path)
        return path

    def hashes(self) -> Mapping[str, str]:
        """`sha256:…` by distribution (or `local:<name>`), over version, code and data."""
        return self._hashes

    @cached_property
    def _hashes(self) -> Mapping[str, str]:
        sources: dict[tuple[str, str], set[Path]] = {}
        for plugin in self._plugins.values():
            active = plugin.active
            key = active.distribution or f"local:{active.name}"
            sources.setdefault((key, active.version), set()).update(plugin.sources)
        return MappingProxyType(
            {
                key: fingerprint(f"{key} {version}", paths)
                for (key, version), paths in sorted(sources.items())
            }
        )

    # ---- settings ------------------------------------------------------------------------------

    def settings_model(self, kind: CodeKind, name: str) -> type[BaseModel] | None:
        """The plugin's own settings model; None: it takes no settings."""
        return self._plugin(kind, name).model

    def validate_settings(
        self, kind: CodeKind, name: str, raw: Mapping[str, object] | None
    ) -> BaseModel | None:
        """The plugin's table as its own model; None for a plugin without settings.

        Raises:
            ValidationError: the settings are wrong; the caller knows file and line.
            PluginErrors: there are settings, but the plugin takes none; or its validators broke.
        """
        plugin = self._plugin(kind, name)
        if plugin.model is None:
            if raw:
                raise refusal(
                    name,
                    f"{plugin.who} takes no settings, but has {', '.join(map(repr, sorted(raw)))}",
                    "remove them",
                    plugin.active.path,
                )
            return None
        try:
            return plugin.model.model_validate(dict(raw or {}))
        except ValidationError:
            raise
        # A border: validators are the plugin's own code. The words could hold a setting's value.
        except Exception as exc:  # noqa: BLE001  foreign code
            raise refusal(
                name,
                f"{plugin.who} failed while it validated its settings: {type(exc).__name__}",
                "its validators should raise ValueError",
                plugin.active.path,
            ) from None

    # ---- factories -----------------------------------------------------------------------------
    # Each raises PluginErrors: the factory raised, or made nothing, or what it made breaks its
    # Protocol; the message names plugin, distribution and each member that is wrong.

    def make_provider(
        self, name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
    ) -> Provider:
        """The adapter of one provider instance."""
        made = self._make("provider", name, lambda h: h.make_provider(instance, settings, runtime))
        return cast(Provider, made)

    def make_scorer(self, name: str, settings: BaseModel | None) -> Scorer:
        """A scorer."""
        made = self._make("scorer", name, lambda h: h.make_scorer(settings))
        return cast(Scorer, made)

    def make_fallback(self, name: str, settings: BaseModel | None) -> FallbackStrategy:
        """A fallback strategy."""
        made = self._make("fallback", name, lambda h: h.make_fallback(settings))
        return cast(FallbackStrategy, made)

    def make_observer(self, name: str, settings: BaseModel | None) -> Observer:
        """An observer."""
        made = self._make("observer", name, lambda h: h.make_observer(settings))
        return cast(Observer, made)

    def make_store(self, scheme: str, url: str, settings: BaseModel | None) -> Store:
        """The store for a URL of this scheme (`schemes.store_name`); not for `memory`."""
        made = self._make("store", scheme, lambda h: h.make_store(url, settings))
        return cast(Store, made)

    def make_guard(self, name: str, settings: BaseModel | None) -> Guard:
        """A guard."""
        made = self._make("guard", name, lambda h: h.make_guard(settings))
        return cast(Guard, made)

    def make_extension(self, name: str, settings: BaseModel | None) -> Extension:
        """An extension."""
        made = self._make("extension", name, lambda h: h.make_extension(settings))
        return cast(Extension, made)

    def _make(self, kind: CodeKind, name: str, call: Callable[[Hooks], object]) -> object:
        protocol = PROTOCOLS[kind]
        plugin = self._plugin(kind, name)
        assert plugin.hooks is not None
        made = call(plugin.hooks)
        if mistakes := check_conforms(made, protocol):
            raise PluginErrors(
                PluginProblem(
                    name,
                    f"{plugin.who} made a {type(made).__name__} that is no {protocol.__name__}: "
                    f"{mistake}",
                    f"multiroute_core.api.{protocol.__name__} is the contract",
                    plugin.active.path,
                )
                for mistake in mistakes
            )
        return made

    def _plugin(self, kind: Kind, name: str) -> _Plugin:
        plugin = self._plugins.get((kind, name))
        if plugin is None:
            near = did_you_mean(name, self.names(kind))
            listed = f"list '{name}' in [plugins] enable"
            raise refusal(
                name,
                f"{kind} '{name}' is not active",
                f"{near} or {listed}" if near.endswith("?") else listed,
            )
        return plugin


def _installed(inventory: Inventory, found: Found) -> _Plugin:
    facts = facts_of(found)
    folder = package_folder(found)
    kind = found.kind
    if kind == "catalog":
        active = Active(kind, found.name, found.distribution, found.version, "")
        return _Plugin(active, facts, found, folder, () if folder is None else (folder,))
    module = load(inventory, found)
    hooks = Hooks(kind, found.name, found.origin, module)
    active = Active(kind, found.name, found.distribution, found.version, found.module)
    return _Plugin(active, facts, found, folder, _sources(folder, module), hooks, hooks.settings())


def _local(path: Path) -> list[_Plugin]:
    """A local file is of every kind whose factory it implements."""
    module = load_local(path)
    name = local_name(path)
    folder = path if path.is_dir() else None
    kinds = [kind for kind in CODE_KINDS if hasattr(module, FACTORIES[kind])]
    if not kinds:
        raise refusal(
            name,
            f"local plugin {path} has no factory",
            f"write one of {', '.join(FACTORIES.values())}, marked with @hookimpl",
            path,
        )
    plugins: list[_Plugin] = []
    for kind in kinds:
        try:
            facts = PluginFacts() if folder is None else facts_beside(kind, name, folder)
            hooks = Hooks(kind, name, str(path), module)
            model = hooks.settings()
        except PluginErrors as errors:
            raise PluginErrors(
                PluginProblem(name, problem.message, problem.hint, path)
                for problem in errors.problems
            ) from errors
        active = Active(kind, name, "", "", module.__name__, path)
        plugins.append(_Plugin(active, facts, None, folder, (path,), hooks, model))
    return plugins


def _sources(folder: Path | None, module: ModuleType) -> tuple[Path, ...]:
    if folder is not None:
        return (folder,)
    return () if module.__file__ is None else (Path(module.__file__),)


def _taken(plugin: _Plugin, other: _Plugin) -> PluginProblem:
    return PluginProblem(
        plugin.active.name,
        f"{plugin.active.kind} '{plugin.active.name}' is claimed by {other.active.origin} and by "
        f"{plugin.active.origin}",
        "rename the local file",
        plugin.active.path,
    )
