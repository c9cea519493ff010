"""`multiroute plugin`: what is installed, without importing it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a distribution with one scorer on the path of the processes that a test spawns."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))

    def put(name: str, scorer: str, requires: str, module: str = "raise SystemExit(7)\n") -> None:
        package = name.replace("-", "_")
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        lines = f"Requires-Dist: {requires}\n" if requires else ""
        metadata = _METADATA.format(name=name, version="1.0", requires=lines)
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        entry = f"[multiroute.scorers]\n{scorer} = {package}\n"
        (info / "entry_points.txt").write_text(entry, encoding="utf-8")
        (site / package).mkdir()
        (site / package / "__init__.py").write_text(module, encoding="utf-8")

    return put


def _rows(done) -> dict[tuple[str, str], dict]:
    return {(row["kind"], row["name"]): row for row in json.loads(done.out)}


def test_every_installed_plugin_is_listed_with_its_facts(folder, run):
    rows = _rows(run("plugin", "list", "--json"))
    assert {("provider", "sandbox"), ("scorer", "cost"), ("fallback", "ladder")} <= set(rows)
    sandbox = rows["provider", "sandbox"]
    assert sandbox["facts"]["fallback_only"] is True
    assert sandbox["problems"] == []
    assert sandbox["active"] is None, "there is no file that could activate it"


def test_the_project_file_says_what_is_active(project, run):
    rows = _rows(run("plugin", "list", "--json"))
    assert rows["provider", "sandbox"]["active"] is True
    assert rows["store", "sqlite"]["active"] is True, "by the scheme of the store's URL"
    assert rows["scorer", "quality"]["active"] is False
    table = run("plugin", "list").out
    assert "active" in table
    assert "installed" in table


def test_nothing_is_imported(project):
    source = (
        "import sys\n"
        "from multiroute_core.cli.main import main\n"
        "assert main(['plugin', 'list']) == 0\n"
        "assert main(['plugin', 'show', 'sandbox']) == 0\n"
        "ours = [n for n in sys.modules if n.startswith('multiroute_')]\n"
        "print([n for n in ours if n.split('.')[0] != 'multiroute_core'])\n"
    )
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_plugin_for_another_core_is_marked_and_says_why(install, spawn):
    install("acme-old", "acme", "multiroute-core>=9")
    row = _rows(spawn("plugin", "list", "--json"))["scorer", "acme"]
    assert ["needs multiroute-core>=9" in problem for problem in row["problems"]] == [True]
    done = spawn("plugin", "list")
    assert "cannot be used" in done.out
    assert "needs multiroute-core>=9" in done.err


def test_two_claims_on_one_name_are_marked_with_both_distributions(install, spawn):
    install("acme-one", "acme", "multiroute-core")
    install("acme-two", "acme", "multiroute-core")
    rows = [r for r in json.loads(spawn("plugin", "list", "--json").out) if r["name"] == "acme"]
    assert [row["distribution"] for row in rows] == ["acme-one", "acme-two"]
    for row in rows:
        assert "acme-one" in row["problems"][0]
        assert "acme-two" in row["problems"][0]


def test_a_plugin_that_breaks_at_import_is_only_imported_for_its_settings(install, spawn):
    install("acme-bad", "acme", "multiroute-core")
    assert spawn("plugin", "show", "acme").code == 0
    done = spawn("plugin", "show", "acme", "--settings")
    assert done.code == 2, "a SystemExit at import is not a clean end"
    assert "failed at import" in done.err


def test_one_kind_can_be_listed(folder, run):
    assert {kind for kind, _ in _rows(run("plugin", "list", "--kind", "scorer", "--json"))} == {
        "scorer"
    }
    done = run("plugin", "list", "--kind", "scroer")
    assert done.code == 2
    assert "scorer" in done.err


def test_settings_are_shown_with_their_defaults(folder, run):
    done = run("plugin", "show", "ladder", "--settings")
    assert done.code == 0
    row = next(line for line in done.out.splitlines() if "retries_same" in line)
    assert row.split()[:3] == ["retries_same", "1", "integer"]
    [document] = json.loads(run("plugin", "show", "ladder", "--settings", "--json").out)
    assert {"name": "retries_same", "default": "1", "type": "integer", "meaning": ""} in (
        document["settings"]["keys"]
    )


def test_an_unknown_name_is_answered_with_the_nearest(folder, run):
    done = run("plugin", "show", "laddr")
    assert done.code == 2
    assert "did you mean 'ladder'?" in done.err
