"""The recordings, and the results file that `MULTIROUTE_FIDELITY_OUT` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fidelity import corpus, results


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with the recordings."""
    folder = corpus.wire_folder()
    if not corpus.groups():
        pytest.skip(f"no recordings in {folder} (MULTIROUTE_WIRE_DIR names the folder)")
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    results.write(session.config)
