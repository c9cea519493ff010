"""What an OpenRouter instance can be told beside its key and base URL."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Printable = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]


class OpenRouterSettings(BaseModel):
    """`referer` and `title` name your application in OpenRouter's statistics."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    referer: _Printable | None = None
    title: _Printable | None = None
