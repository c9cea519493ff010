"""`multiroute init`: a first project file from what is found here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multiroute_core.cli.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multiroute_core.cli.detection import FoundProvider

_EPILOG = examples(
    ("multiroute init", "write multiroute.toml into this folder"),
    ("multiroute init --stdout", "look at it first"),
    ("multiroute init --force", "write over the one that is there"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(init)


def init(
    path: Annotated[
        Path, typer.Option("--path", metavar="FILE", help="Where to write it.")
    ] = Path("multiroute.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print it instead of writing a file.")
    ] = False,
) -> None:
    """Write a commented project file from what is found here.

    Looks at the installed plugins, at the environment variables that they name, and for local
    servers at their loopback addresses. No secret is read into the file: it names the variables.
    """
    from multiroute_core.cli.detection import find_providers
    from multiroute_core.cli.starter_file import starter_file
    from multiroute_core.plugins import discover

    if not stdout:
        _refuse_existing(path, force=force)
    inventory = discover()
    providers = find_providers(inventory, os.environ)
    text = starter_file(path.resolve().parent.name or "default", inventory, providers)
    if stdout:
        sys.stdout.write(text)
        return
    _write(path, text, force=force)
    _report(path, providers)


def _refuse_existing(path: Path, *, force: bool) -> None:
    from multiroute_core.api import ConfigError
    from multiroute_core.project import find_project_file

    if path.exists() and not force:
        raise ConfigError(f"{path}: is there already (--force writes over it, --stdout only shows)")
    other = find_project_file(path.parent) if not path.exists() else None
    if other is not None and other.name != path.name and path.name == "multiroute.toml":
        raise ConfigError(
            f"{other}: [tool.multiroute] holds the project already "
            f"(remove it first: two project files in one folder are refused)"
        )


def _write(path: Path, text: str, *, force: bool) -> None:
    from multiroute_core.api import ConfigError

    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written: {exc.strerror or exc}") from exc


def _report(path: Path, providers: Sequence[FoundProvider]) -> None:
    usable = [one for one in providers if one.why]
    for one in usable:
        print(f"found {one.title}: {one.why}")
    if not usable:
        stand_in = next((one for one in providers if one.facts.fallback_only), None)
        if stand_in is not None:
            print(f"found no provider's credential; {stand_in.title} stands in, scripted answers")
        names = sorted({env for one in providers for env in one.facts.env[:1]})
        if names:
            print(f"set one of these and run it again with --force: {', '.join(names)}")
        elif stand_in is None:
            print("no provider plugin is installed: from a checkout, pip install ./plugins/…")
    print(f"wrote {path}")
    print("next: multiroute check, then multiroute serve")
