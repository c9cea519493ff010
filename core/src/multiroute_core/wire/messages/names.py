"""Names of the messages format that several modules here share."""

from __future__ import annotations

from typing import Final

WIRE: Final = "messages"

QUERY_HEADER: Final = b"x-multiroute-query"
"""Under this name the gateway puts the client's query string into `Call.headers`."""

BETA_QUERY: Final = b"beta=true"
"""The one query string that this format knows."""

BETA_HEADER: Final = b"anthropic-beta"
VERSION_HEADER: Final = b"anthropic-version"
CLIENT_HEADERS: Final = frozenset({BETA_HEADER, VERSION_HEADER})
"""Headers of a client that belong to its request in this format."""

FOREIGN: Final = "belongs to another API format"
NO_PARAM: Final = "target has no such parameter"
