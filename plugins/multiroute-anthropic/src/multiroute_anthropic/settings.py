"""What an Anthropic instance can be told beside its key and base URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AnthropicSettings(BaseModel):
    """`max_output`: tokens to allow where the client names no limit (the format requires one).
    `version`: the API version header. `beta`: features to switch on for every request."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    max_output: int = Field(default=4096, gt=0)
    version: str = "2023-06-01"
    beta: tuple[str, ...] = ()
