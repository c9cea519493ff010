"""Who may import what of ours: by folder, so that a plugin added tomorrow is held to it too."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.workspace import Distribution, distributions, imports_of, python_files

_ROOT = Path(__file__).resolve().parents[2]
_PLUGINS = [d for d in distributions(_ROOT) if not d.is_core and d.has_code]
_SURFACE = ("multiroute_core.api", "multiroute_core.wire")
_TESTING = "multiroute_core.testing"
_SERVES_THE_SCRIPTED_UPSTREAM = {"multiroute-sandbox"}


def _is_under(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _forbidden(folder: Path, allowed: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(_ROOT)}:{line}: {name}"
        for path in python_files(folder)
        for line, name in imports_of(path)
        if name.startswith("multiroute") and not _is_under(name, allowed)
    ]


@pytest.mark.parametrize("plugin", _PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_imports_nothing_of_ours_but_the_public_surface(plugin: Distribution):
    allowed = (plugin.package, *_SURFACE)
    if plugin.name in _SERVES_THE_SCRIPTED_UPSTREAM:
        allowed = (*allowed, _TESTING)
    found = _forbidden(plugin.folder / "src", allowed)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("plugin", _PLUGINS, ids=lambda plugin: plugin.name)
def test_the_tests_of_a_plugin_need_no_more_than_its_author_has(plugin: Distribution):
    allowed = (plugin.package, *_SURFACE, _TESTING, "multiroute_core.MultiRoute")
    found = _forbidden(plugin.folder / "tests", allowed)
    assert not found, "\n".join(found)


def test_core_imports_no_plugin():
    assert _forbidden(_ROOT / "core" / "src", ("multiroute_core",)) == []


def test_nothing_in_core_imports_its_test_kit_or_its_templates():
    core = _ROOT / "core" / "src" / "multiroute_core"
    outside = ("multiroute_core.testing", "multiroute_core.templates")
    found = [
        f"{path.relative_to(_ROOT)}:{line}: {name}"
        for path in python_files(core)
        for line, name in imports_of(path)
        if path.relative_to(core).parts[0] not in {"testing", "templates"}
        and _is_under(name, outside)
    ]
    assert not found, "\n".join(found)


def test_import_linter_and_mypy_know_every_package_of_ours():
    tools = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packages = {d.package for d in distributions(_ROOT) if d.has_code}
    assert set(tools["importlinter"]["root_packages"]) == packages | {"tests.fidelity"}
    alone = next(c for c in tools["importlinter"]["contracts"] if c["id"] == "plugins-stand-alone")
    assert set(alone["layers"][0].split(" | ")) == packages - {"multiroute_core"}
    checked = {path for pattern in tools["mypy"]["files"] for path in _ROOT.glob(pattern)}
    assert checked == {d.folder / "src" for d in distributions(_ROOT) if d.has_code}
