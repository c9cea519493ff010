"""Google for MultiRoute: the Gemini API, Vertex AI, and the Gemini format for clients."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Extension, Provider, ProviderRuntime, hookimpl
from multiroute_google.extension import GoogleExtension
from multiroute_google.provider import GoogleProvider
from multiroute_google.settings import DialectSettings, GoogleSettings, VertexSettings
from multiroute_google.vertex import VertexProvider

__all__ = ["GoogleExtension", "GoogleProvider", "VertexProvider"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`, and none for the dialect."""
    if kind == "extension":
        return DialectSettings
    return VertexSettings if name == "google-vertex" else GoogleSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    if name == "google-vertex":
        own = settings if isinstance(settings, VertexSettings) else VertexSettings()
        return VertexProvider(own, runtime)
    return GoogleProvider(runtime)


@hookimpl
def multiroute_make_extension(name: str, settings: BaseModel | None) -> Extension:
    """The Gemini dialect."""
    return GoogleExtension()
