"""The router that a command works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiroute_core.api import Principal
    from multiroute_core.router import MultiRoute

OPERATOR = "command-line"
"""The name under which calls of the command line are recorded, where a key's name would stand."""


def load_router(config: Path | None) -> MultiRoute:
    """The router of a project file, or of the folder. Loads and checks; starts nothing.

    Raises:
        ConfigError: it cannot be used.
    """
    from multiroute_core.router import MultiRoute

    return MultiRoute.from_project(config)


def operator(router: MultiRoute) -> Principal:
    """Whoever can run commands here may use everything that is configured."""
    from multiroute_core.api import Principal

    return Principal(key=OPERATOR, project=router.project.file.project.name)
