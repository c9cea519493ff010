"""PluginRow: what is known of an installed plugin without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiroute_core.plugins import Found, Inventory, PluginErrors, PluginFacts


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One entry point of an installed distribution, or a local file of the project.

    `facts` are what `plugin.toml` states. `problems` say why it cannot be used, () if nothing is
    known against it. `active` tells whether the project file activates it, None without a file.
    """

    kind: str
    name: str
    distribution: str
    version: str
    module: str
    contract: str
    active: bool | None
    facts: Mapping[str, Any]
    problems: tuple[str, ...]

    @property
    def state(self) -> str:
        """In a word or two; the problems where there are any."""
        if self.problems:
            return "cannot be used: " + "; ".join(self.problems)
        return "active" if self.active else "installed"

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "module": self.module,
            "contract": self.contract,
            "active": self.active,
            "problems": list(self.problems),
            "facts": dict(self.facts),
        }


def plugin_rows(config: Path | None) -> list[PluginRow]:
    """Everything installed, in order of kind and name; nothing is imported.

    Raises:
        ConfigError: `config` names a file that is not there or not TOML.
    """
    from multiroute_core.plugins import KINDS, discover, facts_of_all

    inventory = discover()
    facts = facts_of_all(inventory.found)
    names = _named_in(config)
    rows = [_row(found, inventory, facts[found], names) for found in inventory.found]
    order: dict[str, int] = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(rows, key=lambda row: (order[row.kind], row.name, row.distribution))


def _row(
    found: Found,
    inventory: Inventory,
    facts: PluginFacts | PluginErrors,
    names: _Names | None,
) -> PluginRow:
    from multiroute_core.plugins import PluginErrors

    problems = _problems(found, inventory)
    stated: dict[str, Any] = {}
    if isinstance(facts, PluginErrors):
        problems += [str(problem) for problem in facts.problems]
    else:
        stated = facts.model_dump(exclude_defaults=True, mode="json")
    return PluginRow(
        kind=found.kind,
        name=found.name,
        distribution=found.distribution,
        version=found.version,
        module=found.module,
        contract=found.requires_core or "",
        active=None if names is None else names.activate(found),
        facts=stated,
        problems=tuple(problems),
    )


def _problems(found: Found, inventory: Inventory) -> list[str]:
    """What would stop a start that selects this plugin: the kernel's own words."""
    from multiroute_core import __version__
    from multiroute_core.plugins.selection import select

    selection = select(inventory, [found.name], [], __version__)
    if found in selection.selected:
        return []
    who = f"{found.kind} '{found.name}'"
    return [str(problem) for problem in selection.problems if problem.message.startswith(who)]


@dataclass(frozen=True, slots=True)
class _Names:
    """What a project file names: plugins, and the schemes of its stores."""

    enable: frozenset[str]
    stores: frozenset[str]

    def activate(self, found: Found) -> bool:
        """A catalog is data only: what is installed of it is read."""
        is_store = found.kind == "store" and found.name in self.stores
        return found.name in self.enable or is_store or found.kind == "catalog"


def _named_in(config: Path | None) -> _Names | None:
    from multiroute_core.plugins import store_name
    from multiroute_core.project import ProjectError, find_project_file, inspect_project

    path = config or find_project_file(Path())
    if path is None:
        return None
    inspection = inspect_project(path)
    if inspection.project is None:
        raise ProjectError(inspection.errors)
    file = inspection.project.file
    return _Names(frozenset(file.plugins.enable), frozenset({store_name(file.stores.ledger.url)}))
