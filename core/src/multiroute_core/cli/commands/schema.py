"""`multiroute schema`: what may stand in the project file, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

if TYPE_CHECKING:
    from multiroute_core.plugins import Kernel

_EPILOG = examples(
    ("multiroute schema > multiroute.schema.json", "for an editor that knows JSON Schema"),
    ("multiroute schema --config staging.toml", "with the plugins that this file activates"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(schema)


def schema(config: Config = None) -> None:
    """Print the JSON Schema of the project file.

    It holds core's tables and the settings of the plugins that the file activates; without a file,
    core's alone. An editor that reads it completes and checks multiroute.toml as you type.
    """
    from multiroute_core.cli.console import print_json
    from multiroute_core.project import find_project_file, project_schema

    path = config or find_project_file(Path())
    print_json(project_schema({} if path is None else _settings(path)))


def _settings(path: Path) -> dict[str, Any]:
    """The settings schemas of the active plugins by `kinds:name`."""
    schemas: dict[str, Any] = {}
    kernel = load_kernel(path)
    for active in kernel.active:
        if active.kind == "catalog":
            continue
        model = kernel.settings_model(active.kind, active.name)
        if model is not None:
            schemas[f"{active.kind}s:{active.name}"] = model.model_json_schema()
    return schemas


def load_kernel(path: Path) -> Kernel:
    """The plugins that a project file activates, imported and checked.

    A mistake elsewhere in the file is no obstacle: the schema helps to mend it.

    Raises:
        ConfigError: the file is not TOML, or a plugin cannot be used.
    """
    from multiroute_core.plugins import Kernel, discover, store_name
    from multiroute_core.project import ProjectError, inspect_project

    inspection = inspect_project(path)
    project = inspection.project
    if project is None:
        raise ProjectError(inspection.errors)
    plugins, stores = project.file.plugins, project.file.stores
    return Kernel.load(
        discover(),
        enable=plugins.enable,
        stores=[store_name(stores.ledger.url)],
        local=[project.folder / name for name in plugins.local],
    )
