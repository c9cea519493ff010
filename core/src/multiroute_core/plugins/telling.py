"""Telling: a foreign exception in one line, with its place and without secrets."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

_OWN = Path(__file__).parent


def told(exc: BaseException, *, within: Path | None = None, secrets: Collection[str] = ()) -> str:
    """Class, words, and file:line where it was raised.

    `within`: name the innermost line of this file or folder rather than of a library that it
    called. `secrets` are blotted out of the words; a pydantic error is told without its inputs.
    """
    if isinstance(exc, SyntaxError) and exc.filename is not None:
        return f"{type(exc).__name__}: {exc.msg} (at {exc.filename}:{exc.lineno})"
    words = _words(exc)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "***")
    place = raised_at(exc.__traceback__, within)
    said = f"{type(exc).__name__}: {words}" if words else type(exc).__name__
    return f"{said} (at {place})" if place else said


def is_revealing(exc: BaseException, secrets: Collection[str]) -> bool:
    """Whether the exception itself must not be printed, nor chained to one that is."""
    return isinstance(exc, ValidationError) or any(
        secret in str(exc) for secret in secrets if secret
    )


def raised_at(tb: TracebackType | None, within: Path | None = None) -> str:
    """`file:line` of the innermost frame (inside `within`, if any is); "" where there is none."""
    frames = [frame for frame in traceback.extract_tb(tb) if not frame.filename.startswith("<")]
    inside = [frame for frame in frames if within is not None and _is_in(frame.filename, within)]
    # Frames of this package only handed the call on.
    foreign = [frame for frame in frames if not _is_in(frame.filename, _OWN)]
    for chosen in (inside, foreign):
        if chosen:
            return f"{chosen[-1].filename}:{chosen[-1].lineno}"
    return ""


def _words(exc: BaseException) -> str:
    if not isinstance(exc, ValidationError):
        return str(exc)
    errors = exc.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in errors)


def _is_in(filename: str, place: Path) -> bool:
    path = Path(filename)
    return path == place or place in path.parents
