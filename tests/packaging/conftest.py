"""Wheels of everything, built once, and fresh virtual environments to install them into."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workspace import distributions


def run(*command: str | Path, cwd: Path) -> str:
    """The command's output; a failure shows all of it."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Venv:
    """A virtual environment as a user makes one: pip and nothing else."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    def install(self, *what: str | Path, cwd: Path) -> None:
        """Plain pip, with the machine's own settings."""
        run(self.bin / "python", "-m", "pip", "install", "--quiet", *what, cwd=cwd)

    def installed(self) -> set[str]:
        """Names of all distributions, as pip lists them."""
        listed = run(
            self.bin / "python", "-m", "pip", "list", "--format=json", cwd=self.folder
        )
        return {row["name"] for row in json.loads(listed)}


def fresh_venv(folder: Path) -> Venv:
    venv.create(folder, with_pip=True)
    return Venv(folder)


def build_wheels(folders: list[Path], into: Path) -> list[Path]:
    """Builds with the backend that is installed here: nothing is fetched."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir")
    command = (sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", into)
    run(*command, *folders, cwd=folders[0])
    return sorted(into.glob("*.whl"))


@pytest.fixture(scope="session")
def wheels(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Distribution name → its wheel, for every distribution of the checkout."""
    folders = [distribution.folder for distribution in distributions(repo_root)]
    built = build_wheels(folders, tmp_path_factory.mktemp("wheels"))
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in built}
