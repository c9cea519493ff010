"""Provider instances: an adapter with its secrets, and the bounds of where those may go."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from multiroute_core.api.errors import ConfigError
from multiroute_core.api.faults import Fault
from multiroute_core.api.provider import Provider
from multiroute_core.api.upstream import Head, UpstreamRequest
from multiroute_core.engine.transport import Exchange, TransportFault, Upstream, read_all
from multiroute_core.plugins import PluginFacts
from multiroute_core.project import Secret

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FETCH_BYTES = 4 * 1024 * 1024
_FETCH_CONNECT_S = 5.0


def origin_of(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of a URL.

    >>> origin_of("https://api.acme.com/v1")
    ('https', 'api.acme.com', 443)
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme, 0)


class Origins:
    """A set of origins; "https://*.acme.com" holds every host below the domain.

    `loopback`: this machine is in it too, for instances that have no credential to lose.
    """

    def __init__(self, *origins: str, loopback: bool = False) -> None:
        self._loopback = loopback
        split = [origin_of(origin) for origin in origins if origin]
        self._exact = {origin for origin in split if not origin[1].startswith("*.")}
        self._below = [(s, host[1:], port) for s, host, port in split if host.startswith("*.")]

    def __contains__(self, url: str) -> bool:
        scheme, host, port = origin_of(url)
        if (scheme, host, port) in self._exact:
            return True
        if self._loopback and host in ("127.0.0.1", "::1", "localhost"):
            return True
        return any(
            scheme == own and port == at and host.endswith(suffix)
            for own, suffix, at in self._below
        )


class BoundUpstream:
    """An `Upstream` that sends to some origins only: a credential never leaves its provider."""

    def __init__(self, upstream: Upstream, origins: Origins) -> None:
        self._upstream = upstream
        self._origins = origins

    async def send(self, request: UpstreamRequest, connect_s: float) -> Exchange:
        """Send, if the request goes where it may."""
        if request.url not in self._origins:
            host = urlsplit(request.url).hostname
            message = f"the adapter wanted to send to {host}, which is not the provider's origin"
            raise TransportFault(Fault("plugin_error", message))
        return await self._upstream.send(request, connect_s)

    async def aclose(self) -> None:
        """The connections belong to the upstream that this one wraps."""


class Instance:
    """One `[providers.<name>]`, and the `ProviderRuntime` that its adapter is given."""

    def __init__(
        self,
        name: str,
        plugin: str,
        facts: PluginFacts,
        base_url: str,
        secrets: Mapping[str, Secret],
        tags: tuple[str, ...],
        upstream: Upstream,
    ) -> None:
        self.plugin = plugin
        self.facts = facts
        self.tags = tags
        self.provider: Provider | None = None
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._secrets = secrets
        self._upstream = upstream
        self.upstream: Upstream = self._bound(base_url)
        self._fetching = self._bound(base_url, facts.token_origins)

    def _bound(self, base_url: str, also: tuple[str, ...] = ()) -> BoundUpstream:
        origins = Origins(*self.facts.origins, *also, base_url, loopback=not self._secrets)
        return BoundUpstream(self._upstream, origins)

    @property
    def instance(self) -> str:
        """Name of the instance in the project file."""
        return self._name

    @property
    def base_url(self) -> str:
        """The base URL in force, without a slash at the end."""
        return self._base_url

    @property
    def credentials(self) -> tuple[str, ...]:
        """Labels of the credentials, in the order of the file."""
        return tuple(self._secrets)

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        """Sends a request to one of the provider's own origins."""
        return self._fetch

    @property
    def now_s(self) -> Callable[[], float]:
        """UTC seconds since 1970."""
        return time.time

    def secret(self, credential: str) -> str:
        """The secret behind a label.

        Raises:
            ConfigError: there is no credential of that label.
        """
        found = self._secrets.get(credential)
        if found is None:
            raise ConfigError(f"the provider instance {self._name} has no such credential")
        return found.reveal()

    async def _fetch(self, request: UpstreamRequest) -> tuple[Head, bytes]:
        exchange = await self._fetching.send(request, _FETCH_CONNECT_S)
        try:
            return exchange.head, await read_all(exchange, _FETCH_BYTES)
        finally:
            await exchange.aclose()

    def started(self) -> None:
        """Take over the base URL that came to be known in the adapter's `start`."""
        assert self.provider is not None
        origin = self.provider.origin()
        if origin is not None:
            self._base_url = origin.rstrip("/")
            self.upstream = self._bound(self._base_url)
            self._fetching = self._bound(self._base_url, self.facts.token_origins)
