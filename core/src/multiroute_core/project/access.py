"""KeyTable, Budget and Expect: who may call, how much may be spent, and the routing tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StrictStr, model_validator

from multiroute_core.project.problems import did_you_mean
from multiroute_core.project.values import (
    Count,
    Document,
    KeyHash,
    Money,
    Name,
    PositiveNumber,
    Table,
    Text,
    empty_mapping,
    refuse,
)

_KNOBS = frozenset(
    {
        "allow_fallbacks",
        "data_collection",
        "ignore",
        "max_price",
        "models",
        "only",
        "order",
        "require_parameters",
        "sort",
    }
)
"""What a request may override, where its key allows it."""


def _override(value: str) -> str:
    knob = value.removeprefix("provider.")
    if knob not in _KNOBS:
        refuse("is not a request-time override", did_you_mean(knob, _KNOBS))
    return knob


Override: TypeAlias = Annotated[StrictStr, AfterValidator(_override)]
"""Stored without the prefix `provider.`, which the file may write or leave out."""


class KeyLimits(Table):
    """What one key may use: requests and tokens a minute, calls at a time."""

    rpm: Count | None = None
    tpm: Count | None = None
    concurrent: Count | None = None


class KeyTable(Table):
    """`[keys.<name>]`: one caller. `profiles` None allows every profile."""

    hash: KeyHash
    profiles: tuple[Name, ...] | None = None
    limits: KeyLimits | None = None
    budget: Name | None = None
    overrides: tuple[Override, ...] = ()

    @property
    def digest(self) -> bytes:
        """The 32 bytes to compare with `hash_key` of what a caller sent."""
        return bytes.fromhex(self.hash.removeprefix("sha256:"))


class BudgetLimit(Table):
    """USD in a calendar period (UTC)."""

    usd: Money
    per: Literal["hour", "day", "week", "month", "total"] = "month"


def _action(value: str) -> str:
    kind, colon, profile = value.partition(":")
    if value not in {"reject", "warn"} and not (kind == "profile" and colon and profile):
        refuse("must be 'reject', 'warn' or 'profile:NAME'")
    return value


class BudgetStep(Table):
    """What happens once `pct` percent of the budget are used."""

    pct: PositiveNumber
    do: Annotated[StrictStr, AfterValidator(_action)]

    @property
    def profile(self) -> str | None:
        """The profile that takes over, if any."""
        return self.do.removeprefix("profile:") if self.do.startswith("profile:") else None


class Budget(Table):
    """`[budgets.<name>]`: how much may be spent, and what happens on the way there."""

    limit: BudgetLimit
    at: tuple[BudgetStep, ...] = ()


class Expect(Table):
    """`[[expect]]`: one routing test, run offline by `multiroute test`."""

    name: Text
    request: Document
    given: Document = Field(default_factory=empty_mapping)
    assertion: Document = Field(alias="assert")

    @model_validator(mode="after")
    def _asserts_something(self) -> Self:
        if not self.assertion:
            refuse("'assert' must state at least one fact", is_sentence=True)
        return self


def _alias_name(value: str) -> str:
    """A name that callers send; only its last character may be `*`."""
    if not value or any(char.isspace() for char in value):
        refuse("is not a valid alias", "write the name that callers send, without blanks")
    if "*" in value[:-1]:
        refuse("may hold '*' at its end only")
    return value


def _alias_target(value: str) -> str:
    """A profile, `profile:preset`, `instance:upstream-id` or model id."""
    if not value or any(char.isspace() or char == "*" for char in value):
        refuse("must name a profile or a model")
    return value


Aliases: TypeAlias = Mapping[
    Annotated[StrictStr, AfterValidator(_alias_name)],
    Annotated[StrictStr, AfterValidator(_alias_target)],
]
