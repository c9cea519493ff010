"""`multiroute check`: everything that a start would find wrong, without serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

if TYPE_CHECKING:
    from multiroute_core.router import MultiRoute

_EPILOG = examples(
    ("multiroute check", "the project file of this folder"),
    ("multiroute check --config staging.toml", "another one"),
    ("multiroute check && multiroute serve", "serve only what is sound"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(check)


def check(config: Config = None) -> None:
    """Check the project file and its plugins, without serving.

    Runs the code of a real start up to the point where it would listen; nothing is sent anywhere.
    Every mistake is printed at once as file:line, with what to do. Exit code 0: it can be served;
    2: it cannot.
    """
    from multiroute_core.cli.console import warn
    from multiroute_core.cli.session import load_router

    router = load_router(config)
    warn(router.warnings)
    _summarise(router)


def _summarise(router: MultiRoute) -> None:
    from multiroute_core.cli.console import out, table

    console = out()
    project = router.project
    file = project.file
    instances = table("instance", "plugin", "address", "credentials", "targets",
                      numbers=["targets"])  # fmt: skip
    for row in router.summary():
        instances.add_row(
            row.instance,
            row.plugin,
            row.base_url or "known at the start",
            str(len(row.credentials)) if row.credentials else "none needed",
            str(row.targets) if row.targets else "known at the start",
        )
    console.print(instances)
    if file.profiles:
        active = router.strategies
        without = f"{active[0]}, the only active one" if len(active) == 1 else "none: one attempt"
        profiles = table("profile", "candidates", "chosen by", "fallback")
        for name, profile in file.profiles.items():
            by: str = profile.order or "priority"
            if profile.score is not None:
                by = f"score of {', '.join(profile.score.use)}"
            mark = " (default)" if name == file.project.default else ""
            profiles.add_row(
                f"{name}{mark}",
                "\n".join(profile.candidates) or "by its split",
                by,
                profile.fallback.use if profile.fallback is not None else without,
            )
        console.print(profiles)
    keys = f"{len(file.keys)} keys" if len(file.keys) != 1 else "1 key"
    if not file.keys:
        keys = "no keys: serves on this machine only"
    where = str(project.path) if project.path is not None else "no project file"
    console.print(f"{where}: ok, {keys}", style="green")
