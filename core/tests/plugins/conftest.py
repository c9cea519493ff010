"""Distributions made on disk for one test: metadata, entry points and a package, nothing more."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from multiroute_core.plugins import Inventory, Kernel, PluginErrors, discover

CORE_RANGE = ("multiroute-core>=0.1,<0.2",)

SCORER = """
from multiroute_core.api import PerCandidate, hookimpl

class Flat(PerCandidate):
    def rate(self, candidate, features):
        return 1.0

@hookimpl
def multiroute_make_scorer(name, settings):
    return Flat()
"""


@dataclass
class Site:
    """A folder that plays site-packages."""

    path: Path

    def add(
        self,
        distribution: str,
        entry_points: Mapping[str, Mapping[str, str]],
        files: Mapping[str, str],
        *,
        requires: tuple[str, ...] = CORE_RANGE,
        version: str = "1.0",
    ) -> None:
        """Install a distribution; `files` are relative to the folder."""
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Requires-Dist: {line}" for line in requires]
        head = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}", *lines]
        (info / "METADATA").write_text("\n".join([*head, "", ""]))
        sections = (
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
            for group, names in entry_points.items()
        )
        (info / "entry_points.txt").write_text("\n".join(sections))
        for place, text in files.items():
            file = self.path / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text))
        importlib.invalidate_caches()

    def add_scorer(self, name: str, code: str = SCORER, **more: Any) -> None:
        """Install `multiroute-<name>` with one scorer."""
        package = f"multiroute_{name}"
        self.add(
            f"multiroute-{name}",
            {"multiroute.scorers": {name: package}},
            {f"{package}/__init__.py": code},
            **more,
        )

    def inventory(self) -> Inventory:
        """What is installed here."""
        return discover([str(self.path)])

    def load(self, *enable: str, **more: Any) -> Kernel:
        """A kernel over what is installed here."""
        return Kernel.load(self.inventory(), enable, **more)

    def refuse(self, *enable: str, **more: Any) -> list[str]:
        """The problems of a kernel that must not load."""
        with pytest.raises(PluginErrors) as caught:
            self.load(*enable, **more)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site folder on `sys.path`; what was imported from it is forgotten afterwards.

    Real plugins that other tests have imported step aside: a site may use their names.
    """
    made = Site(tmp_path / "site")
    made.path.mkdir()
    monkeypatch.syspath_prepend(str(made.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in list(sys.modules):
        if name.startswith("multiroute_") and name.partition(".")[0] != "multiroute_core":
            monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
