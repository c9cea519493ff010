"""The Mantle adapter: Bedrock's chat and responses endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import orjson
from msgspec.structs import replace

from multiroute_aws_bedrock.account import Account
from multiroute_aws_bedrock.faults import REFUSED, classify as classify_aws
from multiroute_aws_bedrock.models import bare
from multiroute_aws_bedrock.settings import MantleSettings
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
    plain,
)
from multiroute_core.wire import chat, responses

BASE: Final = "https://bedrock-mantle.{region}.api.aws"
SERVICE: Final = "bedrock-mantle"
"""The service in a signature's scope: Mantle is none of `bedrock`'s (vendor's service
authorization reference, 2026)."""

_OPEN: Final = "/v1/responses"

MantleWire: TypeAlias = Literal["chat", "responses"]
_HEADERS: Final[Pairs] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
)
_STREAM_HEADERS: Final[Pairs] = (
    (b"content-type", b"application/json"),
    (b"accept", b"text/event-stream"),
)


class MantleProvider:
    """Speaks for one account and region of Bedrock's Mantle endpoints."""

    def __init__(
        self,
        settings: MantleSettings,
        runtime: ProviderRuntime,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._account = Account(settings, runtime, SERVICE, BASE, environ)

    async def start(self) -> None:
        """Find region and credentials.

        Raises:
            ConfigError: no such profile, or no credentials at all.
        """
        await self._account.start()

    async def aclose(self) -> None:
        """Nothing to release."""

    def offerings(self) -> Sequence[Offering]:
        """None are known."""
        return ()

    def origin(self) -> str | None:
        """The region's base URL, unless one is configured."""
        return self._account.origin

    def _url(self, target: Target, wire: MantleWire) -> str:
        if wire == "chat":
            return f"{target.base_url}/v1/chat/completions"
        path = self._settings.responses_path or _responses_path(target.upstream_id)
        return f"{target.base_url}{path}"

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's document as it is, with the upstream's model name."""
        headers = _STREAM_HEADERS if call.stream else _HEADERS
        if call.wire == "responses":
            put = responses.relay_fields(call, target.upstream_id)
            if put is None:
                return None
            return Relay(self._url(target, "responses"), headers, put, memo="responses")
        fields = chat.relay_fields(call, target.upstream_id)
        if _wire(call, target) == "responses":
            return None
        if fields is None:
            return None
        put, usage_added = fields
        url = self._url(target, "chat")
        return Relay(url, headers, put, usage_added=usage_added, memo="chat")

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a chat completions or responses request."""
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
        headers = _STREAM_HEADERS if call.stream else _HEADERS
        request = UpstreamRequest("POST", self._url(target, wire), headers, body)
        return Encoded(request, losses, wire)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply."""
        if memo == "responses":
            return responses.decode_reply(body)
        return chat.decode_reply(body)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return responses.ResponsesDecoder() if memo == "responses" else chat.ChatDecoder()

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error: of the endpoint's own format, or of the vendor's front."""
        now_s = self._runtime.now_s()
        if head.header("x-amzn-errortype") is not None:
            return classify_aws(head, body, now_s)
        fault = chat.classify(head, body, now_s)
        if fault.kind == "upstream_auth":
            fault = replace(fault, message=REFUSED, native=None)
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object of either format, in our buckets."""
        if "input_tokens" in native or "output_tokens" in native:
            return responses.usage(native)
        return chat.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The bearer token, or a signature over the final bytes."""
        return await self._account.authorize(request, target)


def _wire(call: Call, target: Target) -> MantleWire:
    """The client's own format if the offering takes it; else chat, unless it takes no other than
    responses, as the models behind the other path do."""
    takes_responses = not target.wires or "responses" in target.wires
    takes_chat = not target.wires or "chat" in target.wires
    if not target.wires and _responses_path(target.upstream_id) != _OPEN:
        takes_chat = False
    if takes_responses and (call.wire == "responses" or not takes_chat):
        return "responses"
    return "chat"


def _responses_path(model: str) -> str:
    """Models with weights of their own live behind another path than the open ones."""
    name = bare(model)
    own = name.startswith("openai.gpt-") and not name.startswith("openai.gpt-oss")
    return "/openai/v1/responses" if own else _OPEN
