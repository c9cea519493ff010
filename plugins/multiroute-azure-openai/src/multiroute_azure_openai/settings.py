"""What an Azure instance can be told beside its key and base URL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class AzureSettings(BaseModel):
    """`api`: which URLs to use; "auto" takes the v1 ones where the base URL ends in /openai/v1.

    `api_version` goes along in the deployments form (Source: Microsoft's list of API versions,
    2024-10-21 is the last dated release for inference). `auth` "bearer": the credential is an Entra
    token, from a `cmd` secret, say. `deployments` names the model behind each deployment, so that
    prices and qualities are known although the deployment has a name of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api: Literal["auto", "deployments", "v1"] = "auto"
    api_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "2024-10-21"
    auth: Literal["api-key", "bearer"] = "api-key"
    deployments: dict[str, str] = {}
