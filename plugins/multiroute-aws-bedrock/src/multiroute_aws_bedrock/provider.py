"""The Bedrock adapter: calls of any format through Converse or InvokeModel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote

import orjson
from msgspec import Struct

from multiroute_aws_bedrock import converse, invoke
from multiroute_aws_bedrock.account import Account
from multiroute_aws_bedrock.converse.usage import usage as converse_usage
from multiroute_aws_bedrock.eventstream import CONTENT_TYPE
from multiroute_aws_bedrock.faults import classify, error_in_200
from multiroute_aws_bedrock.models import bare, maker
from multiroute_aws_bedrock.settings import BedrockSettings
from multiroute_aws_bedrock.stream import EventStreamDecoder
from multiroute_core.api import (
    Broken,
    Call,
    CannotEncode,
    ChatBody,
    Decoder,
    Encoded,
    Event,
    Fault,
    Finish,
    Head,
    Json,
    JsonObject,
    Loss,
    Offering,
    Pairs,
    ProviderRuntime,
    Relay,
    Result,
    Start,
    Target,
    TokenCount,
    UpstreamRequest,
    Usage,
    plain,
)
from multiroute_core.wire import chat, messages
from multiroute_core.wire.strict import loads

BASE: Final = "https://bedrock-runtime.{region}.amazonaws.com"
SERVICE: Final = "bedrock"
_JSON: Final = b"application/json"
_GUARDRAIL: Final = b"x-amzn-bedrock-guardrail"
_TRACE: Final = b"x-amzn-bedrock-trace"

Api = Literal["converse", "invoke"]


class Memo(Struct, frozen=True, gc=False):
    """What the reader of a reply must know of its request."""

    model: str


class BedrockProvider:
    """Speaks for one account and region of Bedrock."""

    def __init__(
        self,
        settings: BedrockSettings,
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
        """All that is known stands in `offerings.json`."""
        return ()

    def origin(self) -> str | None:
        """The region's base URL, unless one is configured."""
        return self._account.origin

    def relay(self, call: Call, target: Target) -> Relay | None:
        """No client dialect is framed as this provider's replies are: every call is translated."""
        return None

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call as a request of Converse, InvokeModel or CountTokens."""
        model = target.upstream_id
        document: dict[str, Json]
        if call.operation == "count_tokens":
            document, losses, model = self._count(call, model)
            path, stream = "count-tokens", False
            api: Api = "converse"
        else:
            api = self._api(call, target)
            stream = call.stream and isinstance(call.body, ChatBody)
            if api == "converse":
                document, losses = converse.encode_call(call, model)
                path = "converse-stream" if stream else "converse"
                document = self._guarded(document)
            else:
                document, losses = invoke.encode_call(call, model, self._settings.max_output)
                losses = (*losses, *self._unguarded(call))
                path = "invoke-with-response-stream" if stream else "invoke"
        try:
            body = orjson.dumps(document, default=plain)
        except TypeError as error:
            raise CannotEncode(f"the call cannot be written as JSON: {error}") from error
        url = f"{target.base_url}/model/{quote(model, safe='')}/{path}"
        request = UpstreamRequest("POST", url, self._headers(call, api, stream), body)
        return Encoded(request, losses, Memo(target.upstream_id))

    def _api(self, call: Call, target: Target) -> Api:
        """Which API carries a call: the setting, the offering, else where most of it survives."""
        if not isinstance(call.body, ChatBody):
            return "invoke"
        if self._settings.api != "auto":
            return self._settings.api
        for wire in target.wires:
            if wire == "converse":
                return "converse"
            if wire == "invoke":
                return "invoke"
        own = call.wire == "messages" and maker(target.upstream_id) == "anthropic"
        return "invoke" if own or call.wire.startswith("invoke.") else "converse"

    def _count(self, call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...], str]:
        """Counting knows foundation models, and no inference profiles."""
        counted = bare(model)
        if call.wire == "messages" and maker(model) == "anthropic":
            document, losses = invoke.encode_count(call, model, self._settings.max_output)
        else:
            document, losses = converse.encode_count(call, model)
        return document, losses, counted

    def _guarded(self, document: dict[str, Json]) -> dict[str, Json]:
        if self._settings.guardrail is None or "guardrailConfig" in document:
            return document
        config: dict[str, Json] = {
            "guardrailIdentifier": self._settings.guardrail,
            "guardrailVersion": self._settings.guardrail_version,
        }
        if self._settings.guardrail_trace is not None:
            config["trace"] = self._settings.guardrail_trace
        return {**document, "guardrailConfig": config}

    def _unguarded(self, call: Call) -> list[Loss]:
        """The guardrail that a client asks for where the project has set one: that one holds."""
        if self._guardrail() is None:
            return []
        why = "the project has set a guardrail"
        return [Loss(f"headers.{n.decode()}", "guardrail", why) for n, _ in _asked_guardrail(call)]

    def _guardrail(self) -> Pairs | None:
        """The project's guardrail as headers; None: it has set none."""
        settings = self._settings
        if settings.guardrail is None or settings.guardrail_version is None:
            return None
        headers = [
            (_GUARDRAIL + b"identifier", settings.guardrail.encode()),
            (_GUARDRAIL + b"version", settings.guardrail_version.encode()),
        ]
        if settings.guardrail_trace is not None:
            headers.append((_TRACE, settings.guardrail_trace.upper().encode()))
        return tuple(headers)

    def _headers(self, call: Call, api: Api, stream: bool) -> Pairs:
        accept = CONTENT_TYPE.encode() if stream else _JSON
        headers: list[tuple[bytes, bytes]] = [(b"content-type", _JSON), (b"accept", accept)]
        if api == "invoke":
            if stream:
                headers.append((b"x-amzn-bedrock-accept", _JSON))
            set_here = self._guardrail()
            headers.extend(_asked_guardrail(call) if set_here is None else set_here)
        return tuple(headers)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply; its form tells which API it comes from."""
        if not body.strip():
            return [Broken(Fault("empty", "the provider's reply is empty"))]
        try:
            doc: Json = loads(body)
        except ValueError:
            return [Broken(Fault("protocol", "the provider's reply is not valid JSON"))]
        if not isinstance(doc, Mapping):
            return [Broken(Fault("protocol", "the provider's reply is not a JSON object"))]
        reply_id, model = _told(head, memo)
        tokens = doc.get("inputTokens")
        if isinstance(tokens, int) and "output" not in doc:
            extra = {k: v for k, v in doc.items() if k != "inputTokens"}
            count = TokenCount(tokens, extra=extra)
            return [Start(reply_id, model), Result(count), Finish("stop", "")]
        fault = error_in_200(doc)
        if fault is not None:
            return [Broken(fault)]
        return invoke.whole(doc, head, reply_id, model)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return EventStreamDecoder(*_told(head, memo))

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error."""
        return classify(head, body, self._runtime.now_s())

    def usage(self, native: JsonObject) -> Usage:
        """The usage object of whichever format, in our buckets."""
        if "input_tokens" in native or "output_tokens" in native:
            return messages.usage(native)
        if "prompt_tokens" in native or "completion_tokens" in native:
            return chat.usage(native)
        return converse_usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The bearer token, or a signature over the final bytes."""
        return await self._account.authorize(request, target)


def _asked_guardrail(call: Call) -> Pairs:
    """The headers of a client that ask for a guardrail."""
    names = (_GUARDRAIL + b"identifier", _GUARDRAIL + b"version", _TRACE)
    return tuple(pair for pair in call.headers if pair[0].lower() in names)


def _told(head: Head, memo: object) -> tuple[str, str]:
    """Id and model of a reply: its format holds neither."""
    reply_id = head.header("x-amzn-requestid") or head.header("x-amzn-request-id") or ""
    return reply_id, memo.model if isinstance(memo, Memo) else ""
