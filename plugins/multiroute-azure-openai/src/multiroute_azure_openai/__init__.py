"""Azure OpenAI for MultiRoute: chat completions of deployments and of the v1 API."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_azure_openai.provider import AzureProvider
from multiroute_azure_openai.settings import AzureSettings
from multiroute_core.api import Provider, ProviderRuntime, hookimpl

__all__ = ["AzureProvider", "AzureSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return AzureSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one resource."""
    own = settings if isinstance(settings, AzureSettings) else AzureSettings()
    return AzureProvider(own, runtime)
