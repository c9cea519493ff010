"""Selection: what the project file's names mean among the installed plugins, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from multiroute_core.plugins.contract import CORE_DISTRIBUTION, is_within
from multiroute_core.plugins.discovery import Found, Inventory
from multiroute_core.plugins.nearest import did_you_mean
from multiroute_core.plugins.problems import PluginProblem
from multiroute_core.plugins.schemes import MEMORY


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected plugins in the order of the file, and every reason against one."""

    selected: tuple[Found, ...]
    problems: tuple[PluginProblem, ...]


def select(
    inventory: Inventory, enable: Sequence[str], stores: Sequence[str], core_version: str
) -> Selection:
    """Look up names of `[plugins] enable` and schemes of `[stores]`.

    A name that occurs in several groups selects the plugin in each of them. A scheme selects the
    store alone; `memory` is core's own and selects nothing. What has a problem is not selected.
    """
    wanted: dict[Found, str] = {}
    problems: list[PluginProblem] = []
    for name in dict.fromkeys(enable):
        matches = inventory.named(name)
        wanted.update((found, name) for found in matches)
        if not matches:
            known = {found.name for found in inventory.found}
            problems.append(_not_installed(name, f"plugin '{name}'", known))
    for scheme in dict.fromkeys(stores):
        matches = tuple(found for found in inventory.named(scheme) if found.kind == "store")
        wanted.update((found, scheme) for found in matches)
        if not matches and scheme != MEMORY:
            known = {found.name for found in inventory.found if found.kind == "store"} | {MEMORY}
            problems.append(_not_installed(scheme, f"a store for {scheme}: URLs", known))
    selected: list[Found] = []
    for found in wanted:
        if problem := _against(found, inventory, core_version):
            problems.append(problem)
        else:
            selected.append(found)
    return Selection(tuple(selected), tuple(dict.fromkeys(problems)))


def _not_installed(name: str, what: str, known: Iterable[str]) -> PluginProblem:
    # A folder or wheel, never a bare name: an index may have somebody else's under it.
    install = (
        f"install its folder or its wheel: pip install ./plugins/multiroute-{name}; "
        "`multiroute plugin list` shows what is installed"
    )
    near = did_you_mean(name, known)
    return PluginProblem(
        name,
        f"{what} is not installed",
        f"{near} or {install}" if near.endswith("?") else install,
    )


def _against(found: Found, inventory: Inventory, core_version: str) -> PluginProblem | None:
    who = f"{found.kind} '{found.name}' ({found.origin})"
    if conflict := inventory.conflict(found):
        names = dict.fromkeys(claim.distribution for claim in conflict.claims)
        return PluginProblem(
            found.name, str(conflict), f"uninstall all but one of: {', '.join(names)}"
        )
    if found.defect:
        return PluginProblem(
            found.name,
            f"{who} cannot be used: {found.defect}",
            f"install another version of {found.distribution}",
        )
    if found.requires_core is None:
        return PluginProblem(
            found.name,
            f"{who} does not say which {CORE_DISTRIBUTION} it works with",
            f"add {CORE_DISTRIBUTION} with a version range to the dependencies of "
            f"{found.distribution}, then reinstall it",
        )
    if not is_within(core_version, found.requires_core):
        return PluginProblem(
            found.name,
            f"{who} needs {CORE_DISTRIBUTION}{found.requires_core}; this is {core_version}",
            f"install a version of {found.distribution} for this core",
        )
    return None
