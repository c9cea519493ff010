"""What the READMEs of core and of the default plugins tell to write can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from multiroute_core import MultiRoute
from multiroute_core.plugins import discover
from tests.workspace import distributions

_ROOT = Path(__file__).resolve().parents[2]
_STARTER = ["cost", "quality", "latency", "ladder", "sqlite", "sandbox", "catalog"]
_PROVIDERS = (
    "anthropic",
    "aws-bedrock",
    "azure-openai",
    "cohere",
    "google",
    "mistral",
    "ollama",
    "openai",
    "openai-compatible",
    "openrouter",
)
_READMES = {name: _ROOT / "plugins" / f"multiroute-{name}" / "README.md" for name in
            (*_STARTER, *_PROVIDERS)}  # fmt: skip
_each = pytest.mark.parametrize("name", _READMES)


def _text(name: str) -> str:
    return _READMES[name].read_text(encoding="utf-8")


@_each
def test_every_project_file_of_a_readme_passes_the_check_without_a_complaint(name, tmp_path):
    blocks = re.findall(r"^```toml\n(.*?)^```$", _text(name), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        file = tmp_path / "multiroute.toml"
        file.write_text(block, encoding="utf-8")
        names = re.findall(r'env = "(\w+)"', block)
        router = MultiRoute.from_project(file, environ=dict.fromkeys(names, "not-a-real-key"))
        said = [w for w in router.warnings if "no [keys]" not in w and "is a sandbox" not in w]
        assert said == []


@_each
def test_a_readme_tells_the_names_of_all_settings(name):
    from multiroute_core.plugins import Kernel

    found = [one for one in discover().found if one.name == name]
    for one in found:
        if one.kind == "catalog":
            continue
        kernel = Kernel.load(discover(), [name] if one.kind != "store" else [],
                             [name] if one.kind == "store" else [], [])  # fmt: skip
        model = kernel.settings_model(one.kind, name)
        assert model is not None
        missing = [key for key in model.model_fields if f"`{key}`" not in _text(name)]
        assert missing == []


def test_the_settings_are_listed_by_the_command_that_imports_the_plugin():
    for name in _READMES:
        text = _text(name)
        assert f"multiroute plugin show {name}" in text
        if name != "catalog":
            assert f"multiroute plugin show {name} --settings" in text


def test_install_lines_name_folders_that_are_there():
    for path in (*_READMES.values(), _ROOT / "README.md", _ROOT / "core" / "README.md"):
        for folder in re.findall(r"(?<=[\s`])\./([\w/-]+)", path.read_text(encoding="utf-8")):
            assert (_ROOT / folder / "pyproject.toml").is_file(), f"{path}: {folder}"


def test_the_starter_set_is_told_whole():
    text = (_ROOT / "plugins" / "multiroute-starter" / "README.md").read_text("utf-8")
    starter = next(d for d in distributions(_ROOT) if d.name == "multiroute-starter")
    names = {re.split(r"[<>=~]", line)[0] for line in starter.dependencies}
    assert {n.removeprefix("multiroute-") for n in names} - {"core"} == set(_STARTER)
    assert all(re.search(rf"\b{name}\b", text) for name in _STARTER)
