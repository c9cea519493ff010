"""Help teaches, and costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from multiroute_core import __version__

_COMMANDS = (
    (),
    ("init",),
    ("check",),
    ("serve",),
    ("chat",),
    ("models",),
    ("models", "show"),
    ("explain",),
    ("replay",),
    ("keys",),
    ("keys", "new"),
    ("plugin",),
    ("plugin", "list"),
    ("plugin", "show"),
    ("schema",),
)
_HEAVY = {
    "httpx",
    "importlib_metadata",
    "msgspec",
    "orjson",
    "pluggy",
    "pydantic",
    "rich",
    "stevedore",
    "uvicorn",
    "uvloop",
    "asyncio",
    "multiroute_core.api",
    "multiroute_core.plugins",
    "multiroute_core.project",
    "multiroute_core.router",
}


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_every_help_ends_with_examples_of_the_command(command, run):
    done = run(*command, "--help")
    assert done.code == 0
    _, mark, shown = done.out.partition("Examples:")
    assert mark
    assert any(" ".join(("multiroute", *command)) in line for line in shown.splitlines())


def test_the_list_above_holds_every_command():
    from typer.main import get_command

    from multiroute_core.cli.main import application

    def walk(command, path):
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*path, name))

    assert sorted(walk(get_command(application()), ())) == sorted(_COMMANDS)


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_every_line_of_help_is_in_words(command, run):
    shown = run(*command, "--help").out
    undocumented = [
        line for line in shown.splitlines() if line.startswith("  -") and not line.split("  ")[2:]
    ]
    assert undocumented == []


def _imported_by(*commands: tuple[str, ...]) -> set[str]:
    """Everything that the help of these commands imports, in a process of its own."""
    source = (
        "import json, sys\n"
        "from multiroute_core.cli.main import main\n"
        "codes = {main([*command, '--help']) for command in json.loads(sys.argv[1])}\n"
        "assert codes == {0}, codes\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_help_imports_nothing_heavy():
    assert _imported_by(()) & _HEAVY == set()


def test_the_help_of_commands_imports_nothing_of_ours_and_looks_for_no_plugin():
    modules = _imported_by(*_COMMANDS)
    # typer itself reads the parameters of a command through pydantic
    assert modules & (_HEAVY - {"pydantic"}) == set()
    ours = {name for name in modules if name.startswith("multiroute_")}
    assert {name for name in ours if not name.startswith("multiroute_core.cli")} == {
        "multiroute_core"
    }


def test_no_arguments_show_the_help(run):
    done = run()
    assert "Examples:" in done.out + done.err


def test_the_version_is_told(run):
    assert run("--version").out == f"multiroute {__version__}\n"


def test_an_unknown_command_is_a_mistake_of_the_command_line(run):
    done = run("chekc")
    assert done.code == 2
    assert "chekc" in done.err
