"""ProviderTable and ModelTable: where calls go, and what differs from the catalog's facts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, StrictStr

from multiroute_core.project.problems import did_you_mean
from multiroute_core.project.secrets import SecretRef
from multiroute_core.project.values import (
    BaseUrl,
    ByText,
    Count,
    Flag,
    Fraction,
    Money,
    Name,
    Options,
    ServeEntry,
    Table,
    Text,
    empty_mapping,
    refuse,
)


class Quota(Table):
    """Known upstream limits of an instance: overflow goes to the next target before the 429."""

    rpm: Count | None = None
    tpm: Count | None = None
    rpd: Count | None = None
    tpd: Count | None = None
    concurrent: Count | None = None


class ProviderTable(Table):
    """`[providers.<instance>]`: one configured instance of a provider plugin.

    `plugin` is by default the instance's own name. Each of `api_keys` makes a target of its
    own. `settings` belongs to the plugin.
    """

    elsewhere = "the plugin's own keys belong in [providers.<instance>.settings]"

    plugin: Name | None = None
    base_url: BaseUrl | None = None
    api_keys: tuple[SecretRef, ...] = ()
    tags: tuple[Text, ...] = ()
    quota: Quota | None = None
    settings: Options = Field(default_factory=empty_mapping)


class Prices(Table):
    """USD per million tokens of one kind. Stating one replaces all that the catalog says: what is
    then left out is unknown."""

    input: Money | None = None
    output: Money | None = None
    cache_read: Money | None = None
    cache_write: Money | None = None
    cache_write_5m: Money | None = None
    cache_write_1h: Money | None = None
    reasoning: Money | None = None
    input_audio: Money | None = None
    output_audio: Money | None = None
    input_image: Money | None = None
    output_image: Money | None = None

    @property
    def rates(self) -> Mapping[str, Decimal]:
        """What is stated, by the kind of token."""
        return {name: usd for name, usd in self if usd is not None}


class Capabilities(Table):
    """What a model can do; absent is unknown. `context` and `max_output` in tokens."""

    context: Count | None = None
    max_output: Count | None = None
    audio_in: Flag | None = None
    documents: Flag | None = None
    json_mode: Flag | None = None
    json_schema: Flag | None = None
    logprobs: Flag | None = None
    parallel_tools: Flag | None = None
    prompt_caching: Flag | None = None
    reasoning: Flag | None = None
    streaming: Flag | None = None
    tools: Flag | None = None
    vision: Flag | None = None
    web_search: Flag | None = None

    @property
    def flags(self) -> Mapping[str, bool]:
        """What is stated true or false, by name."""
        return {name: value for name, value in self if isinstance(value, bool)}


CAPABILITIES = frozenset(Capabilities.model_fields) - {"context", "max_output"}
"""Names that a profile may require; a typo must not remove every candidate."""


class ModelTable(Table):
    """`[models."lab/name"]`: only what differs from the catalog.

    `serve` lists where the model is sold; () leaves that to the catalog. `quality` is 0..1 by use
    case, `default` for the rest.
    """

    serve: tuple[ServeEntry, ...] = ()
    price: Prices = Field(default_factory=Prices)
    quality: ByText[Fraction] = Field(default_factory=empty_mapping)
    capabilities: Capabilities = Field(default_factory=Capabilities)


def _requirement(value: str) -> str:
    """A capability's name, with a trailing '?' where only the request decides."""
    name = value.removesuffix("?")
    if name not in CAPABILITIES:
        refuse(f"unknown capability '{name}'", did_you_mean(name, CAPABILITIES), is_sentence=True)
    return value


Requirement: TypeAlias = Annotated[StrictStr, AfterValidator(_requirement)]
