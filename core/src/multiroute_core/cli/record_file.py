"""RecordFile: a stored decision with the view that it cites, in one self-contained document.

    {"record": {"type": "decision", …}, "view": {"type": "view", "id": …, "view": …}}

Both halves have the form in which the record stores keep them. `explain --record` writes it,
`explain` and `replay` read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiroute_core.api import DecisionRecord, View


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A decision and what it looked at: all that a replay needs beside project and plugins."""

    record: DecisionRecord
    view: View

    def encode(self) -> bytes:
        """The document, one line."""
        from multiroute_core.api import ViewRecord, encode_record

        record = encode_record(self.record)
        view = encode_record(ViewRecord(self.record.decision.view_id, self.view))
        return b'{"record":' + record + b',"view":' + view + b"}"

    @classmethod
    def of(cls, document: dict[str, Any], where: str) -> RecordFile:
        """The two halves, read back.

        Raises:
            ConfigError: they are no record and view, or the view is another decision's.
        """
        from multiroute_core.api import (
            ConfigError,
            DecisionRecord,
            NotARecord,
            ViewRecord,
            decode_record,
        )
        from multiroute_core.router.deciding import view_id

        try:
            record = decode_record(json.dumps(document.get("record")))
            view = decode_record(json.dumps(document.get("view")))
        except NotARecord as exc:
            raise ConfigError(f"{where}: is no recorded decision: {exc}") from exc
        if not isinstance(record, DecisionRecord) or not isinstance(view, ViewRecord):
            raise ConfigError(f"{where}: 'record' should be a decision and 'view' a view")
        found = view_id(view.view)
        if not view.id == found == record.decision.view_id:
            raise ConfigError(
                f"{where}: the decision cites view {record.decision.view_id}, "
                f"but the view in the file is {found} by its content"
            )
        return cls(record, view.view)


def is_record(document: dict[str, Any]) -> bool:
    """Whether a JSON object is a self-contained record."""
    return "record" in document and "view" in document


def is_canonical(document: dict[str, Any]) -> bool:
    """Whether a JSON object is a canonical record, as `explain --json` prints it."""
    return "decision" in document and "candidates" in document and "plan" in document


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object of a file; `-` is stdin.

    Raises:
        ConfigError: it cannot be read, or is no JSON object.
    """
    from multiroute_core.api import ConfigError, InvalidRequest
    from multiroute_core.wire.strict import parse_object

    where = "stdin" if str(path) == "-" else str(path)
    try:
        body = _read(path)
    except OSError as exc:
        raise ConfigError(f"{where}: cannot be read: {exc.strerror or exc}") from exc
    try:
        return parse_object(body)
    except InvalidRequest as exc:
        said = exc.message.replace("the request body", "the content")
        raise ConfigError(f"{where}: {said}") from exc


def _read(path: Path) -> bytes:
    import sys

    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
