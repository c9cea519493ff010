"""`multiroute serve`: the gateway."""

from __future__ import annotations

from typing import Annotated

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

_EPILOG = examples(
    ("multiroute serve", "as the project file says, else on 127.0.0.1:4300"),
    ("multiroute serve --port 8080", "another port; 0 lets the system choose one"),
    ("multiroute serve --config staging.toml", "another project"),
    ("curl http://127.0.0.1:4300/v1/models", "then, from another terminal"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(serve)


def serve(
    config: Config = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Listen here instead.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, metavar="N", help="Listen on this port instead."),
    ] = None,
) -> None:
    """Serve the gateway until Ctrl-C.

    Clients of the chat completions API use it unchanged: their base URL is http://ADDRESS:PORT/v1,
    their model a profile, alias or model of the project. Without keys in the project file it
    serves this machine only, and only where the environment is dev.
    """
    raise typer.Exit(2)
