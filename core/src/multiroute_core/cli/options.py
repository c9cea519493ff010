"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The project file. By default multiroute.toml, or pyproject.toml with "
        "[tool.multiroute], in this folder; where there is none, what is found here is used.",
    ),
]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
