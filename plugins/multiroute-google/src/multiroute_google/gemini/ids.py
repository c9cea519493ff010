"""Ids of function calls, where the format has none: made on reading, dropped on writing."""

from __future__ import annotations

import re
import zlib
from typing import Final

MADE: Final = "call_gm_"
"""How an id begins that this codec made."""

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST: Final = 22


class CallIds:
    """Gives ids to the calls of one document, and to the results that answer them.

    The same document always gets the same ids. A result without an id answers the earliest call of
    its name that has no result yet: the vendor matches by name and order as well. Ids stay below 40
    characters, which other formats ask for.
    """

    def __init__(self, of: str = "") -> None:
        self._of = _FOREIGN.sub("", of)[-_LONGEST:]
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def of_call(self, own: str | None, name: str, arguments: str) -> str:
        """The id of a call: its own, or one made of the reply's id and the call's number."""
        number, self._count = self._count, self._count + 1
        of = self._of or f"{zlib.crc32(f'{name} {arguments}'.encode()):08x}"
        call_id = own or f"{MADE}{of}_{number}"
        self._open.append((name, call_id))
        return call_id

    def of_result(self, own: str | None, name: str) -> str:
        """The id of the call that a result answers."""
        for at, (called, call_id) in enumerate(self._open):
            if call_id == own or (own is None and called == name):
                del self._open[at]
                return call_id
        number, self._count = self._count, self._count + 1
        return own or f"{MADE}{self._of}_{number}"


def written_id(call_id: str | None) -> str | None:
    """The id to write: none where it was made here."""
    return None if not call_id or call_id.startswith(MADE) else call_id
