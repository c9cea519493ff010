"""The example of the design page loads; a copy of it never stands in this repository."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from multiroute_core.project import Project, load_project


@pytest.fixture
def page(shared: Path) -> str:
    file = shared / "design" / "project-file.md"
    if not file.is_file():
        pytest.skip(f"no design page at {file}")
    text = file.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    return text.replace('"sha256:6d1c5f0e…"', f'"sha256:{"6d1c5f0e" * 8}"')


@pytest.fixture
def project(page: str, write: Callable[..., Path]) -> Project:
    return load_project(write(page))


def test_the_example_loads_and_only_what_comes_later_is_a_warning(project: Project):
    assert {problem.severity for problem in project.warnings} == {"warning"}
    assert len(project.warnings) == 9
    assert all("not yet in effect" in problem.message for problem in project.warnings)


def test_the_examples_values_arrive(project: Project):
    file = project.file
    assert len(file.providers["openai"].api_keys) == 2
    assert file.plugin_of("azure-eu") == "azure-openai"
    assert str(file.models["alibaba/qwen3-30b-a3b"].serve[0]) == "box:qwen3:30b"
    assert file.models["alibaba/qwen3-30b-a3b"].price.rates == {"input": 0, "output": 0}
    assert file.models["alibaba/qwen3-30b-a3b"].capabilities.flags == {
        "tools": True,
        "vision": False,
    }
    assert file.models["alibaba/qwen3-30b-a3b"].capabilities.context == 32768
    balanced, private = file.profiles["balanced"], file.profiles["private"]
    assert balanced.limits.spend == Decimal("0.05")
    assert balanced.limits.timeouts.first_content == 8.0
    assert private.candidates == balanced.candidates
    assert private.targets.only_tags == ("zdr",)
    assert file.profiles["cheap-first"].fallback is not None
    assert file.profiles["cheap-first"].fallback.options["max"] == 1
    assert file.keys["web"].overrides == ("order", "max_price")
    assert file.stores.ledger.scheme == "sqlite"


def test_each_value_of_the_example_is_found_on_its_line(project: Project, page: str):
    lines = page.splitlines()
    for loc in project.locator.marks:
        written = project.locator.written(loc)
        key = next((part for part in reversed(written) if isinstance(part, str)), None)
        if key is not None:
            line = project.locator.line(loc)
            assert line is not None
            assert key in lines[line - 1]
