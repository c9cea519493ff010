"""The overview by use case is generated, and the one that is checked in is current."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def tool(repo_root: Path) -> dict:
    return runpy.run_path(str(repo_root / "docs/tools/build_models_page.py"))


def test_the_checked_in_page_is_current(tool: dict) -> None:
    assert tool["main"](["--check"]) == 0, "run docs/tools/build_models_page.py"


def test_the_page_has_the_four_headings_in_order(repo_root: Path) -> None:
    page = (repo_root / "docs/models/index.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "General chat and assistants",
        "Reasoning and complex workflows",
        "Code and tooling",
        "Images and multimodal",
    ]


def test_every_section_says_how_many_models_have_no_data(repo_root: Path) -> None:
    page = (repo_root / "docs/models/index.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        bare = [row for row in rows if "(n=" not in row]
        assert f"{len(rows)} models, {len(bare)} of them without quality data." in section


def test_the_sandbox_is_not_listed_as_a_model(repo_root: Path) -> None:
    assert "sandbox/" not in (repo_root / "docs/models/index.md").read_text(encoding="utf-8")
