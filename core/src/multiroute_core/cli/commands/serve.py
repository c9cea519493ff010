"""`multiroute serve`: the gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

if TYPE_CHECKING:
    from multiroute_core.router import MultiRoute

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
    log: Annotated[
        bool,
        typer.Option("--log/--no-log", help="Write one line of JSON a request to stderr; it never "
                     "holds a prompt or a key."),
    ] = True,
) -> None:
    """Serve the gateway until Ctrl-C.

    Clients of the chat completions API use it unchanged: their base URL is http://ADDRESS:PORT/v1,
    their model a profile, alias or model of the project. Without keys in the project file it
    serves this machine only, and only where the environment is dev. Ctrl-C or SIGTERM lets running
    answers end; a second one does not wait.
    """
    from multiroute_core.cli.console import warn
    from multiroute_core.cli.session import load_router
    from multiroute_core.gateway import Limits, serve as serve_gateway

    router = load_router(config)
    warn(router.warnings)
    _set_up_log(is_wanted=log)
    file = router.project.file
    listen = file.gateway.listen
    # nothing in front of a gateway in development has to notice first that it is going away
    limits = Limits(drain_s=0.0) if file.project.environment == "dev" else Limits()
    serve_gateway(
        router,
        host or listen.host,
        listen.port if port is None else port,
        limits=limits,
        on_started=lambda url: _announce(router, url),
    )


def _set_up_log(*, is_wanted: bool) -> None:
    import logging

    from multiroute_core.gateway.request_log import LOGGER

    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    if is_wanted:
        logging.getLogger(LOGGER).setLevel(logging.INFO)


def _announce(router: MultiRoute, url: str) -> None:
    """Where it is, what it serves to whom, and what to do next; also for programs to wait for."""
    from multiroute_core import __version__
    from multiroute_core.cli.session import operator

    project = router.project
    file = project.file
    cards = router.models(operator(router))
    profiles = [
        f"{name} (default)" if name == file.project.default else name for name in file.profiles
    ]
    models = sum(card.kind in ("model", "offering") for card in cards)
    instances = ", ".join(row.instance for row in router.summary())
    keys = ", ".join(file.keys) if router.has_keys else "none, so this machine only"
    is_kept = file.stores.ledger.scheme != "memory"
    rows = [
        ("project", str(project.path or "no file; `multiroute init` writes one")),
        ("profiles", ", ".join(profiles) or "none; callers send a model's name"),
        ("models", f"{models}, at {instances}" if instances else "none"),
        ("keys", keys),
        ("records", file.stores.ledger.url if is_kept else "in memory, forgotten at the end"),
        ("base URL", f"{url}/v1"),
        ("try", f"curl {url}/v1/models"),
        ("", f'multiroute chat --url {url} "Hello"'),
    ]
    print(f"multiroute {__version__} is serving at {url}   (Ctrl-C stops it)")
    for name, value in rows:
        print(f"  {name:9} {value}")
    sys.stdout.flush()
