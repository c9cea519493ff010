"""Anthropic for MultiRoute: messages."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_anthropic.provider import AnthropicProvider
from multiroute_anthropic.settings import AnthropicSettings
from multiroute_core.api import Provider, ProviderRuntime, hookimpl

__all__ = ["AnthropicProvider", "AnthropicSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return AnthropicSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, AnthropicSettings) else AnthropicSettings()
    return AnthropicProvider(own, runtime)
