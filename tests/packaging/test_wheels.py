"""What is in the wheels, and what comes along when a user installs one."""

from __future__ import annotations

import os
import shutil
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import build_wheels, fresh_venv, run
from tests.workspace import distributions

pytestmark = pytest.mark.xdist_group("packaging")  # one worker: the wheels are built once

_ROOT = Path(__file__).resolve().parents[2]
_ALL = distributions(_ROOT)

_CORE_MAY_DEPEND_ON = {
    "httptools",
    "httpx",
    "importlib-metadata",
    "msgspec",
    "orjson",
    "packaging",
    "pluggy",
    "pydantic",
    "rich",
    "stevedore",
    "typer",
    "uvicorn",
    "uvloop",
}


def _metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def _requirements(wheel: Path) -> list[Requirement]:
    return [Requirement(line) for line in _metadata(wheel).get_all("Requires-Dist") or ()]


def _names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_folder_builds_the_distribution_that_it_is_named_for(wheels: dict[str, Path]):
    assert set(wheels) == {distribution.name for distribution in _ALL}


def test_core_depends_on_the_agreed_list_and_nothing_else(wheels: dict[str, Path]):
    requirements = _requirements(wheels["multiroute-core"])
    assert {canonicalize_name(r.name) for r in requirements} == _CORE_MAY_DEPEND_ON
    assert not [r for r in requirements if r.extras], "an extra brings unlisted packages"


def test_no_wheel_depends_on_the_foreign_distribution_called_multiroute(wheels: dict[str, Path]):
    named = {n: {canonicalize_name(r.name) for r in _requirements(w)} for n, w in wheels.items()}
    assert [name for name, required in named.items() if "multiroute" in required] == []


def test_no_wheel_asks_pip_to_fetch_by_url(wheels: dict[str, Path]):
    assert [n for n, w in wheels.items() if any(r.url for r in _requirements(w))] == []


@pytest.mark.parametrize("distribution", _ALL, ids=lambda distribution: distribution.name)
def test_a_wheel_holds_its_own_package_and_nothing_else(distribution, wheels: dict[str, Path]):
    names = _names(wheels[distribution.name])
    assert [name for name in names if name.endswith(".pth")] == []
    info = f"{distribution.package}-{_metadata(wheels[distribution.name])['Version']}.dist-info"
    packages = {distribution.package} if distribution.has_code else set()
    assert {name.split("/")[0] for name in names} == {info, *packages}
    sources = {
        path.relative_to(distribution.folder / "src").as_posix()
        for path in (distribution.folder / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if not name.startswith(info)} == sources


@pytest.mark.parametrize(
    "distribution", [d for d in _ALL if d.has_code], ids=lambda distribution: distribution.name
)
def test_a_wheel_carries_types_and_the_static_facts(distribution, wheels: dict[str, Path]):
    names = _names(wheels[distribution.name])
    assert f"{distribution.package}/py.typed" in names
    assert distribution.is_core or f"{distribution.package}/plugin.toml" in names


def test_two_builds_of_a_wheel_are_the_same_bytes(tmp_path: Path):
    wheels = []
    for number, umask in enumerate((0o022, 0o077)):
        copy = tmp_path / f"build-{number}" / "multiroute-openai"
        before = os.umask(umask)
        try:
            shutil.copytree(_ROOT / "plugins" / "multiroute-openai", copy)
            for path in copy.rglob("*"):
                os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
            wheels += build_wheels([copy], tmp_path / f"wheels-{number}")
        finally:
            os.umask(before)
    assert len(wheels) == 2
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not exist there")
def test_core_and_one_plugin_come_alone(wheels: dict[str, Path], tmp_path: Path):
    """Plain pip into a fresh environment; third-party packages come from the index."""
    environment = fresh_venv(tmp_path / "venv")
    bare = environment.installed()
    environment.install(wheels["multiroute-core"], wheels["multiroute-openai"], cwd=tmp_path)
    installed = {canonicalize_name(name) for name in environment.installed() - bare}
    assert {name for name in installed if name.startswith("multiroute")} == {
        "multiroute-core",
        "multiroute-openai",
    }
    assert installed >= _CORE_MAY_DEPEND_ON - bare
    assert not installed & {"openai", "anthropic", "pytest"}, "a development tool came along"
    run(environment.bin / "python", "-m", "pip", "check", cwd=tmp_path)
    assert "serve" in run(environment.bin / "multiroute", "--help", cwd=tmp_path)
