"""What a model of this family takes, read from its id: thinking, efforts, sampling.

Source: the vendor's pages on effort, adaptive thinking and migration between models (2026-06), and
the 400s that recorded traffic shows. A model whose id tells no version is taken for one of the
plain kind: budgets, no efforts, sampling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from multiroute_core.api.json import Json, JsonObject

_FAMILY: Final = re.compile(r"claude-?(?P<before>[\d.-]*?)-?(?P<name>[a-z]+)(?P<after>[\d.-]*)")
_NUMBER: Final = re.compile(r"\d+")
_ALWAYS: Final = frozenset({"fable", "mythos"})
"""Families whose models always think."""

_FIRST_EFFORTS: Final = ("low", "medium", "high")


class Abilities(Struct, frozen=True, gc=False):
    """`budgets`: takes a thinking budget in tokens. `adaptive`: thinks as it sees fit. `off`: its
    thinking can be switched off. `efforts`: words it takes, least first. `sampling`: takes a
    temperature and the like."""

    budgets: bool = True
    adaptive: bool = False
    off: bool = True
    efforts: tuple[str, ...] = ()
    sampling: bool = True


def version_of(model: str) -> tuple[str, int, int]:
    """(family, major, minor) in a model id of any host; ("", 0, 0) where it tells none.

    >>> version_of("claude-opus-4-6"), version_of("us.anthropic.claude-3-7-sonnet-20250219-v1:0")
    (('opus', 4, 6), ('sonnet', 3, 7))
    >>> version_of("claude-sonnet-4@20250514"), version_of("anthropic/claude-haiku-4.5")
    (('sonnet', 4, 0), ('haiku', 4, 5))
    """
    found = _FAMILY.search(model.lower())
    if found is None:
        return "", 0, 0
    # A date or a revision is no version: "-20250219", "@20250514", "-v1:0".
    numbers = [
        int(number)
        for number in _NUMBER.findall(found["before"]) or _NUMBER.findall(found["after"])
        if len(number) < 3
    ]
    if not numbers:
        return found["name"], 0, 0
    return found["name"], numbers[0], numbers[1] if len(numbers) > 1 else 0


def abilities_of(model: str) -> Abilities:
    """What the model of this id takes.

    >>> abilities_of("claude-opus-4-7").budgets, abilities_of("claude-haiku-4-5").budgets
    (False, True)
    """
    family, major, minor = version_of(model)
    version = (major, minor)
    if family == "mythos" and version == (0, 0):
        return Abilities(adaptive=True, off=False, efforts=(*_FIRST_EFFORTS, "max"))
    if version < (4, 6):
        is_first = family == "opus" and version == (4, 5)
        return Abilities(efforts=_FIRST_EFFORTS if is_first else ())
    if version == (4, 6):
        return Abilities(adaptive=True, efforts=(*_FIRST_EFFORTS, "max"))
    return Abilities(
        budgets=False,
        adaptive=True,
        off=family not in _ALWAYS and version < (5, 5),
        efforts=(*_FIRST_EFFORTS, "xhigh", "max"),
        sampling=False,
    )


def takes(able: Abilities, doc: JsonObject) -> bool:
    """Whether a model takes the thinking, effort and sampling of this document as they stand."""
    thinking = doc.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if (
        (kind == "enabled" and not able.budgets)
        or (kind == "adaptive" and not able.adaptive)
        or (kind == "disabled" and not able.off)
    ):
        return False
    output = doc.get("output_config")
    effort = output.get("effort") if isinstance(output, Mapping) else None
    if effort is not None and effort not in able.efforts:
        return False
    return able.sampling or not any(is_sampling(name, doc.get(name)) for name in SAMPLING)


SAMPLING: Final = ("temperature", "top_p", "top_k")


def is_sampling(name: str, value: Json) -> bool:
    """Whether a sampling parameter asks for more than the default."""
    return value is not None and not (name in ("temperature", "top_p") and value == 1)
