"""What an instance can be told beside its key and base URL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
_HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]


class CompatibleSettings(BaseModel):
    """Each field stands for the quirk of the same name (see `ChatQuirks`) and overrides the table.

    `headers`: sent with each request; never a secret. `discover`: ask `/models` at the start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: Annotated[str, Field(pattern=r"^/[^?#]*$")] | None = None
    responses_path: Annotated[str, Field(pattern=r"^/[^?#]*$")] | None = None
    operation_paths: dict[str, Annotated[str, Field(pattern=r"^/[^?#]*$")]] | None = None
    images_to_edit: Literal["form", "images", "input_references"] | None = None
    limits: tuple[str, ...] | None = None
    takes_stream_options: bool | None = None
    takes_developer_role: bool | None = None
    tool_choice_words: dict[str, str] | None = None
    names: dict[str, str] | None = None
    refused: tuple[str, ...] | None = None
    thinking_field: str | None = None
    takes_reasoning_details: bool | None = None
    has_reasoning_object: bool | None = None
    counts_reasoning_apart: bool | None = None
    cost: tuple[str, ...] | None = None
    cost_unit_pusd: Annotated[int, Field(gt=0)] | None = None
    unit_counts: dict[str, str] | None = None
    resets: tuple[tuple[str, str], ...] | None = None
    headers: dict[_HeaderName, _HeaderValue] | None = None
    discover: bool | None = None
