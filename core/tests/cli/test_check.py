"""`multiroute check`: what a start would find, without serving."""

from __future__ import annotations


def test_a_sound_project_is_summed_up(project, run):
    done = run("check")
    assert done.code == 0
    for told in ("sandbox", "balanced (default)", "fragile", "score of cost", "ladder", "no keys"):
        assert told in done.out
    assert str(project) in done.out


def test_warnings_are_told_but_stop_nothing(project, run):
    with project.open("a", encoding="utf-8") as file:
        file.write('\n[budgets.growth]\nlimit = { usd = 5 }\n')
    done = run("check")
    assert done.code == 0
    assert any("not yet in effect" in line and "warning: " in line
               for line in done.err.splitlines())  # fmt: skip
    assert "warning: warning" not in done.err


def test_nothing_is_started(project, run, folder):
    assert run("check").code == 0
    assert not (folder / ".multiroute").exists(), "the store was opened"


def test_without_a_file_it_says_what_would_be_served(folder, run):
    done = run("check")
    assert done.code == 0
    assert "no project file" in done.out
    assert "sandbox" in done.err


def test_a_secret_never_shows(project, run):
    secret = "sk-0123456789abcdef"
    text = project.read_text("utf-8").replace(
        "[providers.sandbox.settings]",
        f'[providers.sandbox]\napi_keys = ["{secret}"]\n[providers.sandbox.settings]',
    )
    project.write_text(text, encoding="utf-8")
    done = run("check")
    assert done.code == 2
    assert "literal secret" in done.err
    assert secret not in done.out + done.err
