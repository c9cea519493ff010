"""`make demo` shows what it says, and fails where it cannot."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_DEMO = _ROOT / "docs" / "demo"
_MINUTE_S = 60


def _run(script: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_MINUTE_S,
        check=False,
    )


def test_the_demo_does_the_main_job_in_under_a_minute():
    done = _run(_DEMO / "demo.py")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    steps = [line for line in shown.splitlines() if line[:2] in {f"{n}." for n in range(1, 8)}]
    assert len(steps) == 7
    for told in (
        "serving at http://127.0.0.1:",  # gateway up
        "This is the MultiRoute sandbox, not a model.",  # a streamed answer
        "utility",  # the decision table
        "overloaded      503",  # a fault …
        "x-multiroute-target: sandbox:echo",  # … and the fallback
        "docs/tutorial.md",  # where to look next
    ):
        assert told in shown, told
    assert "\x1b[" not in shown, "plain where nobody watches"
    assert not (_DEMO / ".multiroute").exists(), "it leaves nothing behind"


def test_a_step_that_does_not_work_fails_the_demo(tmp_path: Path):
    """The same script beside a project in which nothing fails any more."""
    script = tmp_path / "demo.py"
    script.write_text((_DEMO / "demo.py").read_text("utf-8"), encoding="utf-8")
    project = (_DEMO / "multiroute.toml").read_text("utf-8")
    tame = project.replace('faults = { flaky = "overloaded" }', 'models = ["flaky"]')
    assert tame != project
    (tmp_path / "multiroute.toml").write_text(tame, encoding="utf-8")
    done = _run(script)
    assert done.returncode != 0
    assert "The demo failed: the answer is not the second candidate's" in done.stdout


def test_the_demo_needs_no_account_and_no_network():
    document = tomllib.loads((_DEMO / "multiroute.toml").read_text("utf-8"))
    assert set(document["providers"]) == {"sandbox"}
    assert "keys" not in document
    assert document["gateway"]["listen"].startswith("127.0.0.1:")
