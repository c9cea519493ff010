"""The format's own words, shared by its readers and writers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WIRE: Final = "cohere"

PARAMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "p",
        "top_k": "k",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "logprobs": "logprobs",
    }
)
"""Common names of parameters, and this format's."""

PLAN: Final = "tool_plan"
"""The model's plan before its tool calls: a field of the message here, thinking in our words. The
part's `name` tells it from thinking that stands in the content."""

FOREIGN: Final = "belongs to another API format"
NO_PARAM: Final = "target has no such parameter"
NO_FIELD: Final = "target has no such field"
