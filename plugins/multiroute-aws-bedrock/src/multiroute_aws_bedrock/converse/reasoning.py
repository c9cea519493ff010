"""How much a model may think: each maker has its own words for it, passed through as they are.

Claude: `thinking` with a budget, or adaptive with `output_config.effort`. Nova 2:
`reasoningConfig`. gpt-oss: `reasoning_effort`. Qwen and some others: `reasoning_config`.
Source: the vendor's pages on each model's parameters, and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_aws_bedrock.converse.shape import WIRE, overlaid
from multiroute_aws_bedrock.models import bare, maker, takes_effort, version
from multiroute_core.api import ChatBody, Json, JsonObject, Loss, Reasoning, frozen
from multiroute_core.wire.fields import rest

ADDITIONAL: Final = "additionalModelRequestFields"
_OWN: Final = frozenset({"thinking", "reasoning_config", "reasoningConfig", "reasoning_effort"})
_WORDS: Final = frozenset({"low", "medium", "high", "max"})
_THREE: Final = frozenset({"low", "medium", "high"})

EFFORT_TOKENS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
"""Thinking budgets for efforts in words. Ours, not the vendor's: reported as a loss each time."""
_DEFAULT_ROOM: Final = 4096


def read_reasoning(
    doc: JsonObject, extra: dict[str, Json], params: dict[str, Json]
) -> Reasoning | None:
    """The wish in a document; what is left of the maker's own fields goes to `extra`."""
    own = doc.get(ADDITIONAL)
    config = doc.get("outputConfig")
    effort_here = config.get("effort") if isinstance(config, Mapping) else None
    kept: dict[str, Json] = {}
    if effort_here is not None:
        kept["outputConfig"] = {"effort": effort_here}
    told: dict[str, Json] = {}
    if isinstance(own, Mapping):
        told = {name: value for name, value in own.items() if name in _OWN}
        left: dict[str, Json] = dict(rest(own, _OWN))
        output = own.get("output_config")
        if isinstance(output, Mapping) and isinstance(output.get("effort"), str):
            told["output_config"] = {"effort": output["effort"]}
            del left["output_config"]
            beside = rest(output, frozenset({"effort"}))
            if beside:
                left["output_config"] = beside
        top_k = own.get("top_k")
        if isinstance(top_k, int) and not isinstance(top_k, bool):
            params["top_k"] = top_k
            del left["top_k"]
        if left or not own:
            extra[ADDITIONAL] = left
    elif own is not None:
        extra[ADDITIONAL] = own
    if told:
        kept[ADDITIONAL] = told
    if not kept:
        return None
    return Reasoning(
        effort=_effort(told) or (effort_here if isinstance(effort_here, str) else None),
        budget_tokens=_budget(told),
        enabled=_enabled(told),
        origin=WIRE,
        extra=frozen(kept),
    )


def _effort(told: JsonObject) -> str | None:
    output = told.get("output_config")
    nova = told.get("reasoningConfig")
    for value in (
        output.get("effort") if isinstance(output, Mapping) else None,
        nova.get("maxReasoningEffort") if isinstance(nova, Mapping) else None,
        told.get("reasoning_effort"),
        told.get("reasoning_config"),
    ):
        if isinstance(value, str):
            return value
    return None


def _settings(told: JsonObject) -> JsonObject:
    for name in ("thinking", "reasoning_config", "reasoningConfig"):
        value = told.get(name)
        if isinstance(value, Mapping):
            return value
    return {}


def _budget(told: JsonObject) -> int | None:
    value = _settings(told).get("budget_tokens")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _enabled(told: JsonObject) -> bool | None:
    kind = _settings(told).get("type")
    return kind != "disabled" if isinstance(kind, str) else None


def write_reasoning(
    body: ChatBody, model: str, doc: dict[str, Json], losses: list[Loss]
) -> JsonObject:
    """The fields of the document that ask for it. May raise the output limit in `doc`."""
    wish = body.reasoning
    if wish is None:
        return {}
    if wish.origin == WIRE:
        return wish.extra
    if wish.summary is not None:
        losses.append(Loss("reasoning.summary", "kind of summary", "target has no such choice"))
    own = maker(model)
    off = wish.enabled is False or wish.effort == "none"
    if own == "anthropic":
        return _claude(wish, off, body, model, doc, losses)
    if off:
        if own == "amazon" and "nova-2" in bare(model):
            return {ADDITIONAL: {"reasoningConfig": {"type": "disabled"}}}
        return {}
    if wish.budget_tokens is not None and wish.effort is None:
        losses.append(Loss("reasoning", "thinking budget in tokens", "the model takes words only"))
        return {}
    effort = {"minimal": "low", "xhigh": "high", "max": "high"}.get(
        wish.effort or "", wish.effort or ""
    )
    if effort not in _THREE:
        if wish.effort is not None or wish.enabled:
            losses.append(Loss("reasoning_effort", "effort", "the model has no such word"))
        return {}
    if own == "amazon" and "nova-2" in bare(model):
        told: JsonObject = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    elif own == "openai":
        told = {"reasoning_effort": effort}
    elif own in ("qwen", "zai", "moonshot", "minimax"):
        told = {"reasoning_config": effort}
    else:
        losses.append(Loss("reasoning_effort", "effort", "the model has no such setting"))
        return {}
    if effort != wish.effort:
        why = f"the nearest word that the model has: {effort}"
        losses.append(Loss("reasoning_effort", "effort in words", why))
    return {ADDITIONAL: told}


def _claude(
    wish: Reasoning,
    off: bool,
    body: ChatBody,
    model: str,
    doc: dict[str, Json],
    losses: list[Loss],
) -> JsonObject:
    if wish.origin == "messages" and wish.extra:
        native: Mapping[str, Json] = wish.extra
        inner = native.get("thinking")
        told: dict[str, Json] = {"thinking": inner if isinstance(inner, Mapping) else native}
        if wish.effort is not None:
            told["output_config"] = {"effort": wish.effort}
        return {ADDITIONAL: told}
    if off:
        return {ADDITIONAL: {"thinking": {"type": "disabled"}}} if takes_effort(model) else {}
    if takes_effort(model) and wish.budget_tokens is None and wish.effort is not None:
        word = {"minimal": "low", "xhigh": "max"}.get(wish.effort, wish.effort)
        if word in _WORDS:
            if word != wish.effort:
                why = f"the nearest word that the model has: {word}"
                losses.append(Loss("reasoning_effort", "effort in words", why))
            adaptive = {"thinking": {"type": "adaptive"}, "output_config": {"effort": word}}
            return {ADDITIONAL: adaptive}
    if (0, 0) < version(model) < (3, 7):
        losses.append(Loss("reasoning_effort", "thinking", "the model does not think"))
        return {}
    budget = wish.budget_tokens
    if budget is None and wish.effort is not None:
        budget = EFFORT_TOKENS.get(wish.effort)
        why = "target takes a token budget" + (f": {budget}" if budget else "")
        losses.append(Loss("reasoning_effort", "effort in words", why))
    if budget is None:
        return {}
    return _with_room(budget, body, doc, losses)


def _with_room(
    budget: int, body: ChatBody, doc: dict[str, Json], losses: list[Loss]
) -> JsonObject:
    """Thinking counts as output: the output limit has to be above the budget."""
    config = doc.get("inferenceConfig")
    limits: Mapping[str, Json] = config if isinstance(config, Mapping) else {}
    limit = body.max_output
    if limit is None:
        doc["inferenceConfig"] = overlaid(limits, {"maxTokens": budget + _DEFAULT_ROOM})
    elif limit <= budget:
        if limit <= 1024:
            losses.append(Loss("reasoning_effort", "thinking", "the output limit leaves no room"))
            return {}
        budget = max(1024, limit // 2)
        losses.append(Loss("reasoning", "size of the budget", f"output limit: sent {budget}"))
    return {ADDITIONAL: {"thinking": {"type": "enabled", "budget_tokens": budget}}}
