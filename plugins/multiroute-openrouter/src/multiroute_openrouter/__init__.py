"""OpenRouter for MultiRoute: chat completions."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_openrouter.provider import OpenRouterProvider
from multiroute_openrouter.settings import OpenRouterSettings

__all__ = ["OpenRouterProvider", "OpenRouterSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return OpenRouterSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, OpenRouterSettings) else OpenRouterSettings()
    return OpenRouterProvider(own, runtime)
