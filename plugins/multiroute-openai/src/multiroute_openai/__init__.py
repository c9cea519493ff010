"""OpenAI for MultiRoute: chat completions, responses, and what stands beside them."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_openai.provider import OpenAIProvider
from multiroute_openai.settings import OpenAISettings

__all__ = ["OpenAIProvider", "OpenAISettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return OpenAISettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, OpenAISettings) else OpenAISettings()
    return OpenAIProvider(own, runtime)
