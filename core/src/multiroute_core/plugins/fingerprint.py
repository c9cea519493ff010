"""Fingerprint: a hash of the code and data that a plugin runs with, for the lock file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(label: str, sources: Iterable[Path]) -> str:
    """`sha256:…` over a label (distribution and version) and every file under the sources.

    Files count by their place under the source and their content, so that a wheel and an editable
    install of the same code agree; byte code is left out.
    """
    digest = hashlib.sha256(label.encode())
    for source in sorted(sources):
        files = sorted(_files(source)) if source.is_dir() else [source]
        for file in files:
            place = f"{source.name}/{file.relative_to(source).as_posix()}"
            content = file.read_bytes()
            digest.update(f"\0{place}\0{len(content)}\0".encode())
            digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path
