"""Fixtures for the tests of every package, and the rule about skips in continuous integration.

At the root, not under tests/: pytest hands a conftest's fixtures and hooks only to tests below it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

_ROOT = Path(__file__).resolve().parent
_SHARED = Path(os.environ.get("MULTIROUTE_SHARED") or _ROOT.parent / "shared").resolve()

# No deadline for one example: a busy machine is no bug. In CI the same examples each time: red
# stays red until it is mended.
settings.register_profile(
    "multiroute", deadline=None, derandomize=os.environ.get("MULTIROUTE_CI") == "1"
)
settings.load_profile("multiroute")


def _skips_fail() -> bool:
    """In CI a skip is a hole in the proof; without the shared data it is the honest answer."""
    return os.environ.get("MULTIROUTE_CI") == "1" and (_SHARED / "data").is_dir()


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout's top folder."""
    return _ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the shared data (`MULTIROUTE_SHARED`, by default ../shared)."""
    if not (_SHARED / "data").is_dir():
        pytest.skip(f"no shared data in {_SHARED} (set MULTIROUTE_SHARED to the folder)")
    return _SHARED


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or hasattr(report, "wasxfail") or not _skips_fail():
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"MULTIROUTE_CI=1 allows no skip. {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report
