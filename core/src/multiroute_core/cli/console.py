"""Where commands write: stdout for answers, stderr for remarks; plain where nobody watches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PIPE_WIDTH = 200
"""Columns where output goes to a file or pipe: rows are for grep, not for a screen."""


def out() -> Console:
    """Stdout."""
    return _console(is_error=False)


def err() -> Console:
    """Stderr."""
    return _console(is_error=True)


def _console(*, is_error: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if is_error else sys.stdout
    is_free = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        stderr=is_error,
        width=_PIPE_WIDTH if is_free else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """A light table; the columns named in `numbers` are set right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    right = frozenset(numbers)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def print_json(document: Any) -> None:
    """A document as indented JSON on stdout."""
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def warn(lines: Iterable[str]) -> None:
    """Warnings on stderr, one a line."""
    console = err()
    for line in lines:
        text = line if "warning: " in line else f"warning: {line}"
        console.print(text, style="yellow", soft_wrap=True)
