"""ProjectFile: the whole of `multiroute.toml` as frozen, checked values."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictInt, model_validator

from multiroute_core.project.access import Aliases, Budget, Expect, KeyTable
from multiroute_core.project.policy import Profile
from multiroute_core.project.secrets import SecretRef
from multiroute_core.project.supply import ModelTable, ProviderTable
from multiroute_core.project.values import (
    ByModel,
    Dumped,
    Frozen,
    Listen,
    ListenAddress,
    Name,
    Named,
    Options,
    Table,
    Text,
    empty_mapping,
    has_secret_in_url,
    refuse,
)

SCHEMA = 1
"""The contract of the file that this version reads."""


def _schema(value: int) -> int:
    if value != SCHEMA:
        refuse(
            f"must be {SCHEMA}", "this version reads no other; install a core that fits the file"
        )
    return value


class ProjectTable(Table):
    """`[project]`. `default` is the profile of callers that name none."""

    name: Text = "default"
    environment: Literal["dev", "staging", "prod"] = "dev"
    default: Name | None = None


class Gateway(Table):
    """`[gateway]`."""

    listen: ListenAddress = Listen("127.0.0.1", 4300)


def _store_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        refuse("must be a store's URL", 'for example "memory:" or "sqlite:///path/state.db"')
    if not parts.scheme or any(char.isspace() for char in value):
        refuse("must be a store's URL", 'for example "memory:" or "sqlite:///path/state.db"')
    if has_secret_in_url(value):
        refuse(
            "holds a literal secret",
            'write { url = "scheme://user@host/name", password = { env = "NAME" } }',
        )
    return value


class StoreTable(Table):
    """One store: its URL, whose scheme picks the plugin, and its password where it has one."""

    url: Annotated[Text, AfterValidator(_store_url)]
    password: SecretRef | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value

    @property
    def scheme(self) -> str:
        """What stands before the URL's first colon: the store plugin's name."""
        return urlsplit(self.url).scheme


class Stores(Table):
    """`[stores]`; a URL alone or a table with `url` and `password`."""

    state: StoreTable = StoreTable(url="memory:")
    ledger: StoreTable = StoreTable(url="memory:")


def _plugin_file(value: str) -> str:
    path = PurePath(value)
    if path.suffix != ".py" or not path.stem.isidentifier():
        refuse("must be a Python file", 'for example "./my_scorer.py", named as an identifier')
    return value


class Plugins(Table):
    """`[plugins]`: only what is listed loads; `settings` belong to scorers, observers, …"""

    enable: tuple[Name, ...] = ()
    local: tuple[Annotated[Text, AfterValidator(_plugin_file)], ...] = ()
    settings: Named[Options] = Field(default_factory=empty_mapping)

    @property
    def local_names(self) -> tuple[str, ...]:
        """The names that the local files go by: their stems."""
        return tuple(PurePath(file).stem for file in self.local)


class ProjectFile(Table):
    """The whole file. Profiles stand here with what they extend merged in."""

    contract: Annotated[StrictInt, AfterValidator(_schema)] = Field(default=SCHEMA, alias="schema")
    include: tuple[Text, ...] = ()
    project: ProjectTable = Field(default_factory=ProjectTable)
    gateway: Gateway = Field(default_factory=Gateway)
    stores: Stores = Field(default_factory=Stores)
    plugins: Plugins = Field(default_factory=Plugins)
    providers: Named[ProviderTable] = Field(default_factory=empty_mapping)
    models: ByModel[ModelTable] = Field(default_factory=empty_mapping)
    profiles: Named[Profile] = Field(default_factory=empty_mapping)
    aliases: Annotated[Aliases, Frozen, Dumped] = Field(default_factory=empty_mapping)
    keys: Named[KeyTable] = Field(default_factory=empty_mapping)
    budgets: Named[Budget] = Field(default_factory=empty_mapping)
    expect: tuple[Expect, ...] = ()

    def plugin_of(self, instance: str) -> str:
        """The provider plugin behind an instance: by default of the same name."""
        return self.providers[instance].plugin or instance
