"""Loading: imports exactly the module of a selected plugin, through stevedore.

stevedore's own list of entry points comes from a cache on disk whose times are rounded to 128 s,
and its default on a failure is to log and go on. Here the list is what discovery found, and every
failure raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, NoReturn

from stevedore.extension import Extension, ExtensionManager, error_on_conflict
from stevedore.named import NamedExtensionManager

from multiroute_core.plugins.discovery import Found, Inventory
from multiroute_core.plugins.problems import PluginErrors, refusal
from multiroute_core.plugins.telling import told


class SelectedPlugin(NamedExtensionManager[ModuleType]):
    """Loads one plugin out of what discovery found in its group; the others stay unimported."""

    def __init__(self, inventory: Inventory, selected: Found) -> None:
        self._selected = selected
        self._discovered = [
            EntryPoint(found.name, found.module, found.group)
            for found in inventory.of(selected.kind)
        ]
        super().__init__(
            selected.group,
            names=[selected.name],
            propagate_map_exceptions=True,
            on_load_failure_callback=self._load_failed,
            on_missing_entrypoints_callback=self._missing,
            conflict_resolver=error_on_conflict,
        )

    @property
    def module(self) -> ModuleType:
        """The imported module."""
        # Extension.plugin is typed for classes; an entry point of ours names a module.
        plugin: object = self[self._selected.name].plugin
        assert isinstance(plugin, ModuleType)
        return plugin

    def list_entry_points(self) -> list[EntryPoint]:
        """What discovery found, never stevedore's cache."""
        return self._discovered

    def _load_one_plugin(
        self,
        ep: EntryPoint,
        invoke_on_load: bool,
        invoke_args: tuple[Any, ...],
        invoke_kwds: dict[str, Any],
    ) -> Extension[ModuleType] | None:
        try:
            return super()._load_one_plugin(ep, invoke_on_load, invoke_args, invoke_kwds)
        except KeyboardInterrupt:
            raise
        # A border: foreign code runs at import. A SystemExit(0) here would end the start as if
        # all were well, and stevedore lets an AssertionError and every BaseException through.
        except BaseException as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: BaseException) -> PluginErrors:
        found = self._selected
        who = f"{found.kind} '{found.name}' ({found.origin})"
        missing = exc.name if isinstance(exc, ModuleNotFoundError) else None
        if missing is not None and f"{found.module}.".startswith(f"{missing}."):
            return refusal(
                found.name,
                f"{who} cannot be loaded: its entry point names the module '{found.module}', "
                f"and there is no '{missing}'",
                f"reinstall {found.distribution}",
            )
        hint = f"mend {found.distribution}, or take '{found.name}' out of [plugins] enable"
        if missing is not None:
            hint = f"install {found.distribution} together with what it depends on"
        return refusal(found.name, f"{who} failed at import: {told(exc)}", hint)

    @staticmethod
    def _load_failed(
        manager: ExtensionManager[ModuleType], entry_point: EntryPoint, error: BaseException
    ) -> NoReturn:
        raise error

    def _missing(self, names: Iterable[str]) -> NoReturn:
        found = self._selected
        raise refusal(found.name, f"{found.kind} '{found.name}' was not discovered")


def load(inventory: Inventory, found: Found) -> ModuleType:
    """Import the module of one discovered plugin.

    Raises:
        PluginErrors: whatever the import raised, KeyboardInterrupt excepted.
    """
    return SelectedPlugin(inventory, found).module
