"""`faults`: every recorded error gets the kind, status and retry verdict that `faults.toml` states,
and keeps the provider's message."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from multiroute_core.api.faults import Fault
from tests.fidelity.corpus import Record, wire_folder
from tests.fidelity.fault_rules import Stated, by_rule, words
from tests.fidelity.harness import Run
from tests.fidelity.oracle.reading import CHATS, tell
from tests.fidelity.registry import way_of

FILE = Path(__file__).resolve().parents[1] / "faults.toml"
_PLACES = ("same", "key", "target", "model")


@cache
def stated() -> Mapping[str, Stated]:
    """What `faults.toml` states, and a file of that name beside the recordings."""
    found: dict[str, Stated] = {}
    for path in (FILE, wire_folder() / "faults.toml"):
        if path.is_file():
            lines = tomllib.loads(path.read_text(encoding="utf-8"))
            found |= {record_id: Stated(**line) for record_id, line in lines.items()}
    return found


def ruled(record: Record) -> Stated | None:
    """What the rules say of a record; None: no fault."""
    error = None
    oracle = way_of(record).oracle
    if record.ok and record.body.strip() and oracle in CHATS:
        error = tell(oracle, record.body, record.framing).error
    return by_rule(record.status, record.body, error, record.framing)


def check(run: Run) -> list[str] | None:
    """What is wrong with the fault that we make of an error."""
    record = run.record
    wanted = stated().get(record.id) or ruled(record)
    if wanted is None:
        return None
    fault = run.reply.fault if record.ok else run.fault()
    if fault is None:
        return [f"no fault where there is {wanted.cause or wanted.kind}"]
    return list(_wrong(record, wanted, fault))


def _wrong(record: Record, wanted: Stated, fault: Fault) -> Iterator[str]:
    if fault.kind != wanted.kind:
        yield f"kind {fault.kind}, not {wanted.kind}"
    if wanted.cause is not None and fault.treated_as != wanted.cause:
        yield f"treated as {fault.treated_as}, not {wanted.cause}"
    row = fault.row
    verdict = (row.same, row.other_key, row.other_target, row.other_model)
    retry = " ".join(place for place, may in zip(_PLACES, verdict, strict=True) if may)
    if retry != wanted.retry:
        yield f"another try may help at {retry!r}, not {wanted.retry!r}"
    if not record.ok and fault.status != wanted.status:
        yield f"status {fault.status}, not {wanted.status}"
    pushback = fault.retry_after_s
    if wanted.retry_after_s is not None and (
        pushback is None or abs(pushback - wanted.retry_after_s) > 1
    ):
        yield f"retry after {pushback}, not {wanted.retry_after_s}"
    message = _message(record)
    if not fault.message:
        yield "no message"
    elif message and message not in fault.message and fault.treated_as != "upstream_auth":
        # A refused credential: the provider's words may hold parts of the key.
        yield f"the message {fault.message!r} is not the provider's {message!r}"


def _message(record: Record) -> str:
    if not record.ok:
        return words(record.body)[0]
    if not record.body.strip():
        return ""
    return tell(way_of(record).oracle, record.body, record.framing).error or ""
