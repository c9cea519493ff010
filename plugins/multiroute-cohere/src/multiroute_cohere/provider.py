"""The Cohere adapter: chat, embeddings, reranking, transcriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from multiroute_cohere import embed, v2chat
from multiroute_cohere.settings import CohereSettings
from multiroute_core.api import (
    Call,
    CannotEncode,
    Decoder,
    Encoded,
    Event,
    Fault,
    Head,
    InvalidRequest,
    Json,
    JsonObject,
    Loss,
    Offering,
    Operation,
    Pairs,
    ProviderRuntime,
    Relay,
    RerankBody,
    Start,
    Target,
    TranscriptionBody,
    UpstreamRequest,
    Usage,
)
from multiroute_core.wire import rerank
from multiroute_core.wire.audio import encode_transcription, transcript_reply
from multiroute_core.wire.strict import dump

_PATHS: Final[Mapping[Operation, str]] = {
    "chat": "/v2/chat",
    "embeddings": "/v2/embed",
    "rerank": "/v2/rerank",
    "transcriptions": "/v2/audio/transcriptions",
}
_JSON: Final = b"application/json"


class _Memo(Struct, frozen=True):
    """What was asked for: replies name neither operation nor model."""

    operation: Operation
    model: str


class CohereProvider:
    """Speaks for one Cohere account."""

    def __init__(self, settings: CohereSettings, runtime: ProviderRuntime) -> None:
        self._settings = settings
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

    def relay(self, call: Call, target: Target) -> Relay | None:
        """A Cohere document as it is. Rerank requests are written anew: those of the common format
        may hold what this API does not take."""
        if call.wire != v2chat.WIRE or call.operation not in _PATHS:
            return None
        url = target.base_url + _PATHS[call.operation]
        memo = _Memo(call.operation, target.upstream_id)
        headers: Pairs = ((b"content-type", _JSON),)
        return Relay(url, headers, {"model": target.upstream_id}, memo=memo)

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a request of this API.

        Raises:
            CannotEncode: an operation that the API does not have, or a value that it cannot take.
        """
        model = target.upstream_id
        document: dict[str, Json]
        if call.operation == "transcriptions":
            return self._transcription(call, target)
        if call.operation == "embeddings":
            document, losses = embed.encode_call(call, model, self._settings.embed_input_type)
        elif call.operation == "rerank":
            document, losses = _rerank(call, model)
        else:
            document, losses = v2chat.encode_call(call, model)
        try:
            body = dump(document)
        except InvalidRequest as error:
            raise CannotEncode(error.message) from error
        return self._encoded(call, target, _JSON, body, losses)

    def _encoded(
        self, call: Call, target: Target, kind: bytes, body: bytes, losses: tuple[Loss, ...]
    ) -> Encoded:
        url = target.base_url + _PATHS[call.operation]
        request = UpstreamRequest("POST", url, ((b"content-type", kind),), body)
        return Encoded(request, losses, _Memo(call.operation, target.upstream_id))

    def _transcription(self, call: Call, target: Target) -> Encoded:
        """The form, without the field for the answer's form: this API answers in JSON only."""
        losses: list[Loss] = []
        body = call.body
        if isinstance(body, TranscriptionBody):
            if body.response != "json":
                losses.append(Loss("response_format", "form of the answer", "it is always JSON"))
            if body.prompt is not None:
                losses.append(Loss("prompt", "prompt", "target has no such parameter"))
            plain = replace(body, response="json", prompt=None)
            doc = {name: value for name, value in call.doc.items() if name != "response_format"}
            call = replace(call, body=plain, doc=doc)
        kind, form, lost = encode_transcription(call, target.upstream_id)
        return self._encoded(call, target, kind, form, (*losses, *lost))

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply to what `memo` says was asked for."""
        asked = memo if isinstance(memo, _Memo) else _Memo("chat", "")
        if asked.operation == "embeddings":
            return embed.decode_reply(body, asked.model)
        if asked.operation == "rerank":
            return _named(rerank.decode_reply(body), asked.model)
        if asked.operation == "transcriptions":
            return _named(transcript_reply(body, "application/json"), asked.model)
        return v2chat.decode_reply(body, asked.model)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return v2chat.CohereDecoder(memo.model if isinstance(memo, _Memo) else "")

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error."""
        fault = v2chat.classify(head, body, self._runtime.now_s())
        if fault.kind == "upstream_auth":
            # What it says of a key is not for clients.
            return replace(fault, message="the provider refused our credential", native=None)
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """A usage object, or what was billed, in our buckets."""
        if "tokens" in native or "billed_units" in native:
            return v2chat.usage(native)
        return rerank.usage(native) if "search_units" in native else embed.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, as a bearer token."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        header = (b"authorization", b"Bearer " + key.encode())
        return replace(request, headers=(*request.headers, header))


def _rerank(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """A rerank request: documents are text here, and are not sent back (core lays them in)."""
    document, losses = rerank.encode_call(call, model)
    document.pop("return_documents", None)
    if isinstance(call.body, RerankBody):
        document["documents"] = [_as_text(one) for one in call.body.documents]
    return document, losses


def _as_text(document: str | JsonObject) -> str:
    """A document with fields as text: its text alone, or all of it as JSON."""
    if isinstance(document, str):
        return document
    text = document.get("text")
    return text if isinstance(text, str) and len(document) == 1 else dump(document).decode()


def _named(events: Sequence[Event], model: str) -> list[Event]:
    """The events, the start with the model that was asked for."""
    return [
        replace(event, model=model) if isinstance(event, Start) and not event.model else event
        for event in events
    ]
