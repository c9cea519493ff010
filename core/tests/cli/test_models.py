"""`multiroute models`: what callers may send."""

from __future__ import annotations

import json


def _ids(done) -> list[str]:
    assert done.code == 0
    return [row["id"] for row in json.loads(done.out)]


def test_profiles_and_models_are_listed_with_prices(project, run):
    done = run("models")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert next(row for row in rows if "balanced" in row)[0] == "profile"
    assert ["model", "sandbox/echo", "0", "0", "131,072", "sandbox"] in rows


def test_what_a_provider_tells_at_its_start_is_listed_too(project, run):
    assert "sandbox/silent" in _ids(run("models", "--json"))


def test_a_profile_narrows_the_list_to_its_candidates(project, run):
    ids = _ids(run("models", "--profile", "fragile", "--json"))
    assert sorted(ids) == ["sandbox/echo", "sandbox/flaky"]


def test_a_provider_narrows_the_list_to_what_it_serves(project, run):
    ids = _ids(run("models", "--provider", "sandbox", "--json"))
    assert "sandbox/strong" in ids
    assert "balanced" not in ids


def test_names_that_do_not_exist_are_told(project, run):
    done = run("models", "--profile", "balancd")
    assert done.code == 2
    assert "did you mean 'balanced'?" in done.err
    done = run("models", "--provider", "sandbx")
    assert done.code == 2
    assert "did you mean 'sandbox'?" in done.err


def test_one_model_is_shown_with_its_targets(project, run):
    done = run("models", "show", "sandbox/echo")
    assert done.code == 0
    assert "sandbox:echo" in done.out
    assert "131,072 tokens" in done.out
    assert json.loads(run("models", "show", "balanced", "--json").out)["targets"] == [
        "sandbox:strong",
        "sandbox:echo",
    ]
    done = run("models", "show", "sandbox/eho")
    assert done.code == 1
    assert "sandbox/echo" in done.err
