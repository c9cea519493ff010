"""What the package promises to plugin authors: names, documentation, and little else of ours."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from multiroute_core import testing

MODULES = sorted(module.name for module in pkgutil.iter_modules(testing.__path__))


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(testing, name)
    if isinstance(value, type) or callable(value):
        assert (value.__doc__ or "").strip()


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_the_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"{testing.__name__}.{module}"))
    assert result.failed == 0


def test_importing_the_package_loads_nothing_of_the_router_but_its_types() -> None:
    code = (
        "import sys; before = set(sys.modules); import multiroute_core.testing; "
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {
        name.split(".")[1] for name in run.stdout.split() if name.startswith("multiroute_core.")
    }
    assert "testing" in loaded
    assert loaded <= {"testing", "api"}
