"""The provider `sandbox`: real sockets, scripted answers that say so, faults on request."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import Provider, ProviderRuntime, hookimpl
from multiroute_sandbox.adapter import Sandbox
from multiroute_sandbox.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """The keys of `[providers.<instance>.settings]`."""
    return SandboxSettings


@hookimpl
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one instance; its upstream starts with it."""
    chosen = settings if isinstance(settings, SandboxSettings) else SandboxSettings()
    return Sandbox(chosen, runtime)
