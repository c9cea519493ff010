"""How much a model may think: each maker has its own words for it, passed through as they are.

Claude: `thinking` with a budget, or adaptive with `output_config.effort`. Nova 2:
`reasoningConfig`. gpt-oss: `reasoning_effort`. Qwen and some others: `reasoning_config`.
Source: the vendor's pages on each model's parameters, and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_aws_bedrock.converse.shape import WIRE
from multiroute_aws_bedrock.models import bare, maker, version
from multiroute_core.api import ChatBody, Json, JsonObject, Loss, Reasoning, frozen
from multiroute_core.wire.fields import rest
from multiroute_core.wire.messages import abilities_of
from multiroute_core.wire.messages.thinking_out import write_thinking

ADDITIONAL: Final = "additionalModelRequestFields"
_OWN: Final = frozenset({"thinking", "reasoning_config", "reasoningConfig", "reasoning_effort"})
_THREE: Final = frozenset({"low", "medium", "high"})
_DEFAULT_ROOM: Final = 4096
"""Tokens of output beside the thinking, where the client names no limit."""


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
    own = maker(model)
    off = wish.enabled is False or wish.effort == "none"
    if own == "anthropic":
        return _claude(body, model, doc, losses)
    if wish.summary is not None:
        losses.append(Loss("reasoning.summary", "kind of summary", "target has no such choice"))
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


def _claude(body: ChatBody, model: str, doc: dict[str, Json], losses: list[Loss]) -> JsonObject:
    """In the words of Claude's own format, which go through as they are. Thinking counts as
    output: the output limit has to be above the budget."""
    if (0, 0) < version(model) < (3, 7):
        wish = body.reasoning
        if wish is not None and wish.enabled is not False and wish.effort != "none":
            losses.append(Loss("reasoning_effort", "thinking", "the model does not think"))
        return {}
    limit = body.max_output or _DEFAULT_ROOM
    own: dict[str, Json] = {"max_tokens": limit}
    if body.tool_choice is not None and body.tool_choice.mode in ("required", "tool"):
        own["tool_choice"] = {"type": "any"}
    write_thinking(body, own, abilities_of(bare(model)), losses, as_it_is=False)
    if body.max_output is None and own["max_tokens"] != limit:
        config = doc.get("inferenceConfig")
        there: Mapping[str, Json] = config if isinstance(config, Mapping) else {}
        doc["inferenceConfig"] = {**there, "maxTokens": own["max_tokens"]}
    words = frozenset({"thinking", "output_config"})
    told: dict[str, Json] = {name: value for name, value in own.items() if name in words}
    return {ADDITIONAL: told} if told else {}
