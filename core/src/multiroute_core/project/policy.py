"""Profile and its tables: how to choose. Defaults stand here and in the file's reference."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from multiroute_core.project.supply import Requirement
from multiroute_core.project.values import (
    ByModel,
    Count,
    Duration,
    Flag,
    Fraction,
    ModelId,
    Money,
    Name,
    Options,
    PositiveMoney,
    PositiveNumber,
    Table,
    Text,
    empty_mapping,
    refuse,
)


class Score(Table):
    """`[profiles.<name>.score]`: which scorers vote, and what their units are worth.

    One point is 0.01 quality. `usd_per_point` and `ms_per_point` are the exchange rates,
    `floor` the lowest quality (0..1) that is acceptable.
    """

    use: tuple[Name, ...]
    usd_per_point: PositiveMoney = Decimal("0.01")
    ms_per_point: PositiveNumber = 500.0
    floor: Fraction = 0.0
    unknown_quality: Literal["prior", "drop"] = "prior"


class Timeouts(Table):
    """Seconds of one attempt; `first_content` runs from its start, `idle` between bytes.

    `first_content` and `total` None: only the call's deadline holds.
    """

    connect: Duration = 5.0
    first_content: Duration | None = None
    idle: Duration = 30.0
    total: Duration | None = None


class Limits(Table):
    """`[profiles.<name>.limits]`: the lease of the whole call, over all its attempts.

    `deadline` in seconds; `spend` in USD, None without a limit of its own. The defaults:
    four attempts, 60 s, an error when a stream breaks after commit, losses reported.
    """

    attempts: Count = 4
    deadline: Duration = 60.0
    spend: Money | None = None
    timeouts: Timeouts = Field(default_factory=Timeouts)
    on_break: Literal["error", "continue", "restart"] = "error"
    on_loss: Literal["error", "report", "allow"] = "report"


class Fallback(Table):
    """`[profiles.<name>.fallback]`: `use` names the strategy, all else is the strategy's."""

    use: Name
    options: Options = Field(default_factory=empty_mapping)

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        options = {key: item for key, item in value.items() if key != "use"}
        use = {"use": value["use"]} if "use" in value else {}
        return {**use, "options": options}


class Rule(Table):
    """Where `when` holds, the call goes on under another profile; the first rule wins."""

    when: Text
    profile: Name


class Split(Table):
    """One arm of a deterministic split: a profile or a model, with its share."""

    profile: Name | None = None
    model: ModelId | None = None
    weight: PositiveNumber

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.profile is None) == (self.model is None):
            refuse("must name either a profile or a model")
        return self


class TargetFilter(Table):
    """Which targets the profile may use: `only_tags` must all be on the target."""

    only_tags: tuple[Text, ...] = ()


class Profile(Table):
    """`[profiles.<name>]`, with what it extends merged in.

    `use_case` picks the quality scores. A requirement that ends in '?' holds only when the
    request uses it. Without `score` and `order` the candidates stand in priority order.
    `weights` belongs to `order = "weight"`; a candidate that it does not name weighs 1.
    Under `strict` a candidate that no target can serve is an error, else a warning.
    """

    extends: Name | None = None
    use_case: Text = "default"
    candidates: tuple[ModelId, ...] = ()
    require: tuple[Requirement, ...] = ()
    rules: tuple[Rule, ...] = ()
    score: Score | None = None
    order: Literal["priority", "weight", "cost"] | None = None
    weights: ByModel[PositiveNumber] = Field(default_factory=empty_mapping)
    limits: Limits = Field(default_factory=Limits)
    fallback: Fallback | None = None
    split: tuple[Split, ...] = ()
    targets: TargetFilter = Field(default_factory=TargetFilter)
    strict: Flag = False
