"""What an instance can be told beside its keys and base URL."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AwsSettings(BaseModel):
    """`region`: where to call; without it, the profile's or environment's (`AWS_REGION`,
    `AWS_DEFAULT_REGION`), else `us-east-1`. `profile`: whose credentials and region to take from
    the shared AWS files; without it, the standard chain decides."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    profile: str | None = None


class BedrockSettings(AwsSettings):
    """`api`: "converse" or "invoke" for every call; "auto" takes InvokeModel where it holds more
    (a call in Claude's own format for Claude) or nothing else will do (embeddings, reranking), and
    Converse otherwise; an offering that lists one of them in `wires` decides for its model.
    `max_output`: tokens to allow where the client names no limit and the body requires one.
    `guardrail`: identifier and version of a guardrail for calls that name none."""

    api: Literal["auto", "converse", "invoke"] = "auto"
    max_output: int = Field(default=4096, gt=0)
    guardrail: str | None = None
    guardrail_version: str | None = None
    guardrail_trace: Literal["enabled", "disabled", "enabled_full"] | None = None

    @model_validator(mode="after")
    def _guardrail_is_whole(self) -> BedrockSettings:
        if (self.guardrail is None) != (self.guardrail_version is None):
            raise ValueError("guardrail and guardrail_version go together")
        return self


class MantleSettings(AwsSettings):
    """As for every AWS instance; `responses_path` is where the responses endpoint stands: the
    gateway's own by default, and "/openai/v1/responses" for the models that live there only."""

    responses_path: Literal["/v1/responses", "/openai/v1/responses"] | None = None
