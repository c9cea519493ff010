"""What the sandbox's upstream does with a request: answer, or fail as it was told to."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import orjson

from multiroute_core.testing import (
    Answer,
    EventStream,
    Hang,
    Reset,
    ScriptedToolCall,
    ScriptedUsage,
    SeenRequest,
    Step,
    chat_error,
    chat_error_body,
    chat_error_event,
    chat_reply,
    chat_stream,
    chat_usage,
)
from multiroute_sandbox.schema_sample import sample
from multiroute_sandbox.settings import FaultWord, SandboxSettings
from multiroute_sandbox.wanted import Wanted, read, tokens_of

LABEL: Final = "This is the MultiRoute sandbox, not a model."
_LONGEST_ECHO: Final = 2_000
_TOLD: Final = "the MultiRoute sandbox was told to fail like this"
# The documented errors, as providers of the chat format send them.
_ERRORS: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "rate_limited": chat_error(
            429, _TOLD, "requests", "rate_limit_exceeded", headers={"retry-after": "1"}
        ),
        "quota_exhausted": chat_error(429, _TOLD, "insufficient_quota", "insufficient_quota"),
        "overloaded": chat_error(503, f"overloaded: {_TOLD}", "overloaded_error"),
        "upstream_5xx": chat_error(500, _TOLD, "server_error"),
        "bad_request": chat_error(400, _TOLD, "invalid_request_error"),
        "context_length": chat_error(
            400, _TOLD, "invalid_request_error", "context_length_exceeded"
        ),
        "content_filter": chat_error(
            400, _TOLD, "invalid_request_error", "content_policy_violation"
        ),
        "not_found": chat_error(404, _TOLD, "invalid_request_error", "model_not_found"),
        "upstream_auth": chat_error(401, _TOLD, "invalid_request_error", "invalid_api_key"),
    }
)


def step_for(request: SeenRequest, settings: SandboxSettings) -> Step:
    """The step for one request; the same for the same request."""
    if request.path != "/chat/completions":
        return chat_error(
            404, f"the sandbox has only /chat/completions, not {request.path}", code="no_route"
        )
    try:
        doc = request.json()
    except ValueError:
        doc = None
    if not isinstance(doc, Mapping):
        return chat_error(400, "the body must be a JSON object", type="invalid_request_error")
    wanted = read(doc)
    answer = _answer(wanted, settings, seed=zlib.crc32(request.body))
    word = settings.faults.get(wanted.model)
    step = answer if word is None else _failure(word, wanted, answer)
    return replace(step, latency_s=settings.latency) if isinstance(step, Answer) else step


def _answer(wanted: Wanted, settings: SandboxSettings, *, seed: int) -> Answer:
    calls = tuple(
        ScriptedToolCall(str(tool.get("name")), _arguments(tool.get("parameters")))
        for tool in wanted.forced_tools
    )
    text: str | None = None
    finish: str | None = None
    if not calls:
        text, finish = _text(wanted)
    output = sum(tokens_of(call.name + call.arguments_text) for call in calls)
    usage = ScriptedUsage(wanted.input_tokens, output + tokens_of(text or ""))
    if not wanted.stream:
        reply = chat_reply(
            text,
            tool_calls=calls,
            usage=usage,
            finish_reason=finish,
            model=wanted.model,
            seed=seed,
        )
        return Answer(body=reply)
    stream = chat_stream(
        text,
        tool_calls=calls,
        usage=usage if wanted.wants_usage else None,
        finish_reason=finish,
        model=wanted.model,
        seed=seed,
    )
    return Answer(body=stream, gap_s=settings.pace)


def _text(wanted: Wanted) -> tuple[str, str]:
    """The text and its finish reason."""
    if wanted.schema is not None:
        return orjson.dumps(sample(wanted.schema)).decode(), "stop"
    said = wanted.said if len(wanted.said) <= _LONGEST_ECHO else f"{wanted.said[:_LONGEST_ECHO]}…"
    text = f"{LABEL} You said: {said}" if said else f"{LABEL} You said nothing."
    if wanted.most_tokens is not None and tokens_of(text) > wanted.most_tokens:
        return text[: wanted.most_tokens * 4], "length"
    return text, "stop"


def _arguments(schema: object) -> str:
    value = sample(schema) if isinstance(schema, Mapping) else {}
    return orjson.dumps(value if isinstance(value, Mapping) else {}).decode()


def _failure(word: FaultWord, wanted: Wanted, answer: Answer) -> Step:
    match word:
        case "hang":
            return Hang()
        case "reset" | "refuse":  # the adapter sends `refuse` to a port where nobody listens
            return Reset()
        case "stall":
            return replace(answer, stall_at=answer.size // 2)
        case "truncated":
            return replace(answer, cut_at=answer.size // 2)
        case "empty":
            return _empty(wanted)
        case "error_event":
            return _error_inside(wanted)
        case _:
            return _ERRORS[word]


def _empty(wanted: Wanted) -> Answer:
    usage = chat_usage(ScriptedUsage(wanted.input_tokens, 0))
    reply = {"id": "chatcmpl-empty", "object": "chat.completion", "choices": [], "usage": usage}
    return Answer(body=EventStream(b"data: [DONE]\n\n") if wanted.stream else reply)


def _error_inside(wanted: Wanted) -> Answer:
    if wanted.stream:
        return Answer(body=EventStream(chat_error_event(_TOLD, "overloaded_error")))
    return Answer(body=chat_error_body(_TOLD, "overloaded_error"))
