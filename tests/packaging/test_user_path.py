"""The README's way for users, word for word: fresh environments, plain pip, an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from tests.packaging.conftest import Venv, fresh_venv

pytestmark = [
    pytest.mark.xdist_group("packaging"),  # one worker: the wheels are built once
    pytest.mark.skipif(sys.platform == "win32", reason="the README's commands are a shell's"),
]

_ROOT = Path(__file__).resolve().parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_WITHIN_S = 300.0
_SAYS = "This is the MultiRoute sandbox, not a model."


def _block(index: int, kind: str = "") -> str:
    """The README's fenced block of that kind, counted from the section "Use it"."""
    section = _README.split("\n## Use it\n")[1].split("\n## ")[0]
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[index]


def _project_commands() -> list[str]:
    """What the README has typed in the project's folder, without comments and without the key."""
    lines = [line.split("#")[0].strip() for line in _block(1).splitlines()]
    assert lines[0].startswith("export OPENAI_API_KEY="), "the only line that is left out here"
    return lines[1:]


def _dist_command() -> str:
    """The README's way from wheels, in its running text."""
    found = re.findall(r"`(pip install dist/[^`]*)`", _README)
    assert len(found) == 1
    return found[0]


@dataclass(frozen=True)
class User:
    """Somebody with a shell, whose environment is the virtual one and who has no account."""

    venv: Venv
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(("_API_KEY", "_BASE_URL")) and name != "PYTHONPATH"
        }
        path = f"{self.venv.bin}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.venv.folder), "COLUMNS": "200"}

    def types(self, command: str, cwd: Path | None = None) -> str:
        """What the command prints; it must succeed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=cwd or self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @contextmanager
    def serves(self, command: str) -> Iterator[str]:
        """The gateway's URL, once it says that it serves; afterwards SIGTERM must end it well.

        A port of its own, since the README's may be somebody else's on a shared machine.
        """
        log = (self.folder / "serve.log").open("w")
        process = subprocess.Popen(
            shlex.split(f"{self.venv.bin / command} --port 0"),
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        guard = threading.Timer(_WITHIN_S, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            printed = ""
            for line in process.stdout:
                printed += line
                if "multiroute chat --url" in line:
                    break  # the last line of its announcement
            url = re.search(r"is serving at (http://127\.0\.0\.1:\d+)", printed)
            assert url, printed + (self.folder / "serve.log").read_text()
            yield url[1]
            process.send_signal(signal.SIGTERM)
            process.wait()
            assert process.returncode == 0, (self.folder / "serve.log").read_text()
        finally:
            guard.cancel()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
            log.close()


def _copy_of_the_checkout(into: Path) -> Path:
    """The folders that pip is given: what building leaves behind stays in the copy."""
    ignored = shutil.ignore_patterns("__pycache__", "build", "dist", "*.egg-info", "tests")
    for name in ("core", "plugins", "contrib"):
        shutil.copytree(_ROOT / name, into / name, ignore=ignored)
    shutil.copy(_ROOT / "starter.txt", into)
    return into


def _newcomer(folder: Path) -> User:
    """Somebody with a fresh environment and an empty folder for a project."""
    user = User(fresh_venv(folder / "venv"), folder / "project")
    user.folder.mkdir()
    return user


def test_the_readme_leads_from_pip_to_an_answer(tmp_path: Path):
    user = _newcomer(tmp_path)
    user.types(_block(0).strip(), cwd=_copy_of_the_checkout(tmp_path / "checkout"))
    init, check, serve = _project_commands()
    assert "Sandbox stands in" in user.types(init)
    assert "multiroute.toml: ok" in user.types(check)

    with user.serves(serve) as url:
        curl = _block(2).replace("http://127.0.0.1:4300", url)
        assert _SAYS in user.types(curl.strip())

        own = _block(0, "python").replace("http://127.0.0.1:4300", url)
        done = subprocess.run(  # the official client is ours: MultiRoute brings none along
            [sys.executable, "-c", own],
            env=user.environ,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
        assert _SAYS in done.stdout, done.stderr

        with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            stream = client.chat.completions.with_raw_response.create(
                model="balanced",
                messages=[{"role": "user", "content": "Hello"}],
                stream=True,
            )
            chunks = [chunk for chunk in stream.parse() if chunk.choices]
        assert len(chunks) > 2
        assert _SAYS in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert chunks[-1].choices[0].finish_reason == "stop"
        decision = stream.headers["x-multiroute-decision"]

    assert "answered by sandbox:" in user.types(f"multiroute explain {decision}")
    (user.folder / "in_process.py").write_text(_block(1, "python"), encoding="utf-8")
    assert _SAYS in user.types("python in_process.py")


def test_the_same_commands_work_from_wheels(wheels: dict[str, Path], tmp_path: Path):
    """On a machine without the clone; all wheels at once, as `make wheels` leaves them."""
    user = _newcomer(tmp_path)
    (user.folder / "dist").mkdir()
    for wheel in wheels.values():
        shutil.copy(wheel, user.folder / "dist")

    user.types(f"{_dist_command()} --quiet")
    user.types("pip check")
    assert set(wheels) <= user.venv.installed()
    init, check, serve = _project_commands()
    user.types(init)
    user.types(check)
    with user.serves(serve) as url:
        listed = httpx.get(f"{url}/v1/models").json()["data"]
    assert "balanced" in {card["id"] for card in listed}
