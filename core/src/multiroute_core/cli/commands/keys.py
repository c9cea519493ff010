"""`multiroute keys`: who may call the gateway."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import AsJson, Config

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")

_EPILOG = examples(
    ("multiroute keys new web", "a key, and the lines for the project file"),
    ("multiroute keys new ci --profile cheap", "one that may use this profile only"),
    ("multiroute keys new web --json", "for a script that stores the secret"),
)


def register(app: typer.Typer) -> None:
    """Adds the group."""
    keys = typer.Typer(
        help="Make keys for callers of the gateway.",
        epilog=examples(("multiroute keys new web", "a key for the caller 'web'")),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    keys.callback()(_group)
    keys.command("new", epilog=_EPILOG)(new)
    app.add_typer(keys, name="keys")


def _group() -> None:
    """Make keys for callers of the gateway."""


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will call with this key.")],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile", "-p", metavar="PROFILE", help="Allow this profile only; may be repeated."
        ),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key: the secret is printed once, the project file gets its hash only.

    Nothing is written: paste the lines into the project file. The gateway takes the secret as
    `Authorization: Bearer …`, `x-api-key` or `api-key`.
    """
    from multiroute_core.project import new_key

    if not _NAME.match(name):
        raise typer.BadParameter(
            f"{name!r} is not a valid name: letters, digits, '-', '_' and '.'", param_hint="NAME"
        )
    _refuse_taken(name, config)
    secret, digest = new_key()
    header = f"[keys.{name}]" if "." not in name else f'[keys."{name}"]'
    lines = [header, f'hash     = "{digest}"']
    if profile:
        quoted = ", ".join(f'"{one}"' for one in profile)
        lines.append(f"profiles = [{quoted}]")
    if as_json:
        from multiroute_core.cli.console import print_json

        print_json({"name": name, "secret": secret, "hash": digest, "toml": "\n".join(lines)})
        return
    print("The secret, shown this once; hand it to the caller:\n")
    print(f"    {secret}\n")
    print("The lines for the project file:\n")
    for line in lines:
        print(f"    {line}")


def _refuse_taken(name: str, config: Config) -> None:
    """A key of that name which is there already would be replaced by who pastes the lines."""
    from pathlib import Path

    from multiroute_core.project import find_project_file, inspect_project

    path = config or find_project_file(Path())
    if path is None:
        return
    project = inspect_project(path).project
    if project is not None and name in project.file.keys:
        where = project.where(("keys", name))
        raise typer.BadParameter(
            f"there is a key of that name already ({where}): choose another name, "
            f"or remove that table first",
            param_hint="NAME",
        )
