"""In continuous integration a skipped test is a failed one, where the shared data are present."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = {
    "in a test": "import pytest\ndef test_it():\n    pytest.skip('no engine here')\n",
    "by a mark": "import pytest\n@pytest.mark.skip('no engine here')\ndef test_it(): pass\n",
    "a module": "import pytest\npytest.skip('no engine here', allow_module_level=True)\n",
}
_PASSING = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert False\n"


def _run(source: str, folder: Path, root: Path, *, ci: str, shared: Path) -> tuple[int, str]:
    shutil.copy(root / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_one.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**os.environ, "MULTIROUTE_CI": ci, "MULTIROUTE_SHARED": str(shared)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    return tmp_path / "shared"


@pytest.mark.parametrize("where", _TESTS)
def test_a_skip_in_ci_fails_with_its_reason(where, tmp_path: Path, repo_root: Path, data: Path):
    code, output = _run(_TESTS[where], tmp_path, repo_root, ci="1", shared=data)
    assert code != 0
    assert "MULTIROUTE_CI=1 allows no skip" in output
    assert "no engine here" in output


def test_a_skip_is_allowed_on_a_desk(tmp_path: Path, repo_root: Path, data: Path):
    code, _ = _run(_TESTS["in a test"], tmp_path, repo_root, ci="", shared=data)
    assert code == 0


def test_a_skip_is_allowed_where_the_shared_data_are_absent(tmp_path: Path, repo_root: Path):
    code, _ = _run(_TESTS["in a test"], tmp_path, repo_root, ci="1", shared=tmp_path / "nowhere")
    assert code == 0


def test_an_expected_failure_is_no_skip(tmp_path: Path, repo_root: Path, data: Path):
    code, _ = _run(_PASSING, tmp_path, repo_root, ci="1", shared=data)
    assert code == 0
