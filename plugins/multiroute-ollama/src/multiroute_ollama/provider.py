"""The Ollama adapter: its compatible API and its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    Call,
    CannotEncode,
    Decoder,
    Encoded,
    Event,
    Head,
    InvalidRequest,
    Json,
    JsonObject,
    Offering,
    Operation,
    Pairs,
    ProviderRuntime,
    Relay,
    Target,
    UpstreamRequest,
    Usage,
)
from multiroute_core.wire import operations
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks
from multiroute_core.wire.strict import dump
from multiroute_ollama import native as own_api
from multiroute_ollama.discovery import discover
from multiroute_ollama.settings import OllamaSettings

_QUIRKS: Final = ChatQuirks(
    path="/v1/chat/completions",
    # The newer name of the limit, and the role "developer", are passed over in silence.
    limits=("max_tokens",),
    takes_developer_role=False,
    thinking_field="reasoning",
)
_JSON: Final[Pairs] = ((b"content-type", b"application/json"),)
_OPERATIONS: Final[tuple[Operation, ...]] = ("chat", "embeddings")


class OllamaProvider(ChatAdapter):
    """Speaks for one Ollama server. `is_local`: it is asked for its models at start."""

    def __init__(
        self, settings: OllamaSettings, runtime: ProviderRuntime, *, is_local: bool = True
    ) -> None:
        super().__init__(runtime, _QUIRKS)
        self._settings = settings
        self._is_local = is_local
        self._found: tuple[Offering, ...] = ()

    async def start(self) -> None:
        """Ask the server for its models. One that does not answer may come up later."""
        runtime = self._runtime
        if not (self._is_local and self._settings.discover and runtime.base_url):
            return
        headers = _JSON
        if runtime.credentials:
            headers = (*headers, _bearer(runtime.secret(runtime.credentials[0])))
        root = _root(runtime.base_url)
        self._found = await discover(runtime.fetch, root, headers, self._settings.num_ctx)

    def offerings(self) -> Sequence[Offering]:
        """What the server told of at start."""
        return self._found

    def url(self, target: Target) -> str:
        """Where chat completions are asked for."""
        return _root(target.base_url) + _QUIRKS.path

    def operation_url(self, operation: Operation, target: Target) -> str:
        """Where embeddings are asked for."""
        return f"{_root(target.base_url)}/v1{operations.PATHS[operation]}"

    def relay(self, call: Call, target: Target) -> Relay | None:
        """The client's chat or embeddings document as it is, where the compatible API is chosen."""
        if call.operation == "chat" and self._is_native(call, target):
            return None
        return super().relay(call, target) if call.operation in _OPERATIONS else None

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call in the API that the settings choose; one that came in Ollama's own format, in
        that.

        Raises:
            CannotEncode: an operation that Ollama does not have, or a value that it cannot take.
        """
        if call.operation not in _OPERATIONS:
            raise CannotEncode(f"Ollama does not do {call.operation}")
        if call.operation != "chat" or not self._is_native(call, target):
            return super().encode(call, target)
        document, losses = own_api.encode_call(call, target.upstream_id)
        self._defaults(document)
        try:
            body = dump(document)
        except InvalidRequest as error:
            raise CannotEncode(error.message) from error
        path = "/api/generate" if call.wire == own_api.GENERATE else "/api/chat"
        request = UpstreamRequest("POST", _root(target.base_url) + path, _JSON, body)
        return Encoded(request, losses, own_api.WIRE)

    def _defaults(self, document: dict[str, Json]) -> None:
        """What the settings say where the call does not."""
        settings = self._settings
        if settings.keep_alive is not None and document.get("keep_alive") is None:
            document["keep_alive"] = settings.keep_alive
        if settings.num_ctx is not None:
            given = document.get("options")
            options = given if isinstance(given, Mapping) else {}
            document["options"] = {"num_ctx": settings.num_ctx, **options}

    def _is_native(self, call: Call, target: Target) -> bool:
        """Whether a conversation goes through Ollama's own API."""
        if call.wire in (own_api.WIRE, own_api.GENERATE) or self._settings.api == "native":
            return True
        return bool(target.wires) and "chat" not in target.wires

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply, in the format that `memo` names."""
        if memo == own_api.WIRE:
            return own_api.decode_reply(body)
        return super().decode(head, body, memo)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one stream, in the format that `memo` names."""
        return own_api.OllamaDecoder() if memo == own_api.WIRE else super().decoder(head, memo)

    def usage(self, native: JsonObject) -> Usage:
        """A usage object, or the counters of the native API, in our buckets."""
        if "eval_count" in native or "prompt_eval_count" in native:
            return own_api.usage(native)
        return super().usage(native)


def _bearer(key: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + key.encode()


def _root(base_url: str) -> str:
    """The server's root: base URLs are often given with the compatible API's path.

    >>> _root("http://127.0.0.1:11434/v1")
    'http://127.0.0.1:11434'
    """
    return base_url.removesuffix("/").removesuffix("/v1")
