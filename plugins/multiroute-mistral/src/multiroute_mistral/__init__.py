"""Mistral for MultiRoute: chat completions."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_mistral.provider import MistralProvider
from multiroute_mistral.settings import MistralSettings

__all__ = ["MistralProvider", "MistralSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return MistralSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, MistralSettings) else MistralSettings()
    return MistralProvider(own, runtime)
