"""The fallback strategy `ladder`: same target, other key, other target, other model, by fault."""

from __future__ import annotations

from pydantic import BaseModel

from multiroute_core.api import FallbackStrategy, hookimpl
from multiroute_ladder.settings import LadderSettings
from multiroute_ladder.strategy import Ladder

__all__ = ["Ladder", "LadderSettings"]


@hookimpl
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """The keys beside `use` in `[profiles.<name>.fallback]`."""
    return LadderSettings


@hookimpl
def multiroute_make_fallback(name: str, settings: BaseModel | None) -> FallbackStrategy:
    """A ladder with a profile's settings."""
    return Ladder(settings if isinstance(settings, LadderSettings) else LadderSettings())
