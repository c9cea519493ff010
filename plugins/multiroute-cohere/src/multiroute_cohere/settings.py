"""What a Cohere instance can be told beside its key and base URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class CohereSettings(BaseModel):
    """`embed_input_type`: what vectors are for, where the client's format has no word for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    embed_input_type: str = "search_document"
