"""Secret and SecretRef: secrets stand in the project file by reference only."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Self

from pydantic import model_validator

from multiroute_core.project.problems import Problem, ProjectError
from multiroute_core.project.values import SECRET_HINT, Table, Text, refuse

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z", re.ASCII)
_LIMIT_BYTES = 65536
_KINDS = ("env", "file", "cmd")


class Secret:
    """A secret value that no repr, str or format shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: for the last step before the wire, never for a message."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never pickled or copied to disk")


class SecretRef(Table):
    """Where a secret is found: exactly one of `env`, `file`, `cmd`."""

    env: Text | None = None
    file: Text | None = None
    cmd: Text | tuple[Text, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_reference(cls, value: object) -> object:
        if isinstance(value, str | bytes):
            refuse("is a literal secret", SECRET_HINT)
        form = '{ env = "NAME" }, { file = "path" } or { cmd = ["program", "argument"] }'
        if not isinstance(value, Mapping):
            refuse("must be a reference to a secret", f"write {form}")
        # keys are not named here: someone may have pasted the secret as a key
        if len(value) != 1 or next(iter(value)) not in _KINDS:
            refuse("must hold exactly one of 'env', 'file' and 'cmd'", f"write {form}")
        kind, source = next(iter(value.items()))
        if kind == "cmd" and isinstance(source, list | tuple):
            if not source or not all(isinstance(part, str) and part for part in source):
                refuse("needs as 'cmd' a program and its arguments, all strings")
            return value
        if not isinstance(source, str) or not source.strip():
            refuse(f"needs as '{kind}' a string that is not empty", f"write {form}")
        if kind == "env" and not _ENV_NAME.match(source):
            refuse("needs as 'env' the name of an environment variable", SECRET_HINT)
        return value

    @model_validator(mode="after")
    def _has_sound_command(self) -> Self:
        if isinstance(self.cmd, str):
            try:
                argv = shlex.split(self.cmd)
            except ValueError:
                argv = []
            if not argv:
                refuse("has a 'cmd' that cannot be split into words", "check its quotes")
        return self


def resolve_secret(
    ref: SecretRef,
    environ: Mapping[str, str],
    base_dir: Path,
    *,
    where: str = "the project file",
    timeout_s: float = 10.0,
) -> Secret:
    """Reads the secret that a reference names; at start-up, never per request.

    `where` is the reference's `file:line`. Files are relative to `base_dir`, the project's
    folder, in which a command also runs, without a shell and with `environ`; one line end at
    the end of a file or output is dropped.

    Raises:
        ProjectError: unset or empty variable, unreadable file, failed command. No message
            holds what a file or command gave.
    """
    if ref.env is not None:
        value = environ.get(ref.env)
        shown = f" '{ref.env}'" if _is_plainly_a_name(ref.env) else " named here"
        if value is None:
            _fail(where, f"the environment variable{shown} is not set", "set it before the start")
        if not value.strip():
            _fail(where, f"the environment variable{shown} is empty", "set it before the start")
        return Secret(value)
    raw = (
        _read_file(ref.file, base_dir, where)
        if ref.file is not None
        else _run(ref, environ, base_dir, where, timeout_s)
    )
    source = "secret file" if ref.file is not None else "secret command"
    if len(raw) > _LIMIT_BYTES:
        _fail(where, f"the {source} gave more than {_LIMIT_BYTES} bytes", "is it the right one?")
    text = raw.decode("utf-8", "replace")
    if "\ufffd" in text:  # strict decoding would raise an error that holds the bytes
        _fail(where, f"the {source} did not give UTF-8 text", "is it the right one?")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        _fail(where, f"the {source} gave nothing", "it must give the secret and nothing else")
    return Secret(text)


def _is_plainly_a_name(name: str) -> bool:
    """Whether it is safe to print: anything else may be the secret itself, pasted by mistake."""
    return name.isupper() and ("_" in name or len(name) <= 16)


def _fail(where: str, message: str, hint: str) -> NoReturn:
    file, _, line = where.rpartition(":")
    if file and line.isdigit():
        raise ProjectError([Problem(file, int(line), "", message, hint)]) from None
    raise ProjectError([Problem(where, None, "", message, hint)]) from None


def _read_file(name: str, base_dir: Path, where: str) -> bytes:
    path = base_dir / Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            return stream.read(_LIMIT_BYTES + 1)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        _fail(where, f"the secret file '{path}' cannot be read: {reason}", "check the path")


def _run(
    ref: SecretRef, environ: Mapping[str, str], base_dir: Path, where: str, timeout_s: float
) -> bytes:
    argv = shlex.split(ref.cmd) if isinstance(ref.cmd, str) else list(ref.cmd or ())
    name = Path(argv[0]).name
    try:
        done = subprocess.run(  # argv list, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=base_dir,
            env=dict(environ),
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pass  # reported below: the exception holds the output so far and must not be chained
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        _fail(where, f"the secret command '{name}' cannot be run: {reason}", "check 'cmd'")
    else:
        if done.returncode != 0:
            _fail(where, f"the secret command '{name}' ended with code {done.returncode}",
                  "run it by hand to see why")  # fmt: skip
        return done.stdout
    _fail(where, f"the secret command '{name}' took longer than {timeout_s:g} s", "make it faster")
