"""Examples in docstrings are run, so that they stay true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.workspace import distributions, python_files

_ROOT = Path(__file__).resolve().parents[2]


def _with_examples() -> list[str]:
    """Dotted names of our modules whose source holds an example."""
    return [
        ".".join(path.relative_to(distribution.folder / "src").with_suffix("").parts)
        .removesuffix(".__init__")
        for distribution in distributions(_ROOT)
        for path in python_files(distribution.folder / "src")
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("module", _with_examples())
def test_the_examples_of_a_module_give_what_they_say(module: str):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert not result.failed, "see the captured output"
