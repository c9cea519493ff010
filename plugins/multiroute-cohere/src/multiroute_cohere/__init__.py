"""Cohere for MultiRoute: chat, embeddings, reranking and transcriptions of its API version 2."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_cohere.provider import CohereProvider
from multiroute_cohere.settings import CohereSettings
from multiroute_core.api import Provider, ProviderRuntime, hookimpl

__all__ = ["CohereProvider", "CohereSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return CohereSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    own = settings if isinstance(settings, CohereSettings) else CohereSettings()
    return CohereProvider(own, runtime)
