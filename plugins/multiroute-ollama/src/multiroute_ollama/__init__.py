"""Ollama for MultiRoute: a server of one's own, or Ollama's cloud."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_ollama.provider import OllamaProvider
from multiroute_ollama.settings import OllamaSettings

__all__ = ["OllamaProvider", "OllamaSettings"]

_CLOUD: Final = "ollama-cloud"


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return OllamaSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance. The cloud's models stand in the offerings file."""
    own = settings if isinstance(settings, OllamaSettings) else OllamaSettings()
    return OllamaProvider(own, runtime, is_local=name != _CLOUD)
