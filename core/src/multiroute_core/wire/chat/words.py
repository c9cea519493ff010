"""The format's own words, shared by its readers and writers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from multiroute_core.api.json import JsonObject

WIRE: Final = "chat"

PARAMS: Final = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "user",
        "metadata",
        "service_tier",
        "store",
        "modalities",
        "audio",
        "prediction",
        "verbosity",
        "prompt_cache_key",
        "safety_identifier",
        "web_search_options",
    }
)
"""Parameters with a common name; a codec carries each over or reports it lost."""

LIMITS: Final = ("max_completion_tokens", "max_tokens")
"""The names of the output limit; the first that is given counts."""

ImageInputs: TypeAlias = Literal["form", "images", "input_references"]
"""How a provider takes images to edit: as files of a form (as addresses in `images`, where none is
a file); as objects with a `url` in `images`; or as content parts in `input_references`."""

THOUGHTS: Final = ("reasoning_content", "reasoning")
"""Names under which providers give thinking as plain text."""

FAMILIES: Final[Mapping[str, str]] = MappingProxyType(
    {"anthropic-claude-v1": "messages", "openai-responses-v1": "responses"}
)
"""Formats of reasoning details (OpenRouter's words, 2026-08) whose signatures are those of a wire
format of ours: they may go back to that family."""


def family(detail: JsonObject) -> str:
    """Whose shape a detail's opaque content has: a wire name, or the provider's own word."""
    own = detail.get("format")
    return FAMILIES.get(own, own) if isinstance(own, str) else WIRE
