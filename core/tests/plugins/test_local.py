from __future__ import annotations

import sys
from pathlib import Path

from multiroute_core.api import PerCandidate
from multiroute_core.plugins.local import MODULE_PREFIX

SCORER = """
from dataclasses import dataclass
from multiroute_core.api import PerCandidate, hookimpl

@dataclass
class Flat(PerCandidate):
    value: float = VALUE
    def rate(self, candidate, features):
        return self.value

@hookimpl
def multiroute_make_scorer(name, settings):
    return Flat()
"""


def write(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_local_file_is_a_plugin_named_by_its_stem(site, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = write(tmp_path, "my_scorer.py", SCORER.replace("VALUE", "0.5"))
    kernel = site.load(local=[file])
    (active,) = kernel.active
    assert (active.kind, active.name, active.path) == ("scorer", "my_scorer", file)
    assert active.module.startswith(f"{MODULE_PREFIX}my_scorer_")
    scorer = kernel.make_scorer("my_scorer", None)
    assert isinstance(scorer, PerCandidate)
    assert not (tmp_path / "__pycache__").exists()


def test_a_local_file_is_of_every_kind_whose_factory_it_has(site, tmp_path):
    both = SCORER.replace("VALUE", "1.0") + (
        "\n@hookimpl\ndef multiroute_make_observer(name, settings):\n    return None\n"
    )
    kernel = site.load(local=[write(tmp_path, "both.py", both)])
    assert [(active.kind, active.name) for active in kernel.active] == [
        ("scorer", "both"),
        ("observer", "both"),
    ]


def test_a_reload_runs_the_file_as_it_stands_now(site, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = write(tmp_path, "mine.py", SCORER.replace("VALUE", "0.1"))
    old = site.load(local=[file]).make_scorer("mine", None)
    write(tmp_path, "mine.py", SCORER.replace("VALUE", "0.2"))  # same size, same second
    new = site.load(local=[file]).make_scorer("mine", None)
    assert (old.value, new.value) == (0.1, 0.2)


def test_a_reload_that_fails_leaves_the_running_module_in_place(site, tmp_path):
    file = write(tmp_path, "mine.py", SCORER.replace("VALUE", "0.1"))
    (active,) = site.load(local=[file]).active
    running = sys.modules[active.module]
    write(tmp_path, "mine.py", "raise SystemExit(0)")
    site.refuse(local=[file])
    assert sys.modules[active.module] is running


def test_a_local_package_folder_may_import_its_own_modules_and_state_facts(site, tmp_path):
    write(tmp_path, "mine/inner.py", "VALUE = 0.7\n")
    write(tmp_path, "mine/plugin.toml", "schema = 1\n[scorer.mine]\ntitle = 'Mine'\n")
    write(tmp_path, "mine/__init__.py", "from .inner import VALUE\n" + SCORER)
    kernel = site.load(local=[tmp_path / "mine"])
    assert kernel.make_scorer("mine", None).value == 0.7
    assert kernel.facts("scorer", "mine").title == "Mine"


def test_two_files_of_one_stem_are_a_taken_name(site, tmp_path):
    files = [
        write(tmp_path, f"{folder}/mine.py", SCORER.replace("VALUE", "1.0")) for folder in "ab"
    ]
    (problem,) = site.refuse(local=files)
    assert f"scorer 'mine' is claimed by {files[0]} and by {files[1]}" in problem


def test_a_local_file_may_not_take_the_name_of_an_active_plugin(site, tmp_path):
    site.add_scorer("cost")
    file = write(tmp_path, "cost.py", SCORER.replace("VALUE", "1.0"))
    (problem,) = site.refuse("cost", local=[file])
    assert f"claimed by multiroute-cost 1.0 and by {file}" in problem


def test_mistakes_of_local_files_are_told_with_file_and_line_all_at_once(site, tmp_path):
    missing = tmp_path / "missing.py"
    syntax = write(tmp_path, "syntax.py", "x = 1\nif x\n")
    raises = write(tmp_path, "raises.py", "import json\n\njson.loads('{')\n")
    quits = write(tmp_path, "quits.py", "raise SystemExit(0)\n")
    empty = write(tmp_path, "empty.py", "")
    text = write(tmp_path, "notes.txt", "")
    folder = tmp_path / "folder"
    folder.mkdir()
    problems = site.refuse(local=[missing, syntax, raises, quits, empty, text, folder])
    assert len(problems) == 7
    assert f"local plugin {missing} does not exist" in problems[0]
    assert "SyntaxError: expected ':'" in problems[1]
    assert f"(at {syntax}:2)" in problems[1]
    assert f"(at {raises}:3)" in problems[2]
    assert f"SystemExit: 0 (at {quits}:1)" in problems[3]
    assert "has no factory" in problems[4]
    assert "not a .py file" in problems[5]
    assert "folder without __init__.py" in problems[6]
    left = [name for name in sys.modules if name.startswith(f"{MODULE_PREFIX}quits")]
    assert left == []
