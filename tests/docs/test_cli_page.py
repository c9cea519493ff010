"""docs/reference/cli.md shows the commands as they are."""

from __future__ import annotations

import re

from multiroute_core.cli import main as entry
from tests.docs.cli_page import MARK, PAGE, commands, generated


def test_the_page_is_what_the_commands_say_of_themselves():
    _, mark, rest = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark
    assert rest == generated(), "python tests/docs/cli_page.py --write"


def test_the_head_names_every_command():
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    named = set(re.findall(r"`multiroute ([a-z]+)", head))
    assert named == {command[0] for command in commands()}


def test_the_head_tells_every_exit_code():
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", head, re.MULTILINE)}
    assert told == {0, entry.CALL_FAILED, entry.CONFIG_ERROR, entry.INTERRUPTED}
