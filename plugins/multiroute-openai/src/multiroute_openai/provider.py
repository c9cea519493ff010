"""The OpenAI adapter: chat completions, passed on or translated."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from msgspec.structs import replace

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
from multiroute_core.wire import chat
from multiroute_openai.settings import OpenAISettings

_JSON: Pairs = ((b"content-type", b"application/json"),)


class OpenAIProvider:
    """Speaks for one OpenAI account, or for whatever serves its API at `base_url`."""

    def __init__(self, settings: OpenAISettings, runtime: ProviderRuntime) -> None:
        self._runtime = runtime
        headers: list[tuple[bytes, bytes]] = list(_JSON)
        if settings.organization:
            headers.append((b"openai-organization", settings.organization.encode()))
        if settings.project:
            headers.append((b"openai-project", settings.project.encode()))
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

    def _url(self, target: Target) -> str:
        return f"{target.base_url}/chat/completions"

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's document as it is, with the upstream's model name."""
        fields = chat.relay_fields(call, target.upstream_id)
        if fields is None:
            return None
        put, usage_added = fields
        return Relay(self._url(target), self._headers, put, usage_added=usage_added)

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a chat completions request."""
        document, losses = chat.encode_call(
            call, target.upstream_id, limit_name="max_completion_tokens"
        )
        try:
            body = orjson.dumps(document, default=plain)
        except TypeError as error:
            raise CannotEncode(f"the call cannot be written as JSON: {error}") from error
        request = UpstreamRequest("POST", self._url(target), self._headers, body)
        return Encoded(request, losses)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply."""
        return chat.decode_reply(body, self.usage)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return chat.ChatDecoder(self.usage)

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; the reset of the limit that was hit is its pushback."""
        now_s = self._runtime.now_s()
        fault = chat.classify(head, body, now_s)
        if fault.kind == "upstream_auth":
            # The provider repeats parts of the key in its message: not for clients.
            fault = replace(fault, message="the provider refused our credential", native=None)
        if fault.kind == "rate_limited" and fault.retry_after_s is None:
            fault = replace(fault, retry_after_s=_reset_s(head, now_s))
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object in our buckets."""
        return chat.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, as a bearer token."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        return replace(
            request, headers=(*request.headers, (b"authorization", b"Bearer " + key.encode()))
        )


def _reset_s(head: Head, now_s: float) -> float | None:
    """Seconds until the exhausted limit (none remaining) is reset."""
    for limit in ("requests", "tokens"):
        if head.header(f"x-ratelimit-remaining-{limit}") == "0":
            text = head.header(f"x-ratelimit-reset-{limit}")
            if text is not None:
                return parse_reset_s(text, now_s)
    return None
