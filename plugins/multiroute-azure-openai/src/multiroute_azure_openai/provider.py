"""The Azure OpenAI adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec.structs import replace

from multiroute_azure_openai.settings import AzureSettings
from multiroute_core.api import (
    Call,
    ConfigError,
    Fault,
    Head,
    Json,
    JsonObject,
    Offering,
    Operation,
    ProviderRuntime,
    Target,
    UpstreamRequest,
)
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks, Fit
from multiroute_core.wire.operations import PATHS

_QUIRKS = ChatQuirks(
    resets=(
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    )
)
_V1 = "/openai/v1"


class AzureProvider(ChatAdapter):
    """Speaks for one Azure resource. An offering's id is the name of a deployment."""

    def __init__(self, settings: AzureSettings, runtime: ProviderRuntime) -> None:
        super().__init__(runtime, _QUIRKS)
        self._settings = settings

    async def start(self) -> None:
        """Nothing to provision, but a resource has an address of its own.

        Raises:
            ConfigError: no base URL.
        """
        if not self._runtime.base_url:
            raise ConfigError(
                f"providers.{self._runtime.instance}: base_url is missing:"
                " https://<resource>.openai.azure.com, or AZURE_OPENAI_ENDPOINT in the environment"
            )

    def offerings(self) -> Sequence[Offering]:
        """The deployments that the settings name, with the model behind each."""
        return [Offering(name, model) for name, model in self._settings.deployments.items()]

    def _is_v1(self, base_url: str) -> bool:
        if self._settings.api == "auto":
            return base_url.endswith(_V1)
        return self._settings.api == "v1"

    def url(self, target: Target) -> str:
        """The v1 form, or that of one deployment with its API version."""
        return self._below(target, "/chat/completions")

    def responses_url(self, target: Target) -> str:
        """The v1 form: responses have no other."""
        return f"{_root(target)}{_V1}/responses"

    def operation_url(self, operation: Operation, target: Target) -> str:
        """As for chat, with the operation's own path."""
        return self._below(target, PATHS[operation])

    def _below(self, target: Target, path: str) -> str:
        root = _root(target)
        if self._is_v1(target.base_url):
            return f"{root}{_V1}{path}"
        deployment = quote(target.upstream_id, safe="")
        version = self._settings.api_version
        return f"{root}/openai/deployments/{deployment}{path}?api-version={version}"

    def adjust(self, doc: JsonObject, call: Call, target: Target) -> Fit:
        """In the deployments form the URL names the model: none is added to a document without."""
        change = super().adjust(doc, call, target)
        is_unnamed = call.wire == "chat" and call.doc.get("model") is None
        if is_unnamed and not self._is_v1(target.base_url):
            return replace(change, drop=change.drop | {"model"})
        return change

    def classify(self, head: Head, body: bytes) -> Fault:
        """The fault behind an error; a refusal by the content filter may say so inside only."""
        fault = super().classify(head, body)
        if fault.kind == "bad_request" and _inner_code(fault.native).startswith("ResponsibleAI"):
            return replace(fault, kind="content_filter", scope="target")
        return fault

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The key in its own header, or an Entra token as a bearer token."""
        if self._settings.auth == "bearer" or not target.credential:
            return await super().authorize(request, target)
        key = self._runtime.secret(target.credential)
        return replace(request, headers=(*request.headers, (b"api-key", key.encode())))


def _root(target: Target) -> str:
    return target.base_url.rstrip("/").removesuffix(_V1).removesuffix("/openai")


def _inner_code(native: Json) -> str:
    error = native.get("error") if isinstance(native, Mapping) else None
    inner = error.get("innererror") if isinstance(error, Mapping) else None
    code = inner.get("code") if isinstance(inner, Mapping) else None
    return code if isinstance(code, str) else ""
