"""`multiroute init`: a first project file from what is found."""

from __future__ import annotations

import tomllib

import pytest

from multiroute_core.plugins import PluginFacts, discover, facts_of_all

_SECRET = "sk-a-secret-that-is-in-the-environment-only"


@pytest.fixture
def account() -> tuple[str, str]:
    """(a provider plugin that is installed, the environment name of its credential)."""
    for found, facts in facts_of_all(discover().of("provider")).items():
        if not isinstance(facts, PluginFacts) or not (facts.base_url and facts.offerings):
            continue
        if facts.env and facts.auth == ("bearer",):  # one credential is all that it needs
            return found.name, facts.env[0]
    pytest.fail("no installed provider takes a bearer token at a known address")


def test_what_it_writes_can_be_checked_and_asked_at_once(folder, run):
    done = run("init")
    assert done.code == 0
    assert "next: multiroute check" in done.out
    written = (folder / "multiroute.toml").read_text("utf-8")
    assert "scripted answers stand in for a model's" in written, "a stand-in has to say so"
    assert run("check").code == 0
    assert "not a model" in run("chat", "Hello").out


def test_a_credential_in_the_environment_is_found_and_named_but_not_copied(
    folder, run, monkeypatch, account
):
    name, env = account
    monkeypatch.setenv(env, _SECRET)
    done = run("init")
    assert f"{env} is set" in done.out
    text = (folder / "multiroute.toml").read_text("utf-8")
    assert _SECRET not in text + done.out + done.err
    document = tomllib.loads(text)
    assert document["providers"] == {name: {"api_keys": [{"env": env}]}}
    assert name in document["plugins"]["enable"]
    assert 1 <= len(document["profiles"]["balanced"]["candidates"]) <= 2
    checked = run("check")
    assert checked.code == 0
    assert "no active provider serves" not in checked.err


def test_a_provider_that_cannot_be_used_yet_stands_there_with_what_it_needs(folder, run, account):
    name, env = account
    text = run("init", "--stdout").out
    assert f"set {env}" in text
    assert f"# [providers.{name}]" in text
    assert name not in tomllib.loads(text)["providers"]


def test_uncommenting_a_provider_gives_a_file_that_is_sound(folder, run, monkeypatch, account):
    name, env = account
    run("init")
    monkeypatch.setenv(env, _SECRET)
    path = folder / "multiroute.toml"
    text = path.read_text("utf-8")
    text = text.replace(f"# [providers.{name}]\n# api_keys", f"[providers.{name}]\napi_keys")
    text = text.replace('enable = ["sandbox"', f'enable = ["sandbox", "{name}"')
    path.write_text(text, encoding="utf-8")
    done = run("check")
    assert done.code == 0
    assert name in done.out


def test_a_file_that_is_there_is_not_written_over(folder, run):
    path = folder / "multiroute.toml"
    path.write_text("# mine\n", encoding="utf-8")
    done = run("init")
    assert done.code == 2
    assert "--force" in done.err
    assert path.read_text("utf-8") == "# mine\n"
    assert run("init", "--force").code == 0
    assert path.read_text("utf-8") != "# mine\n"


def test_showing_writes_nothing_and_asks_nothing_of_the_folder(folder, run):
    (folder / "multiroute.toml").write_text("# mine\n", encoding="utf-8")
    done = run("init", "--stdout")
    assert done.code == 0
    assert tomllib.loads(done.out)["schema"] == 1
    assert [path.name for path in folder.iterdir()] == ["multiroute.toml"]


def test_a_second_project_beside_pyproject_is_refused(folder, run):
    (folder / "pyproject.toml").write_text("[tool.multiroute]\nschema = 1\n", encoding="utf-8")
    done = run("init")
    assert done.code == 2
    assert "pyproject.toml" in done.err
    assert not (folder / "multiroute.toml").exists()


def test_a_folder_that_is_not_there_is_told(folder, run):
    done = run("init", "--path", "nowhere/multiroute.toml")
    assert done.code == 2
    assert "cannot be written" in done.err


def test_the_project_is_named_after_its_folder_whatever_that_is_called(tmp_path, monkeypatch, run):
    odd = tmp_path / 'a "b" \\ ü'
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert run("init").code == 0
    document = tomllib.loads((odd / "multiroute.toml").read_text("utf-8"))
    assert document["project"]["name"] == odd.name
