from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["contract", "local", "nearest", "schemes"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name):
    result = doctest.testmod(importlib.import_module(f"multiroute_core.plugins.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
