"""The OpenRouter adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    Fault,
    Head,
    Json,
    JsonObject,
    ProviderRuntime,
    Target,
    parse_reset_s,
)
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks, Fit
from multiroute_openrouter.settings import OpenRouterSettings

_QUIRKS = ChatQuirks(
    cost=("cost",),
    has_reasoning_object=True,
    takes_reasoning_details=True,
    thinking_field="reasoning",
    limits=("max_tokens", "max_completion_tokens"),
)
_FORMATS = {"messages": "anthropic-claude-v1", "responses": "openai-responses-v1"}
"""Our names of formats whose signatures it takes back, in its words (its reference, 2026-08)."""


class OpenRouterProvider(ChatAdapter):
    """Speaks for one OpenRouter account.

    Its routing fields (provider, models, transforms, plugins, …) go through as the client wrote
    them; which provider answered stands in the reply's `extra`.
    """

    def __init__(self, settings: OpenRouterSettings, runtime: ProviderRuntime) -> None:
        headers: list[tuple[bytes, bytes]] = []
        if settings.referer is not None:
            headers.append((b"http-referer", settings.referer.encode()))
        if settings.title is not None:
            headers.append((b"x-title", settings.title.encode()))
        super().__init__(runtime, _QUIRKS, tuple(headers))

    def adjust(self, doc: JsonObject, call: Call, target: Target) -> Fit:
        """Thinking that another provider signed goes back under OpenRouter's word for its form."""
        change = super().adjust(doc, call, target)
        messages = _renamed(change.put.get("messages", doc.get("messages")))
        return (
            change
            if messages is None
            else replace(change, put={**change.put, "messages": messages})
        )

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; the limit's reset may stand in the body."""
        fault = super().classify(head, body)
        if fault.kind == "rate_limited" and fault.retry_after_s is None:
            text = _reset(fault.native)
            if text:
                return replace(fault, retry_after_s=parse_reset_s(text, self._runtime.now_s()))
        return fault


def _reset(native: Json) -> str:
    """`X-RateLimit-Reset` among the headers that an error's metadata repeats."""
    found: Json = native
    for name in ("error", "metadata", "headers"):
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return ""
    told = {str(name).lower(): value for name, value in found.items()}
    return str(told.get("x-ratelimit-reset") or "")


def _renamed(messages: Json) -> list[Json] | None:
    """The messages with our names of formats in OpenRouter's words; None: none occurs."""
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        return None
    written = [_one_renamed(message) for message in messages]
    return written if any(a is not b for a, b in zip(written, messages, strict=True)) else None


def _one_renamed(message: Json) -> Json:
    details = message.get("reasoning_details") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or isinstance(details, str):
        return message
    if not isinstance(details, Sequence):
        return message
    renamed = [_detail(detail) for detail in details]
    if all(a is b for a, b in zip(renamed, details, strict=True)):
        return message
    return {**message, "reasoning_details": renamed}


def _detail(detail: Json) -> Json:
    own = detail.get("format") if isinstance(detail, Mapping) else None
    theirs = _FORMATS.get(own) if isinstance(own, str) else None
    if isinstance(detail, Mapping) and theirs is not None:
        return {**detail, "format": theirs}
    return detail
