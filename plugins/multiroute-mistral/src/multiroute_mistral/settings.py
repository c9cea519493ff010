"""What a Mistral instance can be told beside its key and base URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class MistralSettings(BaseModel):
    """`safe_prompt` true asks for Mistral's safety prompt in each call that says nothing of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    safe_prompt: bool | None = None
