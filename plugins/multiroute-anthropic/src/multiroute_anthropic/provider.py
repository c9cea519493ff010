"""The Anthropic adapter: calls of any dialect as messages requests."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from msgspec.structs import replace

from multiroute_anthropic.settings import AnthropicSettings
from multiroute_core.api import (
    Call,
    CannotEncode,
    Decoder,
    Encoded,
    Event,
    Fault,
    Head,
    JsonObject,
    Offering,
    Pairs,
    ProviderRuntime,
    Relay,
    Target,
    UpstreamRequest,
    Usage,
    parse_reset_s,
    plain,
)
from multiroute_core.wire import messages

_FREE_UNITS = frozenset({"web_fetch_requests"})
"""Server tools that cost no more than their tokens (the vendor's tool documentation, 2026)."""


class AnthropicProvider:
    """Speaks for one Anthropic account."""

    def __init__(self, settings: AnthropicSettings, runtime: ProviderRuntime) -> None:
        self._settings = settings
        self._runtime = runtime
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"anthropic-version", settings.version.encode()),
        ]
        if settings.beta:
            headers.append((b"anthropic-beta", ",".join(settings.beta).encode()))
        self._headers: Pairs = tuple(headers)

    async def start(self) -> None:
        """Nothing to provision."""

    async def aclose(self) -> None:
        """Nothing to release."""

    def offerings(self) -> Sequence[Offering]:
        """All that is known stands in `offerings.json`."""
        return ()

    def origin(self) -> str | None:
        """The configured base URL holds."""
        return None

    def relay(self, call: Call, target: Target) -> Relay | None:
        """No client dialect of this format is served yet: every call is translated."""
        return None

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a messages request."""
        document, losses = messages.encode_call(
            call, target.upstream_id, self._settings.max_output
        )
        try:
            body = orjson.dumps(document, default=plain)
        except TypeError as error:
            raise CannotEncode(f"the call cannot be written as JSON: {error}") from error
        url = f"{target.base_url}/v1/messages"
        return Encoded(UpstreamRequest("POST", url, self._headers, body), losses)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply."""
        return messages.decode_reply(body, self.usage)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return messages.MessagesDecoder(self.usage)

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; the reset of the limit that was hit is its pushback."""
        now_s = self._runtime.now_s()
        fault = messages.classify(head, body, now_s)
        if fault.kind == "upstream_auth":
            fault = replace(fault, message="the provider refused our credential", native=None)
        if fault.kind == "rate_limited" and fault.retry_after_s is None:
            fault = replace(fault, retry_after_s=_reset_s(head, now_s))
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object in our buckets."""
        used = messages.usage(native)
        billed = tuple(unit for unit in used.tool_units if unit[0] not in _FREE_UNITS)
        return used if len(billed) == len(used.tool_units) else replace(used, tool_units=billed)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, in the vendor's header."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        return replace(request, headers=(*request.headers, (b"x-api-key", key.encode())))


def _reset_s(head: Head, now_s: float) -> float | None:
    """Seconds until the exhausted limit (none remaining) is reset."""
    for limit in ("requests", "input-tokens", "output-tokens", "tokens"):
        if head.header(f"anthropic-ratelimit-{limit}-remaining") == "0":
            text = head.header(f"anthropic-ratelimit-{limit}-reset")
            if text is not None:
                return parse_reset_s(text, now_s)
    return None
