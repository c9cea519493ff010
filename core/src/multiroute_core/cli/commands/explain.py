"""`multiroute explain`: why a request goes where it goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multiroute_core.cli.examples import examples
from multiroute_core.cli.options import AsJson, Config

if TYPE_CHECKING:
    from multiroute_core.router import MultiRoute, StoredDecision

_EPILOG = examples(
    ('multiroute explain --model balanced "Hi"', "a prompt that is not sent"),
    ("multiroute explain request.json", "a whole request that is not sent"),
    ("multiroute explain d-1a2b3c", "a decision that was made: x-multiroute-decision"),
    ("multiroute explain d-1a2b3c --record > d.json", "keep it for `multiroute replay d.json`"),
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EPILOG)(explain)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT | FILE | DECISION",
            help="With --model a prompt. Else the file of a request or record (- is stdin), or "
            "a decision's id.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="Explain this prompt for this model."),
    ] = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Print the decision with what it looked at, for `multiroute replay`."
        ),
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show why a request goes where it goes; nothing is sent.

    Every candidate with what removed it or what each scorer says of it (value and unit), its
    utility in points, and the plan that follows. For a decision that was made, also what became of
    its attempts. --json prints the canonical record: one byte form, integers of 1e-9 units.
    """
    from multiroute_core.cli.record_file import is_record, read_document

    if model is not None:
        document: dict[str, Any] | None = _request(model, what)
    elif what == "-" or Path(what).is_file():
        document = read_document(Path(what))
    else:
        _refuse_missing_file(what)
        document = None
    if document is None:
        _explain_stored(what, config, as_json=as_json, as_record=record)
    elif is_record(document):
        _explain_record(document, what, config, as_json=as_json)
    else:
        _explain_request(document, config, as_json=as_json, as_record=record)


def _request(model: str, prompt: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}]}


def _refuse_missing_file(what: str) -> None:
    """A path that leads nowhere would otherwise be looked up as a decision."""
    from multiroute_core.api import ConfigError

    if what.endswith(".json") or "/" in what:
        raise ConfigError(f"{what}: there is no such file")
    if any(char.isspace() for char in what):
        raise ConfigError(
            f"is {what[:40]!r} a prompt? then name the model: "
            f"multiroute explain --model NAME {what[:40]!r}"
        )


def _explain_request(
    document: dict[str, Any], config: Path | None, *, as_json: bool, as_record: bool
) -> None:
    from multiroute_core.api import ConfigError
    from multiroute_core.cli.record_file import RecordFile, is_canonical
    from multiroute_core.cli.session import load_router, operator
    from multiroute_core.wire.strict import loads

    if is_canonical(document):
        raise ConfigError(
            "this is a canonical record already: give the request, or the decision's id: "
            f"{document['decision']}"
        )
    router = load_router(config)
    call = router.dialects["chat"].call("chat", document, ())
    file = RecordFile(*router.explained(call, operator(router)))
    if as_record:
        _write(file.encode())
        return
    canonical = router.render(file.record, file.view)
    _show(canonical, loads(canonical), as_json=as_json)


def _explain_record(
    document: dict[str, Any], where: str, config: Path | None, *, as_json: bool
) -> None:
    from multiroute_core.cli.record_file import RecordFile
    from multiroute_core.cli.session import load_router
    from multiroute_core.wire.strict import loads

    file = RecordFile.of(document, where)
    canonical = load_router(config).render(file.record, file.view)
    _show(canonical, loads(canonical), as_json=as_json)


def _explain_stored(
    decision_id: str, config: Path | None, *, as_json: bool, as_record: bool
) -> None:
    from multiroute_core.cli.decision_table import print_attempts
    from multiroute_core.cli.record_file import RecordFile
    from multiroute_core.cli.session import load_router
    from multiroute_core.wire.strict import loads

    router = load_router(config)
    stored, canonical = stored_decision(router, decision_id)
    if as_record:
        _write(RecordFile(stored.record, stored.view).encode())
        return
    _show(canonical, loads(canonical), as_json=as_json)
    if not as_json:
        print_attempts(stored.call, stored.attempts)


def stored_decision(router: MultiRoute, decision_id: str) -> tuple[StoredDecision, bytes]:
    """A decision of the project's store, and its canonical record.

    Raises:
        CallError: it is not there; the message says where else it may be.
    """
    import asyncio

    from multiroute_core.api import ModelNotFound

    async def ask() -> tuple[StoredDecision, bytes]:
        async with router:
            stored = await router.stored(decision_id)
            return stored, router.render(stored.record, stored.view)

    try:
        return asyncio.run(ask())
    except ModelNotFound as exc:
        if router.project.file.stores.ledger.scheme == "memory":
            hint = (
                "[stores] ledger is memory:, which every process has for itself: with a store on "
                'disk, such as "sqlite:///.multiroute/state.db", decisions can be read later'
            )
            raise ModelNotFound(f"{exc.message} ({hint})") from exc
        raise


def _show(canonical: bytes, record: dict[str, Any], *, as_json: bool) -> None:
    from multiroute_core.cli.decision_table import print_decision

    if as_json:
        _write(canonical)
    else:
        print_decision(record)


def _write(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.buffer.flush()
