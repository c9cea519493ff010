"""SeenRequest: one request as it arrived at a scripted upstream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One whole request, body included.

    `path` and `query` are as they stood on the request line (still percent-encoded); header names
    are in lower case, in the order of arrival, repeats kept. `connection` counts the accepted
    connections from 1, so equal numbers show a connection that was used again. `arrived_s` is
    `time.monotonic()` when the last byte was read.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int = 0
    arrived_s: float = 0.0
    http_version: str = "1.1"

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first header of that name (any case), or `default`."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), default)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is not JSON."""
        return orjson.loads(self.body)

    @property
    def wants_close(self) -> bool:
        """Whether the client asked for the connection to end after the answer."""
        connection = (self.header("connection") or "").lower()
        if self.http_version == "1.0":
            return "keep-alive" not in connection
        return "close" in connection
