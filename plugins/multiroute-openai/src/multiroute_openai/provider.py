"""The OpenAI adapter: chat completions, responses and the operations beside them, passed on or
translated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

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
    Operation,
    Pairs,
    ProviderRuntime,
    Relay,
    Target,
    UpstreamRequest,
    Usage,
    parse_reset_s,
    plain,
)
from multiroute_core.wire import chat, operations, responses
from multiroute_openai.settings import OpenAISettings

ChatWire: TypeAlias = Literal["chat", "responses"]
"""The formats in which a conversation can be sent."""

_PATHS: Final[dict[ChatWire, str]] = {"chat": "/chat/completions", "responses": "/responses"}
_BESIDE: Final[frozenset[Operation]] = frozenset(
    {"embeddings", "moderations", "images", "image_edits", "speech", "transcriptions"}
)
"""Operations beside chat; `memo` names them to the decoder."""

_TYPE: Final = b"content-type"


class OpenAIProvider:
    """Speaks for one OpenAI account, or for whatever serves its API at `base_url`."""

    def __init__(self, settings: OpenAISettings, runtime: ProviderRuntime) -> None:
        self._runtime = runtime
        headers: list[tuple[bytes, bytes]] = [(_TYPE, b"application/json")]
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

    def _url(self, target: Target, wire: ChatWire) -> str:
        return f"{target.base_url}{_PATHS[wire]}"

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's document as it is, with the upstream's model name."""
        if call.operation in _BESIDE:
            put = operations.relay_fields(call, target.upstream_id)
            if put is None:
                return None
            url = target.base_url + operations.PATHS[call.operation]
            return Relay(url, self._headers, put, memo=call.operation)
        if call.wire == "responses":
            put = responses.relay_fields(call, target.upstream_id)
            if put is None:
                return None
            return Relay(self._url(target, "responses"), self._headers, put, memo="responses")
        fields = chat.relay_fields(call, target.upstream_id)
        if fields is None:
            return None
        put, usage_added = fields
        return Relay(
            self._url(target, "chat"), self._headers, put, usage_added=usage_added, memo="chat"
        )

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call in the format that the model takes: the client's own, else chat, where it can
        be chosen."""
        if call.operation in _BESIDE:
            return self._encode_beside(call, target)
        wire = _wire(call, target)
        if wire == "responses":
            document, losses = responses.encode_call(call, target.upstream_id)
        else:
            document, losses = chat.encode_call(
                call, target.upstream_id, limit_name="max_completion_tokens"
            )
        try:
            body = orjson.dumps(document, default=plain)
        except TypeError as error:
            raise CannotEncode(f"the call cannot be written as JSON: {error}") from error
        request = UpstreamRequest("POST", self._url(target, wire), self._headers, body)
        return Encoded(request, losses, wire)

    def _encode_beside(self, call: Call, target: Target) -> Encoded:
        written = operations.encode(call, target.upstream_id)
        headers = ((_TYPE, written.content_type), *self._headers[1:])
        url = target.base_url + operations.PATHS[call.operation]
        request = UpstreamRequest("POST", url, headers, written.body)
        return Encoded(request, written.losses, call.operation)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply, in the format or of the operation that `memo` names."""
        for operation in _BESIDE:
            if memo == operation:
                return operations.decode(operation, head, body)
        if memo == "responses":
            return responses.decode_reply(body)
        return chat.decode_reply(body)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream, in the format that `memo` names."""
        return responses.ResponsesDecoder() if memo == "responses" else chat.ChatDecoder()

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; the reset of the limit that was hit is its pushback."""
        now_s = self._runtime.now_s()
        fault = chat.classify(head, body, now_s)
        if fault.kind == "upstream_auth":
            # The provider repeats parts of the key in its message: not for clients.
            fault = replace(fault, message="the provider refused our credential", native=None)
        if fault.code == "model_not_found" and fault.kind == "bad_request":
            # /responses answers 400 where /chat/completions answers 404.
            fault = replace(fault, kind="not_found")
        if fault.kind == "rate_limited" and fault.retry_after_s is None:
            fault = replace(fault, retry_after_s=_reset_s(head, now_s))
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object of either format in our buckets."""
        if "input_tokens" in native or "output_tokens" in native:
            return responses.usage(native)
        return chat.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, as a bearer token."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        return replace(
            request, headers=(*request.headers, (b"authorization", b"Bearer " + key.encode()))
        )


def _wire(call: Call, target: Target) -> ChatWire:
    """The format for a call: the client's own where the model takes it, else chat before
    responses."""
    takes_chat = not target.wires or "chat" in target.wires
    takes_responses = not target.wires or "responses" in target.wires
    if call.wire == "responses" and takes_responses:
        return "responses"
    return "responses" if takes_responses and not takes_chat else "chat"


def _reset_s(head: Head, now_s: float) -> float | None:
    """Seconds until the exhausted limit (none remaining) is reset."""
    for limit in ("requests", "tokens"):
        if head.header(f"x-ratelimit-remaining-{limit}") == "0":
            text = head.header(f"x-ratelimit-reset-{limit}")
            if text is not None:
                return parse_reset_s(text, now_s)
    return None
