"""`multiroute replay`: the same decision again, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import Config

if TYPE_CHECKING:
    from multiroute_core.cli.record_file import RecordFile
    from multiroute_core.router import MultiRoute, StoredDecision

_EPILOG = examples(
    ("multiroute replay d-1a2b3c", "a stored decision, by x-multiroute-decision"),
    ("multiroute replay d.json", "what `explain ID --record` or `--json` printed"),
    ("multiroute replay d.json && echo same", "exit code 0 only if nothing differs"),
)
_MISMATCH = 1


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(replay)


def replay(
    what: Annotated[
        str,
        typer.Argument(
            metavar="DECISION | FILE", help="A decision's id, or a file that explain printed."
        ),
    ],
    config: Config = None,
) -> None:
    """Decide again from what was recorded, in a fresh interpreter, and compare the bytes.

    Prints "identical" (exit code 0) or the first difference (1). Refuses (2) if the project file
    or a plugin is not the one that decided: it says which hash differs.
    """
    from multiroute_core.cli.fresh import decide_again

    file, expected = _recorded(what, config)
    again = decide_again(file, config)
    if again == expected:
        print(f"identical: {file.record.decision.id}, {len(expected):,} bytes")
        return
    print(f"differs: {file.record.decision.id}")
    print(first_difference(expected, again))
    raise typer.Exit(_MISMATCH)


def _recorded(what: str, config: Path | None) -> tuple[RecordFile, bytes]:
    """The record with its view, and the bytes that the replay must give."""
    from multiroute_core.cli.commands.explain import stored_decision
    from multiroute_core.cli.record_file import (
        RecordFile,
        is_canonical,
        is_record,
        read_document,
    )
    from multiroute_core.cli.session import load_router

    router = load_router(config)
    if what != "-" and not Path(what).is_file():
        _refuse_missing_file(what)
        stored, canonical = stored_decision(router, what)
        return RecordFile(stored.record, stored.view), canonical
    document = read_document(Path(what))
    if is_record(document):
        file = RecordFile.of(document, what)
        return file, router.render(file.record, file.view)
    if is_canonical(document):
        stored, _ = _stored(router, str(document["decision"]), what)
        return RecordFile(stored.record, stored.view), _canonical_bytes(document)
    raise _no_record(what)


def _refuse_missing_file(what: str) -> None:
    from multiroute_core.api import ConfigError

    if what.endswith(".json") or "/" in what:
        raise ConfigError(f"{what}: there is no such file")


def _stored(router: MultiRoute, decision_id: str, what: str) -> tuple[StoredDecision, bytes]:
    """The stored decision that a canonical record in a file is of."""
    from multiroute_core.api import ConfigError, ModelNotFound
    from multiroute_core.cli.commands.explain import stored_decision

    try:
        return stored_decision(router, decision_id)
    except ModelNotFound as exc:
        raise ConfigError(
            f"{what}: a canonical record alone cannot be replayed, and its decision is not stored "
            f"here: {exc.message} (`multiroute explain … --record` prints all that a replay needs)"
        ) from exc


def _canonical_bytes(document: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _no_record(what: str) -> Exception:
    from multiroute_core.api import ConfigError

    return ConfigError(
        f"{what}: holds neither a record nor a decision "
        "(`multiroute explain ID --record` writes one)"
    )


def first_difference(expected: bytes, actual: bytes) -> str:
    """Where two canonical records part, in words.

    >>> print(first_difference(b'{"plan":["a","b"]}', b'{"plan":["a","c"]}'))
    plan[1]: recorded "b", now "c"
    """
    import json

    from multiroute_core.wire.strict import loads

    found = _difference(loads(expected), loads(actual), "")
    if found is None:
        return "the same values, but written differently"
    where, before, after = found
    shown = [
        "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
        for value in (before, after)
    ]
    return f"{where or 'the record'}: recorded {shown[0]}, now {shown[1]}"


_ABSENT = object()


def _difference(before: Any, after: Any, where: str) -> tuple[str, Any, Any] | None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            path = f"{where}.{key}" if where else key
            found = _difference(before.get(key, _ABSENT), after.get(key, _ABSENT), path)
            if found is not None:
                return found
        return None
    if isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            one = before[at] if at < len(before) else _ABSENT
            other = after[at] if at < len(after) else _ABSENT
            found = _difference(one, other, f"{where}[{at}]")
            if found is not None:
                return found
        return None
    if type(before) is type(after) and before == after:
        return None
    return where, before, after
