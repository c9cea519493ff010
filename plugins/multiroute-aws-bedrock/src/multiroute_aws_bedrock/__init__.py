"""AWS Bedrock for MultiRoute: Converse, InvokeModel, and the Mantle endpoints."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_aws_bedrock.mantle import MantleProvider
from multiroute_aws_bedrock.provider import BedrockProvider
from multiroute_aws_bedrock.settings import BedrockSettings, MantleSettings
from multiroute_core.api import Provider, ProviderRuntime, hookimpl

__all__ = ["BedrockProvider", "BedrockSettings", "MantleProvider", "MantleSettings"]

_MANTLE = "aws-bedrock-mantle"


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """`[providers.<instance>.settings]`."""
    return MantleSettings if name == _MANTLE else BedrockSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance."""
    if name == _MANTLE:
        mantle = settings if isinstance(settings, MantleSettings) else MantleSettings()
        return MantleProvider(mantle, runtime)
    own = settings if isinstance(settings, BedrockSettings) else BedrockSettings()
    return BedrockProvider(own, runtime)
