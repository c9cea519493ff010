"""The OpenRouter adapter."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from multiroute_core.api import (
    Fault,
    Head,
    Json,
    ProviderRuntime,
    parse_reset_s,
)
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks
from multiroute_openrouter.settings import OpenRouterSettings

_QUIRKS = ChatQuirks(
    responses_path="/responses",
    operation_paths={"images": "/images", "image_edits": "/images"},
    images_to_edit="input_references",
    has_reasoning_object=True,
    takes_reasoning_details=True,
    thinking_field="reasoning",
    limits=("max_tokens", "max_completion_tokens"),
)


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
