"""The extension `google`: the gateway speaks the Gemini format with its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from multiroute_core.api import (
    Command,
    Dialect,
    DialectRoute,
    Json,
    Route,
    frozen,
)
from multiroute_google.gemini import WIRE, GeminiDialect


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


def _routes(base: str) -> tuple[DialectRoute, ...]:
    """The paths below one version of the API. More exact routes come first: the first that fits
    is taken."""
    path = f"{base}/models/{{model}}"
    model: dict[str, Json] = {"model": "{model}"}
    stream = f"{path}:streamGenerateContent"
    as_events = frozen({**model, "stream": True, "alt": "sse"})
    as_array = frozen({**model, "stream": True})
    plain = frozen(model)
    return (
        DialectRoute("POST", f"{path}:generateContent", WIRE, "chat", plain),
        DialectRoute("POST", stream, WIRE, "chat", as_events, (("alt", "sse"),)),
        DialectRoute("POST", stream, WIRE, "chat", as_array, stream_type="application/json"),
        DialectRoute("POST", f"{path}:countTokens", WIRE, "count_tokens", plain),
        DialectRoute("POST", f"{path}:embedContent", WIRE, "embeddings", plain),
        DialectRoute("POST", f"{path}:batchEmbedContents", WIRE, "embeddings", plain),
    )


ROUTES: Final[tuple[DialectRoute, ...]] = (*_routes("/v1beta"), *_routes("/v1"))
"""Both versions of the API: the vendor's Python SDK 3 asks below /v1, older clients /v1beta."""
