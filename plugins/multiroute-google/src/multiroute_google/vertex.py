"""Vertex AI: the same format at another place, with access tokens or an express API key."""

from __future__ import annotations

from urllib.parse import quote

from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    ConfigError,
    EmbedBody,
    Encoded,
    JsonObject,
    ProviderRuntime,
    Target,
    UpstreamRequest,
)
from multiroute_google import gemini
from multiroute_google.gemini.embeddings import Form
from multiroute_google.provider import GoogleProvider
from multiroute_google.settings import VertexSettings
from multiroute_google.tokens import AccessTokens, is_account


def host_of(location: str) -> str:
    """The API's host for a location.

    >>> host_of("global"), host_of("europe-west4"), host_of("eu")
    ('aiplatform.googleapis.com', 'europe-west4-aiplatform.googleapis.com', \
'aiplatform.eu.rep.googleapis.com')
    """
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in ("us", "eu"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


class VertexProvider(GoogleProvider):
    """Speaks for one project and location on Vertex AI.

    A credential that is a JSON document is a service account (or another account that google-auth
    knows); any other is an API key for express mode. None at all: application default credentials.
    """

    def __init__(self, settings: VertexSettings, runtime: ProviderRuntime) -> None:
        super().__init__(runtime)
        self._settings = settings
        self._tokens: dict[str, AccessTokens] = {}
        self._origin: str | None = None

    async def start(self) -> None:
        """Find the credentials and, with them, the project.

        Raises:
            ConfigError: no usable credential, or no project for one.
        """
        labels = self._runtime.credentials or ("",)
        for label in labels:
            secret = self._runtime.secret(label) if label else ""
            if not label or is_account(secret):
                self._tokens[label] = await AccessTokens.load(secret, self._runtime)
        self._origin = self._runtime.base_url or self._default_url()

    def _default_url(self) -> str:
        settings = self._settings
        project = settings.project or next(
            (tokens.project for tokens in self._tokens.values() if tokens.project), ""
        )
        if not self._tokens:
            if project:
                path = f"projects/{quote(project)}/locations/{quote(settings.location)}/"
            else:
                path = ""  # express mode: the key knows its project
        elif not project:
            raise ConfigError(
                f"providers.{self._runtime.instance}: the credential names no project: set "
                f"[providers.{self._runtime.instance}.settings] project"
            )
        else:
            path = f"projects/{quote(project)}/locations/{quote(settings.location)}/"
        host = host_of(settings.location)
        return f"https://{host}/v1beta1/{path}publishers/{quote(settings.publisher)}"

    def origin(self) -> str | None:
        """The base URL of the project and location."""
        return self._origin

    def _countable(self, document: JsonObject, target: Target) -> JsonObject:
        """Vertex counts the request as it is."""
        return document

    def _encode_embed(self, body: EmbedBody, call: Call, target: Target) -> Encoded:
        form: Form = "one" if "gemini-embedding-2" in target.upstream_id else "predict"
        # Here a model stands in the path only.
        document, losses = gemini.encode_embed(body, "", {}, form)
        verb = "embedContent" if form == "one" else "predict"
        return self._encoded(self._url(target, verb), document, losses, "embeddings")

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """An access token, or the express key in the vendor's header."""
        tokens = self._tokens.get(target.credential)
        if tokens is None:
            return await super().authorize(request, target)
        token = await tokens.fresh()
        headers = (*request.headers, (b"authorization", b"Bearer " + token.encode()))
        if self._settings.quota_project:
            project = self._settings.quota_project.encode()
            headers = (*headers, (b"x-goog-user-project", project))
        return replace(request, headers=headers)
