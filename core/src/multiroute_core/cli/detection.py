"""What the installed provider plugins need, and which of them can be used here as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiroute_core.plugins import Found, Inventory, PluginFacts


@dataclass(frozen=True, slots=True)
class FoundProvider:
    """An installed provider plugin. `why` says why it can be used here, "" if it cannot yet;
    `env` names the environment variable that holds its credential, "" where none is set."""

    found: Found
    facts: PluginFacts
    why: str = ""
    env: str = ""

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.found.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.facts.title or self.name


def find_providers(inventory: Inventory, environ: Mapping[str, str]) -> tuple[FoundProvider, ...]:
    """The installed provider plugins, with what was found of each: as zero configuration does it.

    Asks loopback addresses only. Plugins that are for want of any other (`fallback_only`) are
    never found usable.
    """
    from multiroute_core.plugins import PluginFacts, facts_of_all
    from multiroute_core.router.zero import detect

    usable = {found for found, facts in detect(inventory, environ) if not facts.fallback_only}
    providers = []
    for found, facts in facts_of_all(inventory.of("provider")).items():
        if isinstance(facts, PluginFacts):
            env = next((name for name in facts.env if environ.get(name)), "")
            why = f"{env} is set" if env else f"{facts.probe} answers"
            providers.append(FoundProvider(found, facts, why if found in usable else "", env))
    return tuple(providers)
