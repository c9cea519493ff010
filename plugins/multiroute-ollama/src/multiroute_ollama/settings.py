"""What an Ollama instance can be told beside its base URL."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class OllamaSettings(BaseModel):
    """`api`: which of its two APIs conversations go through. `num_ctx` (tokens) and `keep_alive`
    (a duration as Ollama spells it, or seconds) hold for calls that say nothing of it; only the
    native API has them. `discover`: ask the server at start for its models."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api: Literal["compatible", "native"] = "compatible"
    num_ctx: int | None = Field(default=None, ge=1)
    keep_alive: str | int | None = None
    discover: bool = True

    @model_validator(mode="after")
    def _native_only(self) -> Self:
        if self.api != "native" and not (self.num_ctx is None and self.keep_alive is None):
            raise ValueError('num_ctx and keep_alive need api = "native"')
        return self
