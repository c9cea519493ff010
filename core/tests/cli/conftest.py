"""Running the command line: in this process for speed, as a process of its own where it matters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from multiroute_core.cli.main import main

_STARTS_WITHIN_S = 30.0
_ENDS_WITHIN_S = 60.0

PROJECT = """\
[project]
name    = "tests"
default = "balanced"

[stores]
ledger = "sqlite:///.multiroute/state.db"

[plugins]
enable = ["sandbox", "cost", "ladder"]

[providers.sandbox.settings]
faults = { flaky = "overloaded", silent = "hang" }

[models."sandbox/flaky"]
serve = ["sandbox:flaky"]

[models."sandbox/silent"]
serve = ["sandbox:silent"]

[profiles.balanced]
candidates = ["sandbox/strong", "sandbox/echo"]
[profiles.balanced.score]
use = ["cost"]

[profiles.fragile]
candidates = ["sandbox/flaky", "sandbox/echo"]
order = "priority"
[profiles.fragile.fallback]
use = "ladder"
retries_same = 0

[profiles.broken]
candidates = ["sandbox/flaky"]
"""


@dataclass(frozen=True)
class Done:
    """What one command line came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def _no_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have keys set; they are not for these."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder: Path) -> Path:
    """A current folder with a project file; the file's path."""
    path = folder / "multiroute.toml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def run_here(*arguments: str | Path) -> Done:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Done(code, *capfd.readouterr())

    return run_here


@pytest.fixture
def spawn() -> Run:
    """Runs a command line as a process of its own."""

    def run_there(*arguments: str | Path, text: str = "") -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "multiroute_core.cli", *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            timeout=_ENDS_WITHIN_S,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run_there


class Served:
    """A running `multiroute serve`; `out` and `err` grow while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._announced = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(process.stdout, self.out), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, into: list[str]) -> None:
        for line in stream:
            into.append(line)
            if "Hello" in line and into is self.out:
                self._announced.set()  # the announcement's last line
        self._announced.set()

    @property
    def url(self) -> str:
        self._announced.wait(_STARTS_WITHIN_S)
        found = re.search(r"serving at (http://\S+)", "".join(self.out))
        assert found, "".join(self.out + self.err)
        return found[1]

    def end(self) -> Done:
        self.process.wait(_ENDS_WITHIN_S)
        for reader in self._readers:
            reader.join(_ENDS_WITHIN_S)
        return Done(self.process.returncode, "".join(self.out), "".join(self.err))


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts `multiroute serve --port 0` with further arguments."""
    started: list[Served] = []

    def start(*arguments: str | Path) -> Served:
        command = [sys.executable, "-m", "multiroute_core.cli", "serve", "--port", "0"]
        served = Served(
            subprocess.Popen(
                [*command, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        started.append(served)
        return served

    yield start
    for served in started:
        served.process.kill()
        served.end()
        for stream in (served.process.stdout, served.process.stderr):
            if stream is not None:
                stream.close()
