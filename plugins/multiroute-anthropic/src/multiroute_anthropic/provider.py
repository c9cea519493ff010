"""The Anthropic adapter: messages and counts of their tokens, passed on or translated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

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

_FREE_UNITS: Final = frozenset({"web_fetch_requests"})
"""Server tools that cost no more than their tokens (the vendor's tool documentation, 2026)."""


_PATHS: Final[Mapping[str, str]] = {
    "chat": "/v1/messages",
    "count_tokens": "/v1/messages/count_tokens",
}


class AnthropicProvider:
    """Speaks for one Anthropic account."""

    def __init__(self, settings: AnthropicSettings, runtime: ProviderRuntime) -> None:
        self._settings = settings
        self._runtime = runtime

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
        """The client's document as it is, with the upstream's model name."""
        put = messages.relay_fields(call, target.upstream_id)
        if put is None or call.operation not in _PATHS:
            return None
        return Relay(self._url(call, target), self._headers(call), put, memo=call.operation)

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a messages request, or as a request to count its tokens."""
        if call.operation not in _PATHS:
            raise CannotEncode(f"this provider has no operation {call.operation}")
        document, losses = messages.encode_call(call, target.upstream_id, self._settings.max_output)
        try:
            body = orjson.dumps(document, default=plain)
        except TypeError as error:
            raise CannotEncode(f"the call cannot be written as JSON: {error}") from error
        request = UpstreamRequest("POST", self._url(call, target), self._headers(call), body)
        return Encoded(request, losses, call.operation)

    def _url(self, call: Call, target: Target) -> str:
        return messages.with_query(f"{target.base_url}{_PATHS[call.operation]}", call)

    def _headers(self, call: Call) -> Pairs:
        """The version, and the features that are switched on here or that the client names."""
        settings = self._settings
        version = messages.client_header(call, messages.VERSION_HEADER)
        headers = [
            (b"content-type", b"application/json"),
            (messages.VERSION_HEADER, version or settings.version.encode()),
        ]
        asked = messages.client_header(call, messages.BETA_HEADER).split(b",")
        features = dict.fromkeys(name.encode() for name in settings.beta)
        features.update(dict.fromkeys(name.strip() for name in asked if name.strip()))
        if features:
            headers.append((messages.BETA_HEADER, b",".join(features)))
        return tuple(headers)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply; `memo` is the operation."""
        if memo == "count_tokens":
            return messages.decode_count(body)
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
