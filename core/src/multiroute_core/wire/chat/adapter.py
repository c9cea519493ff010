"""An adapter for providers that speak this format: a base for their plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import JsonObject
from multiroute_core.api.offering import Offering, Target
from multiroute_core.api.provider import ProviderRuntime
from multiroute_core.api.upstream import Decoder, Encoded, Head, Relay, UpstreamRequest
from multiroute_core.api.usage import Usage
from multiroute_core.wire import operations, responses
from multiroute_core.wire.chat.faults import classify
from multiroute_core.wire.chat.quirks import ChatQuirks, Fit, fit, reset_s, usage_of
from multiroute_core.wire.chat.relay import relay_fields
from multiroute_core.wire.chat.reply_in import ChatDecoder, decode_reply
from multiroute_core.wire.chat.request_out import encode_call
from multiroute_core.wire.strict import dump

_JSON: Pairs = ((b"content-type", b"application/json"),)
_RESPONSES: Final = "responses"
_CHAT: Final = "chat"


def _goes_to_responses(call: Call, target: Target) -> bool:
    """Whether a call goes in the responses format: it is the client's, or all the model takes."""
    if not target.wires:
        return call.wire == _RESPONSES
    if _RESPONSES not in target.wires:
        return False
    return call.wire == _RESPONSES or _CHAT not in target.wires


def _dumped(document: JsonObject) -> bytes:
    try:
        return dump(document)
    except InvalidRequest as error:
        raise CannotEncode(error.message) from error


class ChatAdapter:
    """Speaks for one instance of a provider of this format, with its quirks.

    A plugin overrides what its provider does otherwise: `url`, `adjust`, `classify`, `authorize`.
    """

    def __init__(
        self, runtime: ProviderRuntime, quirks: ChatQuirks | None = None, headers: Pairs = ()
    ) -> None:
        self._runtime = runtime
        self._quirks = quirks if quirks is not None else ChatQuirks()
        self._headers: Pairs = (*_JSON, *headers)

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

    def url(self, target: Target) -> str:
        """Where chat completions are asked for."""
        return target.base_url + self._quirks.path

    def adjust(self, doc: JsonObject, call: Call, target: Target) -> Fit:
        """What must change at the top of a document of this format, passed on or encoded."""
        return fit(doc, self._quirks)

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's document as it is, with the upstream's model name and its spellings."""
        if call.operation != "chat":
            return self._relay_operation(call, target)
        url = self.responses_url(target)
        if url is not None and _goes_to_responses(call, target):
            fields_there = responses.relay_fields(call, target.upstream_id)
            if fields_there is None:
                return None
            return Relay(url, self._headers, fields_there, memo=_RESPONSES)
        fields = relay_fields(call, target.upstream_id)
        if fields is None:
            return None
        put, usage_added = fields
        change = self.adjust({**call.doc, **put}, call, target)
        put = {name: value for name, value in put.items() if name not in change.drop}
        return Relay(
            self.url(target),
            self._headers,
            {**put, **change.put},
            drop=change.drop - change.put.keys(),
            losses=change.losses,
            usage_added=usage_added and "stream_options" in put,
        )

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call in this provider's format.

        Raises:
            CannotEncode: an operation that it does not do, or a value that JSON cannot hold.
        """
        if call.operation != "chat":
            return self._encode_operation(call, target)
        url = self.responses_url(target)
        if url is not None and _goes_to_responses(call, target):
            there, losses = responses.encode_call(call, target.upstream_id)
            request = UpstreamRequest("POST", url, self._headers, _dumped(there))
            return Encoded(request, losses, _RESPONSES)
        document, losses = encode_call(
            call,
            target.upstream_id,
            thinking_field=self._quirks.thinking_field,
            reasoning_details=self._quirks.takes_reasoning_details,
            reasoning_object=self._quirks.has_reasoning_object,
        )
        change = self.adjust(document, call, target)
        body = _dumped(change.applied(document))
        request = UpstreamRequest("POST", self.url(target), self._headers, body)
        return Encoded(request, (*losses, *change.losses))

    def responses_url(self, target: Target) -> str | None:
        """Where responses are asked for; None: this provider does not speak that format."""
        path = self._quirks.responses_path
        return None if path is None else target.base_url + path

    def operation_url(self, operation: Operation, target: Target) -> str:
        """Where an operation beside chat is asked for."""
        paths = self._quirks.operation_paths
        return target.base_url + (paths.get(operation) or operations.PATHS[operation])

    def _relay_operation(self, call: Call, target: Target) -> Relay | None:
        put = operations.relay_fields(call, target.upstream_id)
        if put is None:
            return None
        url = self.operation_url(call.operation, target)
        return Relay(url, self._headers, put, memo=call.operation)

    def _encode_operation(self, call: Call, target: Target) -> Encoded:
        if call.operation not in operations.PATHS:
            raise CannotEncode(f"this provider does not do {call.operation}")
        written = operations.encode(call, target.upstream_id, self._quirks.images_to_edit)
        kept = tuple(pair for pair in self._headers if pair[0] != b"content-type")
        headers = ((b"content-type", written.content_type), *kept)
        url = self.operation_url(call.operation, target)
        request = UpstreamRequest("POST", url, headers, written.body)
        return Encoded(request, written.losses, call.operation)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply; `memo` names an operation beside chat, or the other format."""
        if isinstance(memo, str) and memo in operations.PATHS:
            return operations.decode(memo, head, body)
        if memo == _RESPONSES:
            return responses.decode_reply(body)
        return decode_reply(body, self.usage)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream."""
        return responses.ResponsesDecoder() if memo == _RESPONSES else ChatDecoder(self.usage)

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; the reset of the limit that was hit is its pushback."""
        now_s = self._runtime.now_s()
        fault = classify(head, body, now_s)
        if fault.kind == "upstream_auth":
            # Providers repeat parts of the key in their message: not for clients.
            return replace(fault, message="the provider refused our credential", native=None)
        if fault.kind == "rate_limited" and fault.retry_after_s is None:
            return replace(fault, retry_after_s=reset_s(head, self._quirks, now_s))
        return fault

    def usage(self, native: JsonObject) -> Usage:
        """The usage object of either format in our buckets."""
        if "input_tokens" in native or "output_tokens" in native:
            return responses.usage(native)
        return usage_of(native, self._quirks)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key, as a bearer token."""
        if not target.credential:
            return request
        key = self._runtime.secret(target.credential)
        header = (b"authorization", b"Bearer " + key.encode())
        return replace(request, headers=(*request.headers, header))
