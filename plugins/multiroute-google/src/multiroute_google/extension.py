"""The extension `google`: the gateway speaks the Gemini format with its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from multiroute_core.api import (
    Command,
    Dialect,
    Json,
    JsonObject,
    Operation,
    Route,
    Wire,
    frozen,
)
from multiroute_google.gemini import WIRE, GeminiDialect


class DialectRoute(Struct, frozen=True, gc=False):
    """A path at which core answers calls of a dialect.

    `path` may hold names in braces, each for one or more characters but "/". `put` is laid over the
    client's document before the dialect reads it; "{name}" in it stands for what was in the path.
    `query`: the route is meant only if the query has these. `stream_type`: content type of a stream
    here, "" for the dialect's own.
    """

    method: str
    path: str
    wire: Wire
    operation: Operation
    put: JsonObject = frozen({})
    query: tuple[tuple[str, str], ...] = ()
    stream_type: str = ""


class GoogleExtension:
    """The Gemini dialect and where it is spoken."""

    async def start(self) -> None:
        """Nothing to provision."""

    async def aclose(self) -> None:
        """Nothing to release."""

    def dialects(self) -> Sequence[Dialect]:
        """The Gemini dialect."""
        return (GeminiDialect(),)

    def endpoints(self) -> Sequence[DialectRoute]:
        """The paths of the Gemini API. A stream is a JSON array unless `alt=sse` is asked for."""
        return ROUTES

    def routes(self) -> Sequence[Route]:
        """No routes with a handler of their own."""
        return ()

    def commands(self) -> Sequence[Command]:
        """No commands."""
        return ()


def _route(verb: str, operation: Operation, **put: Json) -> DialectRoute:
    path = f"/v1beta/models/{{model}}:{verb}"
    return DialectRoute("POST", path, WIRE, operation, frozen({"model": "{model}", **put}))


_STREAM: Final = "/v1beta/models/{model}:streamGenerateContent"

ROUTES: Final[tuple[DialectRoute, ...]] = (
    _route("generateContent", "chat", stream=False),
    DialectRoute(
        "POST",
        _STREAM,
        WIRE,
        "chat",
        frozen({"model": "{model}", "stream": True, "alt": "sse"}),
        (("alt", "sse"),),
    ),
    DialectRoute(
        "POST",
        _STREAM,
        WIRE,
        "chat",
        frozen({"model": "{model}", "stream": True}),
        stream_type="application/json",
    ),
    _route("countTokens", "count_tokens"),
    _route("embedContent", "embeddings"),
    _route("batchEmbedContents", "embeddings"),
)
"""More exact routes come first: the first that fits is taken."""
