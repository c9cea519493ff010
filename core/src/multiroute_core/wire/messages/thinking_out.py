"""How much a call may think, in the words that the target's model takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_core.api.call import ChatBody
from multiroute_core.api.content import Reasoning
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.messages.abilities import Abilities
from multiroute_core.wire.messages.names import WIRE

EFFORT_TOKENS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 63999,
}
"""Thinking budgets for efforts in words. Ours, not the vendor's: reported as a loss each time."""

_LEAST_BUDGET: Final = 1024
_NEAREST: Final[Mapping[str, tuple[str, ...]]] = {
    "minimal": ("low",),
    "xhigh": ("high",),
    "max": ("xhigh", "high"),
}
"""For a word that a model does not take: those nearest to it, best first."""


def write_thinking(
    body: ChatBody, doc: dict[str, Json], able: Abilities, losses: list[Loss], *, as_it_is: bool
) -> None:
    """Put the wish for thinking into the document. `as_it_is`: the client chose this very model
    in this format, so that its words stand."""
    wish = body.reasoning
    if wish is None:
        return
    if as_it_is:
        if wish.extra:
            doc["thinking"] = wish.extra
        _put_effort(doc, wish.effort)
        return
    native = wish.extra if wish.origin == WIRE else {}
    if wish.enabled is False or wish.effort == "none":
        _switch_off(wish, doc, able, native, losses)
        _put_effort(doc, _word(wish, wish.effort, able, losses) if wish.effort != "none" else None)
        return
    if _is_forced(doc) and wish.origin != WIRE:
        losses.append(Loss(_path(wish), "thinking", "target does not think while a tool is forced"))
        if able.adaptive and able.off:
            doc["thinking"] = {"type": "disabled"}
        return
    if able.adaptive and (wish.budget_tokens is None or not able.budgets):
        _adapt(wish, doc, able, native, losses)
    else:
        _limit(wish, body, doc, able, native, losses)


def _path(wish: Reasoning) -> str:
    """Where the client wrote the wish."""
    return "reasoning" if wish.origin == "responses" else "reasoning_effort"


def _adapt(
    wish: Reasoning,
    doc: dict[str, Json],
    able: Abilities,
    native: JsonObject,
    losses: list[Loss],
) -> None:
    effort = wish.effort
    if wish.budget_tokens is not None:
        losses.append(Loss("reasoning", "thinking budget in tokens", "target takes words only"))
        effort = effort or _word_for(wish.budget_tokens)
    if native or wish.effort is None or wish.origin != WIRE:
        doc["thinking"] = {**_further(native), "type": "adaptive"}
        if wish.summary is not None and wish.summary != "none":
            doc["thinking"] = {**_further(native), "type": "adaptive", "display": "summarized"}
    _put_effort(doc, _word(wish, effort, able, losses))


def _limit(
    wish: Reasoning,
    body: ChatBody,
    doc: dict[str, Json],
    able: Abilities,
    native: JsonObject,
    losses: list[Loss],
) -> None:
    budget = wish.budget_tokens
    if wish.origin == WIRE or budget is not None:
        # The effort stands beside the thinking here, and does not switch it on.
        _put_effort(doc, _word(wish, wish.effort, able, losses))
    elif wish.effort is not None:
        budget = EFFORT_TOKENS.get(wish.effort)
        if budget is None:
            losses.append(Loss(_path(wish), "effort", "target takes a token budget"))
            return
        why = f"target takes a token budget: {budget}"
        losses.append(Loss(_path(wish), "effort in words", why))
    if budget is None and native.get("type") == "adaptive":
        budget = EFFORT_TOKENS["medium"]
        losses.append(Loss("thinking", "adaptive thinking", f"target takes a budget: {budget}"))
    if budget is None:
        return
    limit = doc.get("max_tokens")
    if isinstance(limit, int) and limit <= budget:
        if body.max_output is None:
            doc["max_tokens"] = budget + limit
        elif limit > _LEAST_BUDGET:
            budget = max(_LEAST_BUDGET, limit // 2)
        else:
            losses.append(Loss(_path(wish), "thinking", "the output limit leaves no room"))
            return
    doc["thinking"] = {**_further(native), "type": "enabled", "budget_tokens": budget}
    if wish.summary is not None and wish.summary != "auto":
        losses.append(Loss("reasoning.summary", "kind of summary", "target has no such choice"))


def _switch_off(
    wish: Reasoning,
    doc: dict[str, Json],
    able: Abilities,
    native: JsonObject,
    losses: list[Loss],
) -> None:
    if able.off:
        doc["thinking"] = {**_further(native), "type": "disabled"}
    else:
        losses.append(Loss(_path(wish), "thinking switched off", "target always thinks"))


def _further(native: JsonObject) -> dict[str, Json]:
    return {k: v for k, v in native.items() if k not in ("type", "budget_tokens")}


def _is_forced(doc: JsonObject) -> bool:
    choice = doc.get("tool_choice")
    return isinstance(choice, Mapping) and choice.get("type") in ("any", "tool")


def _put_effort(doc: dict[str, Json], effort: str | None) -> None:
    if effort is not None:
        there = doc.get("output_config")
        doc["output_config"] = {**(there if isinstance(there, Mapping) else {}), "effort": effort}


def _word(wish: Reasoning, effort: str | None, able: Abilities, losses: list[Loss]) -> str | None:
    """The effort in a word that the model takes."""
    if effort is None or effort in able.efforts:
        return effort
    for near in _NEAREST.get(effort, ()):
        if near in able.efforts:
            why = f"target takes {near} at most"
            losses.append(Loss(_path(wish), f"effort {effort[:16]}", why))
            return near
    losses.append(Loss(_path(wish), f"effort {effort[:16]}", "target has no such effort"))
    return None


def _word_for(budget: int) -> str:
    """The effort whose budget comes nearest to this one from above."""
    words = ("low", "medium", "high", "xhigh")
    return next((word for word in words if budget <= EFFORT_TOKENS[word]), "max")
