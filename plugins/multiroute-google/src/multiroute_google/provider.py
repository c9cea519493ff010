"""The Gemini API (AI Studio): calls of any dialect as Gemini requests, its own passed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    CannotEncode,
    Decoder,
    EmbedBody,
    Encoded,
    Event,
    Fault,
    Head,
    ImageBody,
    InvalidRequest,
    JsonObject,
    Loss,
    Offering,
    Operation,
    Pairs,
    ProviderRuntime,
    Relay,
    Target,
    UpstreamRequest,
    Usage,
)
from multiroute_core.wire.strict import dump
from multiroute_google import gemini
from multiroute_google.gemini.embeddings import Form
from multiroute_google.gemini.images import decode_images, encode_images

_JSON: Final[Pairs] = ((b"content-type", b"application/json"),)
_VERBS: Final[dict[Operation, str]] = {"chat": "generateContent", "count_tokens": "countTokens"}


class GoogleProvider:
    """Speaks for one API key of the Gemini API."""

    def __init__(self, runtime: ProviderRuntime) -> None:
        self._runtime = runtime

    async def start(self) -> None:
        """Nothing to provision."""

    async def aclose(self) -> None:
        """Nothing to release."""

    def offerings(self) -> Sequence[Offering]:
        """All that is known stands in the offerings file."""
        return ()

    def origin(self) -> str | None:
        """The configured base URL holds."""
        return None

    def _url(self, target: Target, verb: str) -> str:
        name = target.upstream_id
        if not name.startswith(("models/", "tunedModels/")):
            name = f"models/{name}"
        return f"{target.base_url}/{quote(name, safe='/@.')}:{verb}"

    def _chat_url(self, call: Call, target: Target) -> str:
        if call.stream:
            # Server-sent events whatever the client asked for: a JSON array cannot show its end.
            return self._url(target, "streamGenerateContent") + "?alt=sse"
        return self._url(target, _VERBS[call.operation])

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's own Gemini document; None for other formats, and where a stream must be
        framed anew."""
        is_plain = call.operation == "chat" and not gemini.is_array(call)
        if call.wire != gemini.WIRE or not is_plain:
            return None
        return Relay(self._chat_url(call, target), _JSON, drop=gemini.ROUTED, memo=call.operation)

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a Gemini request.

        Raises:
            CannotEncode: an operation that the API does not have, or a value that it cannot take.
        """
        body = call.body
        if isinstance(body, EmbedBody):
            return self._encode_embed(body, call, target)
        if isinstance(body, ImageBody):
            drawn, losses = encode_images(body)
            return self._encoded(self._url(target, "generateContent"), drawn, losses, "images")
        if call.operation not in _VERBS:
            raise CannotEncode(f"the Gemini API has no {call.operation}")
        native, losses = gemini.encode_call(call, target.upstream_id)
        is_foreign_count = call.operation == "count_tokens" and call.wire != gemini.WIRE
        document = self._countable(native, target) if is_foreign_count else native
        return self._encoded(self._chat_url(call, target), document, losses, call.operation)

    def _countable(self, document: JsonObject, target: Target) -> JsonObject:
        """A request whose tokens are to be counted, tools and system instruction included."""
        model = f"models/{target.upstream_id.removeprefix('models/')}"
        return {"generateContentRequest": {"model": model, **document}}

    def _encode_embed(self, body: EmbedBody, call: Call, target: Target) -> Encoded:
        given = call.doc if call.wire == gemini.WIRE else {}
        is_one = bool(given) and "content" in given
        form: Form = "one" if is_one else "batch"
        document, losses = gemini.encode_embed(body, target.upstream_id, given, form)
        url = self._url(target, "embedContent" if is_one else "batchEmbedContents")
        return self._encoded(url, document, losses, "embeddings")

    def _encoded(
        self, url: str, document: JsonObject, losses: tuple[Loss, ...], memo: str
    ) -> Encoded:
        try:
            body = dump(document)
        except InvalidRequest as error:
            raise CannotEncode(error.message) from error
        return Encoded(UpstreamRequest("POST", url, _JSON, body), losses, memo)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply; `memo` is the operation."""
        if memo == "embeddings":
            return gemini.decode_embed_reply(body)
        if memo == "count_tokens":
            return gemini.decode_count(body)
        events = gemini.decode_reply(body, self.usage)
        return decode_images(events) if memo == "images" else events

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return gemini.GeminiDecoder(self.usage)

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error, with its `RetryInfo` as pushback."""
        fault = gemini.classify(head, body, self._runtime.now_s())
        if fault.kind == "upstream_auth":
            # The vendor repeats parts of the key or the account: not for clients.
            return replace(fault, message="the provider refused our credential", native=None)
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object in our buckets."""
        return gemini.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, in the vendor's header."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        return replace(request, headers=(*request.headers, (b"x-goog-api-key", key.encode())))
