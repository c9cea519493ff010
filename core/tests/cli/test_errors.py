"""What went wrong is told in plain words on stderr, and by the exit code."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from multiroute_core.api import CallFailed, ConfigError, Fault
from multiroute_core.cli import main as entry
from multiroute_core.testing import Hang, ScriptedUpstream


@pytest.fixture
def raising(monkeypatch):
    """Lets `multiroute check` raise what a test wants."""

    def let(error: BaseException) -> None:
        def load_router(config):
            raise error

        monkeypatch.setattr("multiroute_core.cli.session.load_router", load_router)

    return let


def test_a_file_that_cannot_be_used_is_exit_code_2_with_one_line_a_mistake(project, run):
    text = project.read_text("utf-8")
    text = text.replace("order = ", "ordre = ").replace('use = ["cost"]', 'use = ["csot"]')
    project.write_text(text, encoding="utf-8")
    done = run("check")
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert "'csot'" in lines[0]
    assert "did you mean 'cost'?" in lines[0]
    assert "unknown key 'ordre'" in lines[1]
    assert all(line.startswith(f"{project}:") for line in lines)


def test_a_file_that_is_not_there_is_told(folder, run):
    done = run("check", "--config", "nowhere.toml")
    assert done.code == 2
    assert "nowhere.toml" in done.err
    assert "Traceback" not in done.err


def test_a_call_that_failed_is_exit_code_1_with_the_way_to_its_decision(project, run):
    done = run("chat", "Hi", "--model", "broken")
    assert done.code == 1
    first, *_, last = done.err.splitlines()
    assert first.startswith("error: ")
    assert last.startswith("see why: multiroute explain d")
    assert run("explain", last.rpartition(" ")[2]).code == 0


def test_a_group_of_errors_is_told_one_by_one(raising, run):
    raising(ExceptionGroup("several", [ConfigError("first"), CallFailed(Fault("spend", "second"))]))
    done = run("check")
    assert (done.code, done.err) == (2, "first\nerror: second\n")


def test_the_operators_detail_is_told_too(raising, run):
    raising(ConfigError("it does not work", detail="because of the weather"))
    assert run("check").err == "it does not work\nbecause of the weather\n"


def test_a_bug_keeps_its_traceback(raising, run):
    raising(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run("check")


def test_ctrl_c_is_exit_code_130(raising, run):
    raising(KeyboardInterrupt())
    done = run("check")
    assert (done.code, done.out, done.err) == (130, "", "")


def test_ctrl_c_before_a_command_has_begun_is_the_same(monkeypatch, run):
    def application():
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "application", application)
    assert run("check").code == 130


def test_ctrl_c_ends_a_question_that_nobody_answers(folder):
    async def interrupt() -> tuple[int | None, bytes]:
        async with ScriptedUpstream([Hang()]) as upstream:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "multiroute_core.cli", "chat", "Hi"),
                *("--url", upstream.base_url),
                stderr=subprocess.PIPE,
            )
            await upstream.wait_requests(timeout_s=30)
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
            return process.returncode, err

    assert asyncio.run(interrupt()) == (130, b"")


def test_a_reader_that_leaves_early_is_no_error_worth_a_word(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "multiroute_core.cli", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(30)


