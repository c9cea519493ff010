"""The oracle shares nothing with what it judges: it imports the standard library, and itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).with_name("oracle")
_ALONE = [*sorted(_FOLDER.glob("*.py")), Path(__file__).with_name("fault_rules.py")]


@pytest.mark.parametrize("path", _ALONE, ids=lambda path: path.stem)
def test_an_extractor_imports_only_the_standard_library(path):
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level == 1 and path.parent == _FOLDER:
                continue
            names = ["." * node.level + (node.module or "")]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = ["__import__"] if node.func.id == "__import__" else []
        else:
            continue
        wrong += [name for name in names if name.split(".")[0] not in sys.stdlib_module_names]
    assert not wrong
    assert "importlib" not in path.read_text(encoding="utf-8")
