"""Names of the Converse format, and how its media formats are spelt elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api import Json

WIRE: Final = "converse"

OMITTED: Final = "omitted"
"""Id of a thinking part whose text was withheld: its signature is no redacted content, and goes
back as a signature. An id comes through every client dialect that knows thinking."""

DOCUMENTS: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
"""Document formats and their media types."""

IMAGES: Final = frozenset({"png", "jpeg", "gif", "webp"})


def overlaid(below: Mapping[str, Json], above: Mapping[str, Json]) -> dict[str, Json]:
    """`above` laid over `below`, objects within objects too.

    >>> overlaid({"a": {"b": 1}}, {"a": {"c": 2}})
    {'a': {'b': 1, 'c': 2}}
    """
    joined = dict(below)
    for name, value in above.items():
        old = joined.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            joined[name] = overlaid(old, value)
        else:
            joined[name] = value
    return joined
