"""Providers of the chat format for MultiRoute, described by data."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_openai_compatible.provider import CompatibleProvider
from multiroute_openai_compatible.settings import CompatibleSettings
from multiroute_openai_compatible.table import entry

__all__ = ["CompatibleProvider", "CompatibleSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`: what this instance does otherwise than the table says."""
    return CompatibleSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, CompatibleSettings) else CompatibleSettings()
    return CompatibleProvider(entry(name, own), runtime)
