"""The adapter: an ordinary one over the chat format, whose upstream it starts itself."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from multiroute_core.api import (
    Call,
    Decoder,
    Encoded,
    Event,
    Fault,
    Head,
    JsonObject,
    Offering,
    PriceSheet,
    ProviderRuntime,
    Rate,
    Relay,
    Target,
    UpstreamRequest,
    Usage,
    frozen,
)
from multiroute_core.testing import ScriptedUpstream, SeenRequest, Step
from multiroute_core.wire import chat
from multiroute_core.wire.strict import dump
from multiroute_sandbox.answers import step_for
from multiroute_sandbox.settings import SandboxSettings

SHIPPED: Final = ("echo", "strong")
_HEADERS: Final = ((b"content-type", b"application/json"),)
_FREE: Final = PriceSheet((Rate("input", Decimal(0)), Rate("output", Decimal(0))))
_CAN: Final = ("json_mode", "json_schema", "parallel_tools", "streaming", "tools", "vision")


class Sandbox:
    """One sandbox instance.

    Without a `base_url` it starts its upstream on a free port of 127.0.0.1; with one it speaks to
    whatever is there.
    """

    def __init__(self, settings: SandboxSettings, runtime: ProviderRuntime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._upstream: ScriptedUpstream | None = None
        self._refusing: socket.socket | None = None
        self._base_url = runtime.base_url

    async def start(self) -> None:
        """Start the upstream, and take the port that refuses."""
        if self._runtime.base_url:
            return
        self._upstream = ScriptedUpstream(self._step)
        await self._upstream.start()
        self._base_url = self._upstream.base_url
        if "refuse" in self._settings.faults.values():
            # Bound and never listened on: refused for as long as this socket is open.
            self._refusing = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._refusing.bind(("127.0.0.1", 0))

    async def aclose(self) -> None:
        """Stop both."""
        upstream, self._upstream = self._upstream, None
        refusing, self._refusing = self._refusing, None
        if refusing is not None:
            refusing.close()
        if upstream is not None:
            await upstream.aclose()

    def offerings(self) -> Sequence[Offering]:
        """What the settings name beside the shipped ones; free of charge, like those."""
        names = dict.fromkeys((*self._settings.models, *self._settings.faults))
        return tuple(_offering(name) for name in names if name not in SHIPPED)

    def origin(self) -> str | None:
        """The upstream's base URL once it runs."""
        return self._upstream.base_url if self._upstream is not None else None

    def relay(self, call: Call, target: Target) -> Relay | None:
        """Chat calls go as they are."""
        fields = chat.relay_fields(call, target.upstream_id)
        if fields is None or call.operation != "chat":
            return None
        put, usage_added = fields
        return Relay(self._url(target), _HEADERS, frozen(put), usage_added=usage_added)

    def encode(self, call: Call, target: Target) -> Encoded:
        """Any other chat call, translated."""
        doc, losses = chat.encode_call(call, target.upstream_id)
        return Encoded(UpstreamRequest("POST", self._url(target), _HEADERS, dump(doc)), losses)

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply."""
        return chat.decode_reply(body)

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A streamed reply."""
        return chat.ChatDecoder()

    def classify(self, head: Head, body: bytes) -> Fault:
        """An error reply."""
        return chat.classify(head, body, self._runtime.now_s())

    def usage(self, native: JsonObject) -> Usage:
        """Usage as the chat format counts it."""
        return chat.usage(native)

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The request as it is: there is no credential."""
        return request

    def _url(self, target: Target) -> str:
        base_url = self._base_url
        if self._refusing and self._settings.faults.get(target.upstream_id) == "refuse":
            base_url = f"http://127.0.0.1:{self._refusing.getsockname()[1]}"
        return f"{base_url}/chat/completions"

    def _step(self, request: SeenRequest) -> Step:
        upstream = self._upstream
        if upstream is not None:  # it notes what it saw, for tests: here it would pile up
            for noted in (upstream.requests, upstream.abandoned, upstream.problems):
                noted.clear()
        return step_for(request, self._settings)


def _offering(name: str) -> Offering:
    return Offering(
        name,
        f"sandbox/{name}",
        prices=(_FREE,),
        context=131_072,
        max_output=16_384,
        capabilities=dict.fromkeys(_CAN, True),
        modalities_in=("text", "image"),
        modalities_out=("text",),
        flags=("not-a-model",),
    )
