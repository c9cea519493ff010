"""The how-to pages and the library's page are carried out, as the tutorial is.

The marks before a block are those of tests/docs/test_tutorial.py, and one more:

    fails          sh: the last line must fail, with what it prints compared all the same

A toml block without a mark is for reading.
"""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_tutorial import Block, Reader

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGES = [*sorted((_DOCS / "how-to").glob("*.md")), _DOCS / "reference" / "library.md"]
_BLOCK = re.compile(
    r"(?P<marks>(?:^<!-- test: .*? -->\n)*)^```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def _blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, match.start("kind")) + 1,
            match["kind"],
            match["body"],
            tuple(re.findall(r"<!-- test: (.*?) -->", match["marks"])),
        )
        for match in _BLOCK.finditer(text)
    ]


class Follower(Reader):
    """Somebody who follows one of these pages in an empty folder."""

    def do(self, block: Block) -> None:
        if "fails" in block.marks:
            done = subprocess.run(
                ["bash", "-c", self._ported(block.body)],
                cwd=self.folder,
                env=self._environ,
                capture_output=True,
                text=True,
                check=False,
            )
            self.printed = done.stdout + done.stderr
            assert done.returncode == 2, self.printed
        elif block.kind != "toml" or block.marks:
            super().do(block)


@pytest.fixture
def follower(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    following = Follower(tmp_path, port)
    yield following
    following.stop()


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_the_page_can_be_followed(page: Path, follower: Follower):
    blocks = _blocks(page)
    assert [block for block in blocks if block.kind == "sh"]
    for block in blocks:
        follower.do(block)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_a_block_that_is_not_carried_out_is_static_facts(page: Path):
    read_only = [b for b in _blocks(page) if b.kind == "toml" and not b.marks]
    assert all(block.body.startswith("schema = 1\n\n[") for block in read_only)
    assert not [block for block in _blocks(page) if block.is_skipped]
