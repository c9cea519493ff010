"""What an OpenAI instance can be told beside its key and base URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class OpenAISettings(BaseModel):
    """`organization` and `project` go along as headers, for accounts that have several."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    organization: str | None = None
    project: str | None = None
