"""The pyproject.toml files, the lock file and every install line agree with one another."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.workspace import distributions

_ROOT = Path(__file__).resolve().parents[2]
_ALL = distributions(_ROOT)
_CORE, *_PLUGINS = _ALL
_GROUPS = {
    f"multiroute.{kind}"
    for kind in (
        "catalogs",
        "extensions",
        "fallbacks",
        "guards",
        "observers",
        "providers",
        "scorers",
        "stores",
    )
}
_LOCK = _ROOT / "requirements.lock.txt"


def _core_version() -> str:
    text = (_CORE.package_folder / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found, "core's version stands in multiroute_core/__init__.py"
    return found.group(1)


@pytest.mark.parametrize("plugin", _PLUGINS, ids=lambda plugin: plugin.name)
def test_a_distribution_is_named_like_its_folder_and_keeps_its_papers(plugin):
    assert plugin.name == plugin.folder.name
    assert re.fullmatch(r"multiroute-[a-z0-9]+(-[a-z0-9]+)*", plugin.name)
    assert (plugin.folder / "README.md").is_file()


def test_only_the_starter_set_is_without_code():
    assert {d.name for d in _ALL if not d.has_code} == {"multiroute-starter"}


@pytest.mark.parametrize("plugin", _PLUGINS, ids=lambda plugin: plugin.name)
def test_an_entry_point_names_the_package_in_a_group_that_exists(plugin):
    assert {group for group, _, _ in plugin.entry_points} <= _GROUPS
    assert {value for _, _, value in plugin.entry_points} == (
        {plugin.package} if plugin.has_code else set()
    )


@pytest.mark.parametrize("plugin", _PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_declares_the_contract_range_of_this_core(plugin):
    requirements = {r.name: r for r in map(Requirement, plugin.dependencies)}
    contract = requirements["multiroute-core"].specifier
    assert contract.contains(_core_version(), prereleases=True)
    assert not contract.contains("1.0"), "a plugin promises nothing about the next contract"
    ours = {canonicalize_name(name) for name in requirements if "multiroute" in name}
    assert ours <= {distribution.name for distribution in _ALL}
    assert not plugin.has_code or ours == {"multiroute-core"}


def test_no_two_distributions_claim_one_name_in_a_group():
    claims = [(group, name) for plugin in _PLUGINS for group, name, _ in plugin.entry_points]
    assert len(claims) == len(set(claims))


def test_all_distributions_of_a_release_carry_one_version():
    versions = {
        tomllib.loads((d.folder / "pyproject.toml").read_text("utf-8"))["project"].get("version")
        for d in _PLUGINS
    }
    assert versions == {_core_version()}


def test_the_starter_set_lists_paths_of_exactly_what_the_starter_distribution_needs():
    lines = (_ROOT / "starter.txt").read_text(encoding="utf-8").splitlines()
    paths = [line for line in lines if line and not line.startswith("#")]
    assert all(line.startswith("./") for line in paths), "an index would be asked for a name"
    listed = {d.name for d in _ALL if f"./{d.folder.relative_to(_ROOT).as_posix()}" in paths}
    assert len(listed) == len(paths)
    starter = next(d for d in _ALL if d.name == "multiroute-starter")
    assert listed == {starter.name, *(Requirement(line).name for line in starter.dependencies)}


# ---- the lock file


def _locked() -> dict[str, str]:
    """Canonical name → its block of lines."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", _LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(block.split("==")[0]): block for block in blocks if block.strip()}


def test_the_lock_names_no_index_and_no_path():
    text = _LOCK.read_text(encoding="utf-8")
    assert not re.search(r"://|--index-url|--find-links|--trusted-host|file:|^[./-]", text, re.M)


def test_everything_in_the_lock_is_pinned_with_a_hash():
    assert all("==" in block and "--hash=sha256:" in block for block in _locked().values())


def test_the_lock_holds_all_that_our_distributions_and_the_checks_need():
    tools = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["dev"]
    lines = [*tools, *(line for distribution in _ALL for line in distribution.dependencies)]
    needed = {canonicalize_name(Requirement(line).name) for line in lines}
    assert {n for n in needed if not n.startswith("multiroute")} - set(_locked()) == set()


# ---- what people are told to type


def _install_lines() -> Iterator[tuple[str, str]]:
    """(file:line, what follows `pip install` or the like) in every text of the repository."""
    command = re.compile(
        r"\b(?:pip[x3]?|uv|poetry|pdm|conda)\s+(?:pip\s+|tool\s+)?(?:install|add)\b(.*)"
    )
    for path in sorted(_ROOT.rglob("*")):
        inside = path.relative_to(_ROOT).parts
        if inside[0].startswith(".") or inside[0] == "dist" or "__pycache__" in inside:
            continue
        if path.suffix not in {".md", ".txt", ".toml", ".py", ".html"} or "tests" in inside:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in command.finditer(line):
                yield f"{path.relative_to(_ROOT)}:{number}", match.group(1)


def _bare_names(arguments: str) -> list[str]:
    """Words that pip would look up on an index and that are ours, or would be taken for ours."""
    command = re.split(r"[`;|&#→]", arguments, maxsplit=1)[0]
    words = [word.strip("'\",.:()") for word in command.split()]
    names = [re.split(r"[\[<>=!~@]", word)[0] for word in words if not word.endswith(".whl")]
    return [name for name in names if re.match(r"multiroute([-_.][\w.-]+)?$", name, re.I)]


def test_nobody_is_told_to_install_one_of_our_names_from_an_index():
    told = [
        f"{where}: {name}"
        for where, arguments in _install_lines()
        for name in _bare_names(arguments)
    ]
    assert told == []


@pytest.mark.parametrize(
    "line",
    [" multiroute", " 'multiroute[all]>=1'", " MultiRoute-core", " -U multiroute_openai==0.1`"],
)
def test_a_bare_name_in_an_install_line_is_noticed(line: str):
    assert _bare_names(line)


@pytest.mark.parametrize(
    "line",
    [" ./core ./plugins/multiroute-openai", " -r starter.txt`, then `multiroute init`", " dist/*"],
)
def test_a_path_in_an_install_line_is_fine(line: str):
    assert not _bare_names(line)


def test_no_requirement_of_any_file_is_called_plain_multiroute():
    files = [*_ROOT.glob("*.txt"), *_ROOT.glob("plugins/*/*.txt"), *_ROOT.glob("docs/**/*.txt")]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    lines += [line for distribution in _ALL for line in distribution.dependencies]
    names = {re.split(r"[\[<>=!~@;\s]", line, maxsplit=1)[0] for line in lines}
    assert "multiroute" not in {canonicalize_name(name) for name in names}
