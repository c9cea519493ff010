"""The README's first lines are what a newcomer types: they must be true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from multiroute_core import __version__
from tests.docs.cli_page import commands

_ROOT = Path(__file__).resolve().parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)


def test_it_opens_with_the_two_commands_of_a_fresh_machine():
    first = [line.split("#")[0].strip() for line in _BLOCKS[0][1].splitlines()]
    assert first == ["make demo", "make test"]
    targets = set(re.findall(r"^(\w+):", (_ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"demo", "test", "wheels"} <= targets


def test_then_comes_the_way_with_plain_pip_from_paths():
    assert _BLOCKS[1][1] == "pip install -r starter.txt ./plugins/multiroute-openai\n"
    assert (_ROOT / "starter.txt").is_file()
    assert (_ROOT / "plugins" / "multiroute-openai" / "pyproject.toml").is_file()
    order = [_README.index(text) for text in (
        "make demo", "make test", "pip install", "multiroute init", "multiroute serve", "curl ",
    )]  # fmt: skip
    assert order == sorted(order)


def test_its_python_is_python():
    sources = [body for kind, body in _BLOCKS if kind == "python"]
    assert len(sources) == 2
    for source in sources:
        ast.parse(source)


def test_every_command_is_named_and_no_other():
    listed = re.search(r"^## Commands\n(.*?)^## ", _README, re.MULTILINE | re.DOTALL)
    assert listed
    names = re.findall(r"`(?:multiroute )?([a-z]+(?: [a-z]+)?)`", listed[1].partition(":")[0])
    leaves = {" ".join(c) for c in commands()} - {"keys", "plugin", "models show"}
    assert set(names) == leaves


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", _README)
    assert links
    assert [link for link in links if not (_ROOT / link).exists()] == []


def test_the_changelog_has_this_version():
    text = (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b", text, re.MULTILINE)
