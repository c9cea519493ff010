"""The contract of a provider adapter.

An adapter is free of I/O: it makes requests and reads replies as bytes; core sends them. The only
thing that may wait is `authorize` (a token refresh, say), through `runtime.fetch`, which reaches
nothing but the provider's own origins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from multiroute_core.api.call import Call
from multiroute_core.api.events import Event
from multiroute_core.api.faults import Fault
from multiroute_core.api.json import JsonObject
from multiroute_core.api.offering import Offering, Target
from multiroute_core.api.upstream import Decoder, Encoded, Head, Relay, UpstreamRequest
from multiroute_core.api.usage import Usage


class ProviderRuntime(Protocol):
    """What an adapter may use of its host; given to the factory."""

    @property
    def instance(self) -> str:
        """Name of the provider instance in the project file."""
        ...

    @property
    def base_url(self) -> str:
        """Base URL in force (the project file's, else the default of `plugin.toml`), without a
        slash at the end. "" where neither states one: the adapter sets it in `start`."""
        ...

    @property
    def credentials(self) -> tuple[str, ...]:
        """Labels of this instance's credentials, in the order of the project file."""
        ...

    def secret(self, credential: str) -> str:
        """The secret behind a label. Keep it out of everything but a request's headers."""
        ...

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        """Sends a request to one of the provider's own origins; redirects are not followed."""
        ...

    @property
    def now_s(self) -> Callable[[], float]:
        """The clock: UTC seconds since 1970."""
        ...


class Provider(Protocol):
    """Speaks for one provider instance."""

    async def start(self) -> None:
        """Provision: discover models, start helpers. `aclose` is called even if this raised."""
        ...

    async def aclose(self) -> None:
        """Release everything."""
        ...

    def offerings(self) -> Sequence[Offering]:
        """Offerings known only at run time (a local server's models), asked after `start`; those
        known beforehand stand in `offerings.json`."""
        ...

    def origin(self) -> str | None:
        """The base URL that came to be known in `start`; None: the configured one holds."""
        ...

    def relay(self, call: Call, target: Target) -> Relay | None:
        """How to pass the client's document on as it is; None: this call needs a translation."""
        ...

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call in the target's format, with everything that could not be carried over.

        Raises:
            CannotEncode: this target cannot take the call at all; the next candidate is tried.
        """
        ...

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole 2xx reply as events. A body that is no such reply gives `Broken`."""
        ...

    def decoder(self, head: Head, memo: object) -> Decoder:
        """A reader for one streamed 2xx reply."""
        ...

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind a reply that is not 2xx, its pushback parsed into `retry_after_s`."""
        ...

    def usage(self, native: JsonObject) -> Usage:
        """The provider's usage object in our buckets."""
        ...

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The same request with the credential added; the last step, on the final bytes."""
        ...
