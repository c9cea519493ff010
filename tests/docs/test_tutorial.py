"""docs/tutorial.md is carried out, block by block, in an empty folder.

What a reader does is in the fenced blocks; `<!-- test: … -->` before a block says how to do here:

    (nothing)      sh: run each line, all must succeed; text: must have been printed just before
    skip …         not here, with the reason
    file NAME      the block is the content of that file
    replace        a diff of multiroute.toml: lines with '-' become lines with '+'
    background     sh: start it and wait until it serves
    stop           end what runs in the background
    id             sh: ID is the decision that was named last
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(
    r"(?P<marks>(?:^<!-- test: .*? -->\n)*)^```(?P<kind>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_WITHIN_S = 60.0


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is where it begins on the page."""

    line: int
    kind: str
    body: str
    marks: tuple[str, ...]

    @property
    def file(self) -> str | None:
        names = [mark.removeprefix("file ") for mark in self.marks if mark.startswith("file ")]
        return names[0] if names else None

    @property
    def is_skipped(self) -> bool:
        return any(mark.startswith("skip ") for mark in self.marks)


def _blocks() -> list[Block]:
    text = _PAGE.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, match.start("kind")) + 1,
            match["kind"],
            match["body"],
            tuple(re.findall(r"<!-- test: (.*?) -->", match["marks"])),
        )
        for match in _BLOCK.finditer(text)
    ]


class Reader:
    """Somebody who follows the page in an empty folder, on a port that is free."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.printed = ""
        self._serving: subprocess.Popen[str] | None = None
        bin_folder = Path(sys.executable).parent
        self._environ = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(("_API_KEY", "_BASE_URL"))
        } | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}

    def do(self, block: Block) -> None:
        if "stop" in block.marks:
            self.stop()
        if block.is_skipped:
            return
        if block.file is not None:
            (self.folder / block.file).write_text(self._ported(block.body), encoding="utf-8")
        elif "replace" in block.marks:
            self._replace(block)
        elif block.kind == "text":
            self._compare(block)
        elif block.kind == "sh":
            self._run(block)
        else:
            pytest.fail(f"tutorial.md:{block.line}: nothing says what to do with this block")

    def _ported(self, text: str) -> str:
        """The page's port is whoever's on a shared machine."""
        return text.replace(":4300", f":{self.port}")

    def _run(self, block: Block) -> None:
        decision = re.findall(r"explain (d\w+)", self.printed)
        self.printed = ""
        for line in block.body.splitlines():
            command = self._ported(line)
            if "id" in block.marks:
                command = command.replace("ID", decision[-1])
            if "background" in block.marks:
                self._serve(command)
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self._environ,
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
            )
            self.printed += done.stdout + done.stderr
            where = f"tutorial.md:{block.line}: {line}"
            assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
            project = self.folder / "multiroute.toml"
            if project.is_file():
                project.write_text(self._ported(project.read_text("utf-8")), encoding="utf-8")

    def _serve(self, command: str) -> None:
        process = subprocess.Popen(
            shlex.split(command),
            cwd=self.folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._serving = process
        guard = threading.Timer(_WITHIN_S, process.kill)
        guard.start()
        assert process.stdout is not None
        for line in process.stdout:
            self.printed += line
            if "multiroute chat --url" in line:
                break  # the last line of its announcement
        guard.cancel()
        assert process.poll() is None, f"it did not start:\n{self.printed}"

    def stop(self) -> None:
        process, self._serving = self._serving, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=_WITHIN_S)

    def _replace(self, block: Block) -> None:
        lines = block.body.splitlines()
        before = "\n".join(line[1:] for line in lines if line[0] in " -")
        after = "\n".join(line[1:] for line in lines if line[0] in " +")
        project = self.folder / "multiroute.toml"
        text = project.read_text("utf-8")
        assert text.count(before) == 1, f"tutorial.md:{block.line}: the file has no such place"
        project.write_text(text.replace(before, after), encoding="utf-8")

    def _compare(self, block: Block) -> None:
        """Each line must stand in what was printed: blanks count once, … is anything."""
        printed = " ".join(self._unported(self.printed).split())
        for line in block.body.splitlines():
            parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
            assert re.search(".*?".join(parts), printed), (
                f"tutorial.md:{block.line}: {line!r} was not printed, but:\n{self.printed}"
            )

    def _unported(self, text: str) -> str:
        return text.replace(f":{self.port}", ":4300")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    following = Reader(tmp_path, port)
    yield following
    following.stop()


def test_the_tutorial_can_be_followed_from_its_first_line_to_its_last(reader: Reader):
    blocks = _blocks()
    assert len([block for block in blocks if block.kind == "sh"]) > 10
    for block in blocks:
        reader.do(block)


def test_every_skipped_block_says_why_and_only_installs():
    skipped = [block for block in _blocks() if block.is_skipped]
    assert len(skipped) == 1
    assert "pip install" in skipped[0].body
    assert all(re.search(r"skip \(.+\)", mark) for block in skipped for mark in block.marks)


def test_no_fenced_block_is_overlooked():
    fences = re.findall(r"^```\w+$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == len(_blocks())


def test_files_that_the_tutorial_points_to_are_there():
    text = _PAGE.read_text(encoding="utf-8")
    paths = re.findall(r"`(docs/[\w/.-]+)`", text)
    assert paths
    assert [path for path in paths if not (_ROOT / path).exists()] == []
