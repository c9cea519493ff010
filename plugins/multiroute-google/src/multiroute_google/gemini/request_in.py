"""A Gemini request in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    EMPTY,
    Call,
    ChatBody,
    InvalidRequest,
    Json,
    JsonObject,
    Message,
    Operation,
    OutputSchema,
    Pairs,
    Part,
    Reasoning,
    frozen,
)
from multiroute_core.wire.fields import (
    as_int,
    as_list,
    as_object,
    as_text,
    rest,
    text_or_none,
)
from multiroute_google.gemini.embeddings import decode_embed
from multiroute_google.gemini.ids import CallIds
from multiroute_google.gemini.parts import decode_part
from multiroute_google.gemini.schema import to_json_schema
from multiroute_google.gemini.spelling import WIRE, keyed
from multiroute_google.gemini.tools import decode_tool_config, decode_tools

ROUTED: Final = frozenset({"model", "stream", "alt"})
"""What the gateway puts over a document from the path and the query: no fields of the format."""

WRAPPED: Final = "generateContentRequest"

PARAMS: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
"""Generation parameters that have a common name."""

SYSTEM: Final = frozenset({"role", "parts"})
_REQUEST: Final = frozenset(
    {
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "serviceTier",
        "labels",
    }
)
_CONTENT: Final = frozenset({"role", "parts"})
_GENERATION: Final = frozenset(PARAMS) | {
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "thinkingConfig",
}
_THINKING: Final = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})


def decode_call(
    doc: JsonObject,
    model: str = "",
    stream: bool = False,
    operation: Operation = "chat",
    headers: Pairs = (),
) -> Call:
    """The call that a document asks for. Model and streaming stand in the path, not in it.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one; the message says which.
    """
    if operation == "embeddings":
        return Call(operation, model, WIRE, False, decode_embed(doc), frozen(doc), headers)
    wrapped = doc.get(WRAPPED, doc.get("generate_content_request"))
    is_wrapped = operation == "count_tokens" and wrapped is not None
    inner = as_object(wrapped, WRAPPED) if is_wrapped else doc
    fields = keyed(inner, _REQUEST, "")
    labels = fields.get("labels")
    return Call(
        operation=operation,
        model=model,
        wire=WIRE,
        stream=stream,
        body=_body(fields, needs_contents=operation == "chat"),
        doc=frozen(doc),
        headers=headers,
        client_wants_usage=True,
        metadata=labels if isinstance(labels, Mapping) else EMPTY,
    )


def _body(fields: JsonObject, needs_contents: bool) -> ChatBody:
    if "contents" not in fields and needs_contents:
        raise InvalidRequest("contents is missing: a list of contents", param="contents")
    contents = _contents(fields.get("contents"))
    ids = CallIds()
    messages = [_message(one, f"contents[{at}]", ids) for at, one in enumerate(contents)]
    system = fields.get("systemInstruction")
    if system is not None:
        messages.insert(0, _system(system, ids))
    tools = fields.get("tools")
    choice, tool_rest = decode_tool_config(fields.get("toolConfig"))
    config = keyed(
        as_object(fields.get("generationConfig", EMPTY), "generationConfig"),
        _GENERATION,
        "generationConfig",
    )
    count = config.get("candidateCount")
    limit = config.get("maxOutputTokens")
    params: dict[str, Json] = {
        ours: config[native] for native, ours in PARAMS.items() if native in config
    }
    if "responseModalities" in config:
        kinds = as_list(config["responseModalities"], "generationConfig.responseModalities")
        params["modalities"] = [str(kind).lower() for kind in kinds]
    tier = fields.get("serviceTier")
    if tier is not None:
        params["service_tier"] = tier.lower() if isinstance(tier, str) else tier
    extra: dict[str, Json] = {
        name: value
        for name, value in fields.items()
        if (name not in _REQUEST or name == "labels") and name not in ROUTED and name != WRAPPED
    }
    if tool_rest:
        extra["toolConfig"] = tool_rest
    config_rest = rest(config, _GENERATION)
    if config_rest:
        extra["generationConfig"] = config_rest
    return ChatBody(
        messages=tuple(messages),
        tools=() if tools is None else decode_tools(tools),
        tool_choice=choice,
        choices=1 if count is None else as_int(count, "generationConfig.candidateCount", 1),
        max_output=None if limit is None else as_int(limit, "generationConfig.maxOutputTokens", 1),
        stop=_stop(config.get("stopSequences")),
        schema=_schema(config),
        reasoning=_reasoning(config.get("thinkingConfig")),
        params=frozen(params),
        extra=frozen(extra),
    )


def _contents(value: Json) -> Sequence[Json]:
    if value is None:
        return ()
    return [value] if isinstance(value, Mapping) else as_list(value, "contents")


def _message(value: Json, path: str, ids: CallIds) -> Message:
    fields = keyed(as_object(value, path), _CONTENT, path)
    role = text_or_none(fields.get("role"), f"{path}.role") or "user"
    parts = _parts(fields.get("parts"), f"{path}.parts", ids)
    ours = "assistant" if role == "model" else role
    return Message(ours, parts, WIRE, rest(fields, _CONTENT))


def _system(value: Json, ids: CallIds) -> Message:
    path = "systemInstruction"
    fields = keyed(as_object(value, path), SYSTEM, path)
    parts = _parts(fields.get("parts"), f"{path}.parts", ids)
    return Message("system", parts, WIRE, rest(fields, SYSTEM))


def _parts(value: Json, path: str, ids: CallIds) -> tuple[Part, ...]:
    if value is None:
        return ()
    listed = [value] if isinstance(value, Mapping) else as_list(value, path)
    return tuple(
        part
        for number, one in enumerate(listed)
        for part in decode_part(one, f"{path}[{number}]", ids)
    )


def _stop(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    path = "generationConfig.stopSequences"
    if isinstance(value, str):
        return (value,)
    return tuple(as_text(one, f"{path}[{at}]") for at, one in enumerate(as_list(value, path)))


def _schema(config: JsonObject) -> OutputSchema | None:
    exact = config.get("responseJsonSchema")
    native = config.get("responseSchema")
    mime = text_or_none(config.get("responseMimeType"), "generationConfig.responseMimeType")
    if exact is not None:
        # Clients write the subset's upper-case types here too (seen: Gemini CLI 0.61).
        schema = to_json_schema(as_object(exact, "generationConfig.responseJsonSchema"))
        return OutputSchema("json_schema", schema=schema)
    if native is not None:
        given = as_object(native, "generationConfig.responseSchema")
        extra = EMPTY if mime in (None, "application/json") else frozen({"mime": mime})
        return OutputSchema("json_schema", schema=to_json_schema(given), extra=extra)
    if mime is None:
        return None
    if mime == "application/json":
        return OutputSchema("json_object")
    return OutputSchema("text", extra=EMPTY if mime == "text/plain" else frozen({"mime": mime}))


def _reasoning(value: Json) -> Reasoning | None:
    if value is None:
        return None
    given = as_object(value, "generationConfig.thinkingConfig")
    fields = keyed(given, _THINKING, "generationConfig.thinkingConfig")
    level = fields.get("thinkingLevel")
    budget = fields.get("thinkingBudget")
    has_budget = isinstance(budget, int) and not isinstance(budget, bool) and budget > 0
    return Reasoning(
        effort=level.lower() if isinstance(level, str) else None,
        budget_tokens=budget if has_budget and isinstance(budget, int) else None,
        enabled=False if budget == 0 and not isinstance(budget, bool) else None,
        summary="auto" if fields.get("includeThoughts") is True else None,
        origin=WIRE,
        extra=given,
    )
