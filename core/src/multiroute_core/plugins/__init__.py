"""The plugin kernel: discover (importlib-metadata), load (stevedore), check and call (pluggy)."""

from __future__ import annotations

from multiroute_core.plugins.discovery import Conflict, Found, Inventory, discover
from multiroute_core.plugins.facts import PluginFacts, data_path, facts_of, facts_of_all
from multiroute_core.plugins.kernel import Active, Kernel
from multiroute_core.plugins.kinds import KINDS, CodeKind, Kind
from multiroute_core.plugins.lifecycle import Lifecycle
from multiroute_core.plugins.problems import PluginErrors, PluginProblem
from multiroute_core.plugins.protocols import check_conforms
from multiroute_core.plugins.schemes import MEMORY, store_name

__all__ = [
    "KINDS",
    "MEMORY",
    "Active",
    "CodeKind",
    "Conflict",
    "Found",
    "Inventory",
    "Kernel",
    "Kind",
    "Lifecycle",
    "PluginErrors",
    "PluginFacts",
    "PluginProblem",
    "check_conforms",
    "data_path",
    "discover",
    "facts_of",
    "facts_of_all",
    "store_name",
]
