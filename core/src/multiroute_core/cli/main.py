"""The entry of the command line, and what becomes of errors.

Nothing heavy is imported here or in the command modules at their top: `--help` needs typer alone.

    exit code   meaning
    0           done
    1           a call could not be answered, or a comparison found a difference
    2           the command line, the project file or a plugin cannot be used
    130         interrupted with Ctrl-C
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from multiroute_core.cli.commands import (
    chat,
    check,
    explain,
    init,
    keys,
    models,
    plugin,
    replay,
    schema,
    serve,
)
from multiroute_core.cli.examples import examples

CALL_FAILED = 1
CONFIG_ERROR = 2
INTERRUPTED = 130

_EPILOG = examples(
    ("multiroute init", "write a commented multiroute.toml from what is found here"),
    ("multiroute check", "every mistake of the project file at once"),
    ("multiroute serve", "the gateway, by default on 127.0.0.1:4300"),
    ('multiroute chat "Hello"', "one question, answered in this process"),
    ("multiroute explain --model balanced Hi", "what would be chosen, and why"),
)


def application() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="multiroute",
        help="Route requests to AI models by rules that can be read, explained and replayed.",
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,  # help stays fast, and examples keep their lines
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command in (init, check, serve, chat, models, explain, replay, keys, plugin, schema):
        command.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line (None: the process's own) and gives the exit code."""
    try:
        code = _run(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    return _flushed(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        application()(args=None if arguments is None else list(arguments), prog_name="multiroute")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as exc:
        # The border of the command line: what was raised on purpose is told in plain words; a
        # bug goes on with its traceback.
        code = _told(exc)
        if code is None:
            raise
        return code
    return 0


def _told(exc: BaseException) -> int | None:
    """Says what went wrong; the exit code, or None for what nobody raised on purpose."""
    from multiroute_core.api import CallError, MultiRouteError

    if isinstance(exc, BaseExceptionGroup):
        codes = [_told(inner) for inner in exc.exceptions]
        return None if None in codes else max(code for code in codes if code is not None)
    if not isinstance(exc, MultiRouteError):
        return None
    lines = [*str(exc).splitlines(), *exc.detail.splitlines()]
    if isinstance(exc, CallError):
        lines[:1] = [f"error: {lines[0] if lines else exc.code}"]
        if exc.decision_id:
            lines.append(f"see why: multiroute explain {exc.decision_id}")
    for line in lines:
        print(line, file=sys.stderr)
    return CALL_FAILED if isinstance(exc, CallError) else CONFIG_ERROR


def _flushed(code: int) -> int:
    """A reader that has gone (`multiroute models | head`) is no error worth a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or CALL_FAILED
    return code


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from multiroute_core import __version__

        print(f"multiroute {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What stands before the command."""
