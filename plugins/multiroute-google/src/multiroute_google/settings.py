"""What the instances and the dialect can be told beside keys and base URL."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class GoogleSettings(BaseModel):
    """`[providers.<instance>.settings]` of `google`: none yet."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class VertexSettings(BaseModel):
    """`project`: the Google Cloud project; "" takes that of the credential. `location`: a region,
    or "global". `publisher`: whose models. `quota_project`: another project to bill quota to."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    project: str = ""
    location: str = "global"
    publisher: str = "google"
    quota_project: str | None = None


class DialectSettings(BaseModel):
    """`[plugins.google]` of the extension: none."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
