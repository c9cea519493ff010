"""Deciding again in an interpreter of its own, so that nothing of this one can leak in.

As a module this is what the other interpreter runs: a record on stdin, the canonical bytes on
stdout, and the exit codes of the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from multiroute_core.cli.record_file import RecordFile


def decide_again(file: RecordFile, config: Path | None) -> bytes:
    """The canonical record of the same decision, made by a fresh interpreter.

    Raises:
        ConfigError: it refuses: the project or a plugin is not the one that decided.
    """
    import subprocess

    from multiroute_core.api import ConfigError

    command = [sys.executable, "-P", "-m", "multiroute_core.cli.fresh"]
    if config is not None:
        command.append(str(config))
    done = subprocess.run(command, input=file.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ConfigError(said or f"the fresh interpreter ended with code {done.returncode}")
    return done.stdout


def _decide(arguments: list[str]) -> int:
    from multiroute_core.api import MultiRouteError
    from multiroute_core.cli.record_file import read_document
    from multiroute_core.cli.session import load_router

    try:
        file = RecordFile.of(read_document(Path("-")), "stdin")
        router = load_router(Path(arguments[0]) if arguments else None)
        data = router.replay(file.record, file.view)
    except MultiRouteError as exc:
        print(exc, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(_decide(sys.argv[1:]))
