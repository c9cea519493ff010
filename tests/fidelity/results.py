"""The suite's figures: kept while it runs, written where `MULTIROUTE_FIDELITY_OUT` says.

With several worker processes each leaves its part in a folder beside the file; the last one joins
them. The file: {provider: {api: {check: {passed, total, failed: [ids]}}}}.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Figures = dict[str, dict[str, dict[str, Any]]]

_KEPT: Figures = {}


def keep(provider: str, api: str, check: str, figures: dict[str, object]) -> None:
    """Remember the figures of one check over one provider's API."""
    _KEPT.setdefault(provider, {}).setdefault(api, {})[check] = figures


def write(config: pytest.Config) -> None:
    """Write what this process has kept, joined with what others have written."""
    named = os.environ.get("MULTIROUTE_FIDELITY_OUT")
    workerinput = getattr(config, "workerinput", None)
    if not named or (workerinput is None and not _KEPT):
        return
    out = Path(named)
    if workerinput is None:
        _store(out, _KEPT)
        return
    folder = out.with_name(f"{out.name}.{workerinput['testrunuid']}")
    with _locked(out):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{workerinput['workerid']}.json").write_text(json.dumps(_KEPT))
        parts = sorted(folder.glob("*.json"))
        if len(parts) == workerinput["workercount"]:
            _store(out, _joined(json.loads(part.read_text()) for part in parts))
            shutil.rmtree(folder)


def _joined(parts: Iterator[Figures]) -> Figures:
    joined: Figures = {}
    for part in parts:
        for provider, apis in part.items():
            for api, checks in apis.items():
                joined.setdefault(provider, {}).setdefault(api, {}).update(checks)
    return joined


def _store(out: Path, figures: Figures) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    out.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(out.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
