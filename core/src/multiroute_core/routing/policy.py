"""What a profile says about choosing, in the form that deciding needs."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Order: TypeAlias = Literal["score", "priority", "weight", "cost"]


class Policy(Struct, frozen=True):
    """How candidates are filtered and ordered.

    `usd_per_point` and `ms_per_point` say what one point (0.01 of quality) is worth; `floor` is
    the least quality (0..1) a candidate may have. `require` names capabilities: "tools" always,
    "tools?" only where the request uses it; required means known to be there. `unknown_quality`
    "prior" counts a candidate without any quality vote as 0.5, "drop" removes it.
    """

    name: str
    order: Order = "score"
    use_case: str = "default"
    usd_per_point: float = 0.01
    ms_per_point: float = 500.0
    floor: float | None = None
    unknown_quality: Literal["prior", "drop"] = "prior"
    require: tuple[str, ...] = ()
