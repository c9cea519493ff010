"""`multiroute plugin`: what is installed, told from its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import AsJson, Config

if TYPE_CHECKING:
    from multiroute_core.cli.plugin_rows import PluginRow
    from multiroute_core.cli.plugin_settings import PluginSettings

_LIST = examples(
    ("multiroute plugin list", "every installed plugin, and what is wrong with it"),
    ("multiroute plugin list --kind scorer", "one kind"),
    ("multiroute plugin list --json", "for programs"),
)
_SHOW = examples(
    ("multiroute plugin show cost", "everything that it states about itself"),
    ("multiroute plugin show cost --settings", "its settings too; this imports the plugin"),
    ("multiroute plugin show cost --json", "for programs"),
)


def register(app: typer.Typer) -> None:
    """Adds the group."""
    plugin = typer.Typer(
        help="Look at installed plugins, without importing them.",
        epilog=examples(
            ("multiroute plugin list", "what is installed"),
            ("multiroute plugin show cost", "one of them"),
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    plugin.callback()(_group)
    plugin.command("list", epilog=_LIST)(list_plugins)
    plugin.command("show", epilog=_SHOW)(show_plugin)
    app.add_typer(plugin, name="plugin")


def _group() -> None:
    """Look at installed plugins, without importing them."""


def list_plugins(
    kind: Annotated[
        str | None, typer.Option("--kind", "-k", metavar="KIND", help="Only this kind.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the installed plugins with their state.

    Installed is not active: a plugin runs only if the project file's `[plugins] enable` (or the
    scheme of a store's URL) names it. Nothing is imported; what is shown stands in the metadata of
    the distributions and in their plugin.toml. Conflicts and plugins for another core are marked.
    """
    from multiroute_core.cli.console import err, out, print_json, table
    from multiroute_core.cli.plugin_rows import plugin_rows

    _check_kind(kind)
    rows = [row for row in plugin_rows(config) if kind in (None, row.kind)]
    if as_json:
        print_json([row.document() for row in rows])
        return
    shown = table("kind", "name", "state", "distribution", "what it is")
    for row in rows:
        style = "red" if row.problems else "green" if row.active else ""
        what = row.facts.get("title") or row.facts.get("description") or ""
        state = "cannot be used" if row.problems else row.state
        shown.add_row(row.kind, row.name, state, f"{row.distribution} {row.version}", what,
                      style=style)  # fmt: skip
    console = out()
    console.print(shown)
    if not rows:
        console.print("No plugin is installed. From a checkout: pip install -r starter.txt")
    for problem in dict.fromkeys(problem for row in rows for problem in row.problems):
        err().print(problem, style="red", soft_wrap=True)


def _check_kind(kind: str | None) -> None:
    if kind is None:
        return
    from multiroute_core.plugins import KINDS

    if kind not in KINDS:
        raise typer.BadParameter(f"there is no kind {kind!r}; kinds: {', '.join(KINDS)}",
                                 param_hint="--kind")  # fmt: skip


def show_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A plugin's name.")],
    settings: Annotated[
        bool,
        typer.Option("--settings", help="List its settings and their defaults; this imports it."),
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what one plugin states about itself.

    Its facts stand in plugin.toml: addresses that its credential may go to, environment names that
    it reads, API formats. They are read as a file; the plugin is imported only with --settings.
    """
    from multiroute_core.cli.console import print_json
    from multiroute_core.cli.plugin_rows import plugin_rows
    from multiroute_core.cli.plugin_settings import settings_of

    rows = plugin_rows(config)
    chosen = [row for row in rows if row.name == name]
    if not chosen:
        raise _unknown(name, rows)
    described = [settings_of(row) if settings else None for row in chosen]
    if as_json:
        documents = [
            row.document() | ({} if found is None else {"settings": found.document()})
            for row, found in zip(chosen, described, strict=True)
        ]
        print_json(documents)
        return
    for row, found in zip(chosen, described, strict=True):
        _print(row, found)


def _unknown(name: str, rows: list[PluginRow]) -> Exception:
    from multiroute_core.api import ConfigError
    from multiroute_core.project import did_you_mean

    hint = did_you_mean(name, {row.name for row in rows})
    said = f"no installed plugin is called '{name}'"
    return ConfigError(f"{said} ({hint or '`multiroute plugin list` shows what is installed'})")


def _print(row: PluginRow, settings: PluginSettings | None) -> None:
    from multiroute_core.cli.console import out, table

    console = out()
    console.print(f"{row.kind} {row.name}", style="bold")
    facts = {
        "distribution": f"{row.distribution} {row.version}",
        "module": row.module,
        "works with core": row.contract or "not stated",
        "state": row.state,
        **row.facts,
    }
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        console.print(f"  {key:{width}}  {text}", soft_wrap=True)
    if settings is None:
        if row.kind != "catalog":
            console.print(f"  its settings: multiroute plugin show {row.name} --settings",
                          style="dim")  # fmt: skip
    elif not settings.rows:
        console.print("  takes no settings")
    else:
        shown = table("setting", "default", "type", "meaning")
        for one in settings.rows:
            shown.add_row(one.name, one.default, one.type, one.meaning)
        console.print(shown)
        console.print(settings.about, soft_wrap=True)
    console.print()

