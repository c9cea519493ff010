"""Where calls are answered: core's own paths, and those of extensions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, unquote

from multiroute_core.api.extension import DialectRoute

CORE_ROUTES: Final[Sequence[DialectRoute]] = (
    DialectRoute("POST", "/v1/chat/completions", "chat", "chat"),
    DialectRoute("POST", "/v1/responses", "responses", "chat"),
    DialectRoute("POST", "/v1/messages", "messages", "chat"),
    DialectRoute("POST", "/v1/messages/count_tokens", "messages", "count_tokens"),
    DialectRoute("POST", "/v1/embeddings", "embeddings", "embeddings"),
    DialectRoute("POST", "/v1/images/generations", "images", "images"),
    DialectRoute("POST", "/v1/images/edits", "images", "image_edits", takes_form=True),
    DialectRoute("POST", "/v1/rerank", "rerank", "rerank"),
    DialectRoute("POST", "/v1/moderations", "moderations", "moderations"),
    DialectRoute("POST", "/v1/audio/speech", "speech", "speech"),
    DialectRoute(
        "POST", "/v1/audio/transcriptions", "transcriptions", "transcriptions", takes_form=True
    ),
)
"""One whose dialect the router lacks is not served."""

_NAME: Final = re.compile(r"\\\{(\w+)\\\}")


def is_exact(route: DialectRoute) -> bool:
    """Whether the path stands for itself alone."""
    return "{" not in route.path and not route.query


class PatternRoutes:
    """Routes whose paths hold names; the first that fits is taken."""

    def __init__(self, routes: Sequence[DialectRoute]) -> None:
        self._routes = [
            (re.compile(_NAME.sub(r"(?P<\1>[^/]+?)", re.escape(route.path))), route)
            for route in routes
        ]

    def find(
        self, method: str, path: bytes, query: bytes
    ) -> tuple[DialectRoute, Mapping[str, str]] | None:
        """The route of a request and what its names stand for, percent-decoded; None: none."""
        if not self._routes:
            return None
        text = path.decode("latin-1")
        given = dict(parse_qsl(query.decode("latin-1"), max_num_fields=64))
        for pattern, route in self._routes:
            found = pattern.fullmatch(text)
            if (
                found is not None
                and route.method == method
                and all(given.get(name) == value for name, value in route.query)
            ):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None
