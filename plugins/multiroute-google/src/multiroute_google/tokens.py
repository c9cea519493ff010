"""Access tokens from google-auth, refreshed in a thread.

The library is imported when a token is needed first, and sends through `runtime.fetch`, which
reaches nothing but the token origins of `plugin.toml`. The one exception is the metadata server of
the vendor's own machines: it stands on a link-local name without TLS and is asked directly.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from types import ModuleType
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from multiroute_core.api import ConfigError, Head, ProviderRuntime, UpstreamRequest

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_METADATA: Final = frozenset({"metadata.google.internal", "169.254.169.254"})
_REFRESH_S: Final = 30.0
_EARLY_S: Final = 300.0
"""A token is replaced this long before it ends: no request may outlive it by much."""


class Credentials(Protocol):
    """What is used of `google.auth.credentials.Credentials`. `expiry` is naive UTC."""

    token: str | None
    expiry: datetime | None

    def refresh(self, request: Callable[..., _Response]) -> None:
        """Get a new token; blocks."""
        ...


class _Response:
    """A reply as google-auth reads it (`google.auth.transport.Response`)."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


class Transport:
    """The `google.auth.transport.Request` of a refresh: called in its thread, sends on the loop."""

    def __init__(self, runtime: ProviderRuntime, loop: asyncio.AbstractEventLoop) -> None:
        self._runtime = runtime
        self._loop = loop

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_options: object,
    ) -> _Response:
        """Send one request and wait for the reply.

        Raises:
            google.auth.exceptions.TransportError: it could not be sent; the library may try again.
        """
        sent = body.encode() if isinstance(body, str) else body or b""
        within_s = timeout or _REFRESH_S
        try:
            if urlsplit(url).hostname in _METADATA:
                return _ask_metadata(url, method, sent, headers or {}, within_s)
            return self._fetched(url, method, sent, headers or {}, within_s)
        # The border to a library that only retries its own class of errors.
        except Exception as error:
            kind = importlib.import_module("google.auth.exceptions").TransportError
            raise kind(f"{type(error).__name__} while asking {urlsplit(url).hostname}") from error

    def _fetched(
        self, url: str, method: str, body: bytes, headers: Mapping[str, str], within_s: float
    ) -> _Response:
        pairs = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
        request = UpstreamRequest(method, url, pairs, body)

        async def send() -> tuple[Head, bytes]:
            async with asyncio.timeout(within_s):
                return await self._runtime.fetch(request)

        waiting: Future[tuple[Head, bytes]] = asyncio.run_coroutine_threadsafe(send(), self._loop)
        head, data = waiting.result()
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return _Response(head.status, told, data)


def _ask_metadata(
    url: str, method: str, body: bytes, headers: Mapping[str, str], within_s: float
) -> _Response:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=within_s)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body or None, dict(headers))
        reply = connection.getresponse()
        told = {name.lower(): value for name, value in reply.getheaders()}
        return _Response(reply.status, told, reply.read())
    finally:
        connection.close()


def is_account(secret: str) -> bool:
    """Whether a secret is an account's JSON document and not an API key."""
    return secret.lstrip().startswith("{")


def _library(name: str, instance: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"providers.{instance}: accounts of Google Cloud need the google-auth package: "
            "pip install google-auth (or give an API key for express mode)"
        ) from error


def _account(secret: str) -> tuple[object, str | None]:
    """(credentials, project) of a service account. No other type is taken from a secret: some name
    programs to run and addresses to ask."""
    info = json.loads(secret)
    if info.get("type") != "service_account":
        raise ValueError("not a service account")
    kind = importlib.import_module("google.oauth2.service_account").Credentials
    return kind.from_service_account_info(info, scopes=[_SCOPE]), info.get("project_id")


def _default(transport: Transport) -> tuple[object, str | None]:
    """(credentials, project) of the environment: application default credentials."""
    found: tuple[object, str | None] = importlib.import_module("google.auth").default(
        scopes=[_SCOPE], request=transport
    )
    return found


class AccessTokens:
    """The access tokens of one account. `project` is "" where the account names none."""

    def __init__(self, credentials: Credentials, project: str, runtime: ProviderRuntime) -> None:
        self.project = project
        self._credentials = credentials
        self._runtime = runtime
        self._refreshing: asyncio.Task[None] | None = None

    @classmethod
    async def load(cls, secret: str, runtime: ProviderRuntime) -> AccessTokens:
        """The account in `secret`, or "" for application default credentials.

        Raises:
            ConfigError: google-auth is missing, or knows no such account.
        """
        _library("google.auth", runtime.instance)
        transport = Transport(runtime, asyncio.get_running_loop())

        def find() -> tuple[object, str | None]:
            return _account(secret) if secret else _default(transport)

        try:
            credentials, project = await asyncio.to_thread(find)
        # The border to google-auth: whatever it raises is a matter of configuration.
        except Exception as error:  # noqa: BLE001  foreign code
            raise ConfigError(
                f"providers.{runtime.instance}: no usable Google Cloud credential "
                f"({type(error).__name__}): give a service account's JSON as its api_keys entry, "
                "or set GOOGLE_APPLICATION_CREDENTIALS"
            ) from None
        return cls(cast("Credentials", credentials), project or "", runtime)

    async def fresh(self) -> str:
        """A token that is good for some minutes. Callers at the same time share one refresh."""
        if self._is_fresh():
            return self._credentials.token or ""
        task = self._refreshing
        if task is None or task.done():
            task = self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(task)
        return self._credentials.token or ""

    def _is_fresh(self) -> bool:
        expiry = self._credentials.expiry
        if not self._credentials.token:
            return False
        if expiry is None:
            return True
        left_s = expiry.replace(tzinfo=UTC).timestamp() - self._runtime.now_s()
        return left_s > _EARLY_S

    async def _refresh(self) -> None:
        transport = Transport(self._runtime, asyncio.get_running_loop())
        await asyncio.to_thread(self._credentials.refresh, transport)
