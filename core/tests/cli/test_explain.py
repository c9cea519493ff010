"""`multiroute explain`: why a request goes where it goes."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def decision(project, run) -> str:
    """The id of a decision that was made for a call whose first candidate failed."""
    return run("chat", "Hi", "-m", "fragile").err.split()[-1]


def test_a_prompt_that_is_not_sent_is_explained(project, run):
    done = run("explain", "--model", "balanced", "Hi there")
    assert done.code == 0
    row = next(line for line in done.out.splitlines() if "sandbox:strong" in line)
    assert row.split()[0] in "12"
    assert "$0" in row
    assert "order by score" in done.out
    assert "plan: sandbox:" in done.out
    assert "attempt" not in done.out


def test_a_request_in_a_file_is_explained(project, folder, run, spawn):
    request = {
        "model": "sandbox:strong",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    done = run("explain", "request.json")
    assert done.code == 0
    assert "needs tools" in done.out
    assert spawn("explain", "-", text=json.dumps(request)).code == 0


def test_a_removed_candidate_says_what_removed_it(project, folder, run):
    body = {"model": "fragile", "messages": [{"role": "user", "content": "word " * 200_000}]}
    (folder / "long.json").write_text(json.dumps(body), encoding="utf-8")
    done = run("explain", "long.json")
    assert done.code == 0
    assert "removed by" in done.out


def test_a_decision_that_was_made_is_shown_with_its_attempts(decision, run):
    done = run("explain", decision)
    assert done.code == 0
    failed, answered = (
        line.split() for line in done.out.splitlines() if line.split()[:1] in (["1"], ["2"])
        and ("overloaded" in line or " ok " in line)
    )  # fmt: skip
    assert failed[1:4] == ["sandbox:flaky", "overloaded", "503"]
    assert answered[1:4] == ["sandbox:echo", "ok", "200"]
    assert "answered by sandbox:echo" in done.out


def test_the_canonical_record_is_one_byte_form_of_integers(decision, run):
    first, second = (run("explain", decision, "--json").out for _ in range(2))
    assert first == second

    def numbers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from numbers(item)
        elif not isinstance(value, bool | str | None):
            yield value

    assert all(type(number) is int for number in numbers(json.loads(first)))


def test_a_record_in_a_file_is_explained_again(decision, folder, run):
    (folder / "d.json").write_text(run("explain", decision, "--record").out, encoding="utf-8")
    assert run("explain", "d.json", "--json").out == run("explain", decision, "--json").out


def test_a_canonical_record_is_no_request(decision, folder, run):
    (folder / "c.json").write_text(run("explain", decision, "--json").out, encoding="utf-8")
    done = run("explain", "c.json")
    assert done.code == 2
    assert decision in done.err


def test_an_id_that_is_not_stored_is_told(project, run):
    done = run("explain", "d000")
    assert done.code == 1
    assert "no stored decision 'd000'" in done.err


def test_with_a_store_in_memory_it_says_why_nothing_is_found(project, run):
    text = project.read_text("utf-8").replace("sqlite:///.multiroute/state.db", "memory:")
    project.write_text(text, encoding="utf-8")
    done = run("explain", "d000")
    assert done.code == 1
    assert "every process has for itself" in done.err


@pytest.mark.parametrize("what", ["nowhere.json", "a/b"])
def test_a_file_that_is_not_there_is_told(project, run, what):
    done = run("explain", what)
    assert done.code == 2
    assert "no such file" in done.err


def test_a_prompt_without_a_model_is_told_how(project, run):
    done = run("explain", "what is this")
    assert done.code == 2
    assert "--model" in done.err


def test_a_model_that_is_not_there_is_answered_with_the_nearest(project, run):
    done = run("explain", "-m", "balancd", "Hi")
    assert done.code == 1
    assert "balanced" in done.err


@pytest.mark.parametrize("body", ["", "[]", "{", '{"model": "balanced"}'])
def test_a_file_that_is_no_request_is_told(project, folder, run, body):
    (folder / "r.json").write_text(body, encoding="utf-8")
    done = run("explain", "r.json")
    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert done.err
