"""docs/reference/project-file.md says what the models say, and marks what does nothing yet."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from multiroute_core import MultiRoute
from multiroute_core.project import ProjectFile, not_yet_in_effect, project_from_data

_ROOT = Path(__file__).resolve().parents[2]


def _script() -> ModuleType:
    path = _ROOT / "docs" / "reference" / "project_file_page.py"
    spec = importlib.util.spec_from_file_location("project_file_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page = _script()
_TEXT = page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_models_say():
    _, mark, rest = _TEXT.partition(page.MARK)
    assert mark
    assert rest == page.generated(), "python docs/reference/project_file_page.py --write"


def _tables(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Every table that can stand in the file, at any depth."""
    found: set[type[BaseModel]] = {model}
    for field in model.model_fields.values():
        ahead = [field.annotation]
        while ahead:
            one = ahead.pop()
            if isinstance(one, type) and issubclass(one, BaseModel):
                found |= _tables(one) if one not in found else set()
            ahead += getattr(one, "__args__", ())
            ahead += [getattr(one, "__origin__", None)] if hasattr(one, "__metadata__") else []
    return found


def test_every_table_of_the_file_has_a_section():
    assert {section.model for section in page.SECTIONS} == _tables(ProjectFile)


def test_a_key_without_a_meaning_stops_the_page():
    section = page.SECTIONS[1]._replace(keys={"name": "…"})
    with pytest.raises(SystemExit, match="default, environment"):
        list(page.rows(section))


_EVERYTHING_IDLE = {
    "plugins": {"enable": ["acme"]},
    "providers": {"acme": {"quota": {"rpm": 1}}},
    "profiles": {
        "ruled": {
            "candidates": ["a/b"],
            "rules": [{"when": "input_tokens > 1", "profile": "other"}],
            "limits": {"on_break": "restart"},
        },
        "other": {"candidates": ["a/b"]},
        "arms": {"split": [{"model": "a/b", "weight": 1}]},
    },
    "keys": {
        "web": {
            "hash": "sha256:" + "0" * 64,
            "limits": {"rpm": 1},
            "budget": "growth",
            "overrides": ["only"],
        }
    },
    "budgets": {"growth": {"limit": {"usd": 1}}},
    "expect": [{"name": "x", "request": {"model": "other"}, "assert": {"profile": "other"}}],
}


def test_what_the_commands_warn_of_is_what_the_page_marks():
    told = not_yet_in_effect(project_from_data(_EVERYTHING_IDLE, _ROOT))
    nouns = set(ProjectFile.model_fields)
    paths = set()
    for problem in told:
        noun, *rest = (str(part) for part in problem.loc)
        assert noun in nouns
        paths.add(".".join([noun, *rest[1:]]))
    assert paths == page.NOT_YET
    marked = re.findall(r"^\| .*\*\*Not yet in effect\*\* \|$", _TEXT, re.MULTILINE)
    assert len(marked) == len(page.NOT_YET) - 2, "all but [budgets] and [[expect]], whole sections"
    head = _TEXT.partition(page.MARK)[0]
    assert all(path.rpartition(".")[2] in head for path in page.NOT_YET)


def test_the_smallest_file_of_the_page_passes_the_check(tmp_path: Path):
    (block,) = re.findall(r"^```toml\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)
    file = tmp_path / "multiroute.toml"
    file.write_text(block, encoding="utf-8")
    router = MultiRoute.from_project(file, environ={})
    assert [summary.instance for summary in router.summary()] == ["sandbox"]
