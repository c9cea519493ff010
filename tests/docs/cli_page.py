"""docs/reference/cli.md: its head is written by hand, the rest is the commands' own help.

    python tests/docs/cli_page.py --write     after a change of a command or its help
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
MARK = "<!-- from here on the commands' own help: python tests/docs/cli_page.py --write -->\n"


def commands() -> Iterator[tuple[str, ...]]:
    """Every command and group, in the order of the help, without the top."""
    from typer.main import get_command

    from multiroute_core.cli.main import application

    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield (*path, name)
            yield from walk(inner, (*path, name))

    yield from walk(get_command(application()), ())


def help_of(command: tuple[str, ...]) -> str:
    """What `multiroute <command> --help` prints, 80 columns wide."""
    from multiroute_core.cli.main import main

    printed = io.StringIO()
    wide = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    with mock.patch.dict(os.environ, wide), contextlib.redirect_stdout(printed):
        assert main([*command, "--help"]) == 0
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()).strip() + "\n"


def generated() -> str:
    """The part of the page below the mark."""
    sections = [
        f"\n## multiroute {' '.join(command)}\n```text\n{help_of(command)}```\n"
        for command in commands()
    ]
    return "".join(sections)


def main() -> int:
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    if "--write" not in sys.argv or not mark:
        print(__doc__)
        return 2
    PAGE.write_text(head + mark + generated(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
