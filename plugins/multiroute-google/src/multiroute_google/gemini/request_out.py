"""A call written as a Gemini request, with everything that could not be carried over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    EMPTY,
    Call,
    CannotEncode,
    ChatBody,
    EmbedBody,
    Json,
    JsonObject,
    Loss,
    Message,
    Part,
    Reasoning,
)
from multiroute_google.gemini.embeddings import encode_embed
from multiroute_google.gemini.parts import FOREIGN, encode_parts
from multiroute_google.gemini.request_in import PARAMS, ROUTED, WRAPPED
from multiroute_google.gemini.schema import chosen
from multiroute_google.gemini.spelling import WIRE, camel, keyed, respelt
from multiroute_google.gemini.tools import encode_tool_choice, encode_tools

_NO_PARAM: Final = "target has no such parameter"
_NATIVE: Final[Mapping[str, str]] = {ours: native for native, ours in PARAMS.items()}
_TIERS: Final[Mapping[str, str]] = {"default": "standard"}
_NEUTRAL: Final[Mapping[str, tuple[Json, ...]]] = {
    "store": (False,),
    "service_tier": ("auto",),
    "modalities": (["text"],),
}
"""Values that say what the target does anyway: leaving them out loses nothing."""

_PLACES: Final[Mapping[tuple[str, str], str]] = {("messages", "user"): "metadata.user_id"}
"""Where a client's format has a parameter, if not at its top under the common name."""

_OWN_FIELDS: Final = frozenset(
    {"safetySettings", "cachedContent", "labels", "modelArmorConfig", "generationConfig"}
)
"""Fields of this format that clients of other formats send along on purpose."""

EFFORT_TOKENS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
}
"""Thinking budgets for efforts in words, as the vendor's chat-compatible endpoint maps them
(its documentation, 2026)."""

_LEVELS: Final = frozenset({"minimal", "low", "medium", "high"})
_BY_BUDGET: Final = re.compile(r"gemini-(?:1|2|robotics-er-1)|gemma|learnlm")
"""Models that take a thinking budget instead of a level, and need no signatures back."""

NO_SIGNATURE: Final = "skip_thought_signature_validator"
"""What the vendor takes in place of a signature that a history of another origin does not have
(its documentation of thought signatures, 2026)."""


def encode_call(call: Call, model: str = "") -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream that speaks this format, and what it could not hold.

    Raises:
        CannotEncode: the format has no such operation, or tool arguments that are not JSON.
    """
    body = call.body
    given = call.doc if call.wire == WIRE else EMPTY
    if isinstance(body, EmbedBody):
        doc, losses = encode_embed(body, model, given)
    elif isinstance(body, ChatBody):
        doc, losses = _chat(call, body, model, given)
    else:
        raise CannotEncode(f"{call.operation} cannot be sent in the Gemini format")
    if given:
        spelt = respelt(doc, {k: v for k, v in given.items() if k not in ROUTED})
        assert isinstance(spelt, dict)
        return spelt, losses
    return doc, losses


def _chat(
    call: Call, body: ChatBody, model: str, given: JsonObject
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    wrapped = given.get(WRAPPED, given.get("generate_content_request"))
    is_wrapped = call.operation == "count_tokens" and isinstance(wrapped, Mapping)
    source = wrapped if is_wrapped and isinstance(wrapped, Mapping) else given
    known = frozenset({"tools", "generationConfig", "systemInstruction"})
    native = keyed(source, known, "")
    losses: list[Loss] = []
    system, contents = _conversation(body.messages, call.wire == WIRE, losses)
    doc: dict[str, Json] = {"contents": contents}
    if call.wire != WIRE and not _BY_BUDGET.search(model):
        _skip_signatures(contents, losses)
    if system is not None:
        spelt_system = native.get("systemInstruction")
        if isinstance(spelt_system, Mapping) and spelt_system.get("role") is not None:
            # It means nothing there, but some clients write it.
            system["role"] = spelt_system["role"]
        doc["systemInstruction"] = system
    if body.tools:
        tools = encode_tools(body.tools, native.get("tools"), losses)
        if tools:
            doc["tools"] = tools
    config: dict[str, Json] = {}
    choice = encode_tool_choice(body.tool_choice, losses)
    tool_rest = body.extra.get("toolConfig")
    if choice is not None or isinstance(tool_rest, Mapping):
        doc["toolConfig"] = {
            **({"functionCallingConfig": choice} if choice is not None else {}),
            **(tool_rest if isinstance(tool_rest, Mapping) else {}),
        }
    if body.parallel_tools is False:
        losses.append(Loss("parallel_tool_calls", "one tool call at a time", _NO_PARAM))
    spelt = native.get("generationConfig")
    _generation(call, body, config, spelt if isinstance(spelt, Mapping) else {}, losses)
    _thinking(body.reasoning, model, config, losses)
    _params(call, body, doc, config, losses)
    _extra(call, body, doc, config, losses)
    if config:
        doc["generationConfig"] = config
    if is_wrapped:
        doc["model"] = f"models/{model.removeprefix('models/')}" if model else source.get("model")
        return {WRAPPED: doc}, tuple(losses)
    return doc, tuple(losses)


def _generation(
    call: Call,
    body: ChatBody,
    config: dict[str, Json],
    spelt: JsonObject,
    losses: list[Loss],
) -> None:
    own = {camel(name): value for name, value in spelt.items()}
    if body.choices != 1 or "candidateCount" in own:
        config["candidateCount"] = body.choices
    if body.max_output is not None:
        config["maxOutputTokens"] = body.max_output
    if body.stop:
        config["stopSequences"] = list(body.stop)
    schema = body.schema
    if schema is None:
        return
    mime = schema.extra.get("mime") if call.wire == WIRE else None
    if schema.kind == "text":
        if call.wire == WIRE:
            config["responseMimeType"] = mime or "text/plain"
        return
    config["responseMimeType"] = mime or "application/json"
    if schema.schema is not None and schema.kind == "json_schema":
        name, value = chosen(schema.schema, "responseSchema", "responseJsonSchema", own)
        config[name] = value
    path = "response_format.json_schema"
    if schema.description is not None:
        losses.append(Loss(f"{path}.description", "description of the schema", _NO_PARAM))
    if call.wire != WIRE:
        losses.extend(Loss(f"{path}.{name}", "schema field", FOREIGN) for name in schema.extra)


def _thinking(
    wish: Reasoning | None, model: str, config: dict[str, Json], losses: list[Loss]
) -> None:
    if wish is None:
        return
    if wish.origin == WIRE:
        config["thinkingConfig"] = dict(wish.extra)
        return
    wanted: dict[str, Json] = {}
    effort = wish.effort
    if wish.enabled is False or effort == "none":
        wanted["thinkingBudget"] = 0
    elif wish.budget_tokens is not None:
        wanted["thinkingBudget"] = wish.budget_tokens
    elif effort in ("xhigh", "max"):
        losses.append(Loss("reasoning_effort", "effort", "target knows no more than high"))
        effort = "high"
    elif effort is not None and effort not in _LEVELS:
        losses.append(Loss("reasoning_effort", "effort", "target does not know the word"))
        effort = None
    if not wanted and effort is not None:
        if _BY_BUDGET.search(model):
            wanted["thinkingBudget"] = EFFORT_TOKENS[effort]
            why = f"target takes a token budget: {EFFORT_TOKENS[effort]}"
            losses.append(Loss("reasoning_effort", "effort in words", why))
        else:
            wanted["thinkingLevel"] = effort
    if wish.enabled or wish.summary not in (None, "none"):
        wanted["includeThoughts"] = True
    losses.extend(
        Loss(f"reasoning.{name}", "thinking option", FOREIGN)
        for name in wish.extra
        if name not in ("type", "budget_tokens", "effort", "summary")
    )
    if wanted:
        config["thinkingConfig"] = wanted


def _params(
    call: Call,
    body: ChatBody,
    doc: dict[str, Json],
    config: dict[str, Json],
    losses: list[Loss],
) -> None:
    for name, value in body.params.items():
        native = _NATIVE.get(name)
        if call.wire != WIRE and value in _NEUTRAL.get(name, ()):
            continue
        if native is not None:
            config[native] = value
        elif name == "modalities" and isinstance(value, Sequence) and not isinstance(value, str):
            config["responseModalities"] = [str(kind).upper() for kind in value]
        elif name == "service_tier" and isinstance(value, str):
            doc["serviceTier"] = _TIERS.get(value, value) if call.wire != WIRE else value
        elif call.wire == WIRE:
            doc["serviceTier" if name == "service_tier" else name] = value
        else:
            place = _PLACES.get((call.wire, name), name)
            losses.append(Loss(place, "parameter", _NO_PARAM))


def _extra(
    call: Call,
    body: ChatBody,
    doc: dict[str, Json],
    config: dict[str, Json],
    losses: list[Loss],
) -> None:
    for name, value in body.extra.items():
        own = camel(name)
        if name == "toolConfig" and isinstance(value, Mapping):
            continue
        if own == "generationConfig" and isinstance(value, Mapping):
            config.update(value)
        elif call.wire == WIRE or own in _OWN_FIELDS:
            doc[name] = value
        else:
            losses.append(Loss(name, "field", FOREIGN))


def _conversation(
    messages: Sequence[Message], is_own: bool, losses: list[Loss]
) -> tuple[dict[str, Json] | None, list[Json]]:
    """The system instruction and the turns. Results of tools that came as messages of their own
    go into one turn, in the order of the calls."""
    system: dict[str, Json] | None = None
    system_parts: list[Json] = []
    contents: list[Json] = []
    names: dict[str, str] = {}
    results: list[tuple[int, Json]] | None = None
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        parts = encode_parts(message.parts, path, names, losses)
        is_system = message.role in ("system", "developer") and not (is_own and number)
        extra = _fields(message, path, losses)
        if is_system:
            if contents:
                why = "target has system text at the top only"
                losses.append(Loss(path, f"position of a {message.role} message", why))
            system_parts.extend(parts)
            system = {**(system or {}), "parts": system_parts, **extra}
            continue
        if message.origin != WIRE and _is_results(message.parts):
            fresh = results is None
            results = results or []
            order = list(names)
            for part, piece in zip(message.parts, parts, strict=False):
                at = order.index(part.id) if part.id in names else len(order)
                results.append((at, piece))
            results.sort(key=lambda item: item[0])
            turn: Json = {"role": "user", "parts": [piece for _, piece in results], **extra}
            if fresh:
                contents.append(turn)
            else:
                contents[-1] = turn
            continue
        results = None
        if not parts and message.origin != WIRE:
            continue
        role = {"assistant": "model", "tool": "user"}.get(message.role, message.role)
        contents.append({"role": role, "parts": parts, **extra})
    return system, contents


def _is_results(parts: Sequence[Part]) -> bool:
    return bool(parts) and all(part.kind == "tool_result" for part in parts)


def _fields(message: Message, path: str, losses: list[Loss]) -> JsonObject:
    if message.origin in (None, WIRE):
        return message.extra
    losses.extend(
        Loss(f"{path}.{name}", "message field", FOREIGN)
        for name, value in message.extra.items()
        if value not in (None, [], (), "")
    )
    return EMPTY


def _skip_signatures(contents: Sequence[Json], losses: list[Loss]) -> None:
    """Newer models refuse a turn whose first call has no signature; a history of another origin,
    or a client that did not send it back, has none."""
    for number, content in enumerate(contents):
        parts = content.get("parts") if isinstance(content, Mapping) else None
        if isinstance(parts, Sequence) and not isinstance(parts, str):
            calls = [one for one in parts if isinstance(one, dict) and "functionCall" in one]
            if calls and not any("thoughtSignature" in one for one in calls):
                calls[0]["thoughtSignature"] = NO_SIGNATURE
                why = "the client sent none: the target is told to do without"
                losses.append(Loss(f"contents[{number}]", "thought signature", why))
