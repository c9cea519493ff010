"""`multiroute replay`: the same decision again, in an interpreter of its own."""

from __future__ import annotations

import json

import pytest

from multiroute_core.cli.commands.replay import first_difference


@pytest.fixture
def decision(project, run) -> str:
    """The id of a decision that was made."""
    return run("chat", "Hi").err.split()[-1]


def test_a_stored_decision_comes_out_identical(decision, run):
    done = run("replay", decision)
    assert (done.code, done.out.split(":")[0]) == (0, "identical")


@pytest.mark.parametrize("form", ["--record", "--json"])
def test_a_file_that_explain_printed_comes_out_identical(decision, folder, run, form):
    (folder / "d.json").write_text(run("explain", decision, form).out, encoding="utf-8")
    assert run("replay", "d.json").code == 0


def test_a_record_needs_no_store(decision, folder, run):
    (folder / "d.json").write_text(run("explain", decision, "--record").out, encoding="utf-8")
    for path in (folder / ".multiroute").iterdir():
        path.unlink()
    assert run("replay", "d.json").code == 0


def test_a_decision_that_was_not_sent_can_be_replayed_from_its_record(project, folder, run):
    record = run("explain", "-m", "balanced", "Hi", "--record").out
    (folder / "d.json").write_text(record, encoding="utf-8")
    assert run("replay", "d.json").code == 0
    canonical = run("explain", "-m", "balanced", "Hi", "--json").out
    (folder / "c.json").write_text(canonical, encoding="utf-8")
    done = run("replay", "c.json")
    assert done.code == 2
    assert "--record" in done.err


def test_what_was_tampered_with_is_named(decision, folder, run):
    document = json.loads(run("explain", decision, "--record").out)
    document["record"]["decision"]["plan"].reverse()
    document["record"]["decision"]["utilities"].reverse()
    (folder / "d.json").write_text(json.dumps(document), encoding="utf-8")
    done = run("replay", "d.json")
    assert done.code == 1
    assert done.out.startswith("differs")
    assert "recorded" in done.out


def test_a_view_that_is_not_the_one_cited_is_refused(decision, folder, run):
    document = json.loads(run("explain", decision, "--record").out)
    document["view"]["view"]["at_ms"] += 1
    (folder / "d.json").write_text(json.dumps(document), encoding="utf-8")
    done = run("replay", "d.json")
    assert done.code == 2
    assert "cites view" in done.err


def test_a_changed_project_is_refused_and_named(decision, project, run):
    text = project.read_text("utf-8")
    project.write_text(text.replace("retries_same = 0", "retries_same = 1"), encoding="utf-8")
    done = run("replay", decision)
    assert done.code == 2
    assert "project file changed" in done.err


_MOODY = """
import os
from multiroute_core.api import PerCandidate, hookimpl

class Moody(PerCandidate):
    def rate(self, candidate, features):
        return float(os.getpid() + len(candidate.target.id))

@hookimpl
def multiroute_make_scorer(name, settings):
    return Moody()
"""


def test_it_is_decided_in_a_fresh_interpreter(project, folder, run):
    (folder / "moody.py").write_text(_MOODY, encoding="utf-8")
    text = project.read_text("utf-8").replace('use = ["cost"]', 'use = ["moody"]')
    text = text.replace('"ladder"]', '"ladder"]\nlocal = ["moody.py"]', 1)
    project.write_text(text, encoding="utf-8")
    (folder / "d.json").write_text(
        run("explain", "-m", "balanced", "Hi", "--record").out, encoding="utf-8"
    )
    done = run("replay", "d.json")
    assert done.code == 1, "a scorer that looks at its process must be caught"
    assert "value" in done.out


@pytest.mark.parametrize("content", ['{"model": "x"}', "[]", "no json"])
def test_a_file_that_holds_no_decision_is_told(project, folder, run, content):
    (folder / "d.json").write_text(content, encoding="utf-8")
    done = run("replay", "d.json")
    assert done.code == 2
    assert "d.json" in done.err


def test_a_file_that_is_not_there_is_told(project, run):
    assert "no such file" in run("replay", "nowhere.json").err


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (b'{"a":1}', b'{"a":2}', "a: recorded 1, now 2"),
        (b'{"a":[1]}', b'{"a":[1,2]}', "a[1]: recorded nothing, now 2"),
        (b'{"a":{"b":null}}', b'{"a":{}}', "a.b: recorded null, now nothing"),
        (b'{"a":1}', b'{"a":true}', "a: recorded 1, now true"),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', "the same values, but written differently"),
    ],
)
def test_the_first_difference_is_told_by_its_place(before, after, told):
    assert first_difference(before, after) == told
