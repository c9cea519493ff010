"""What the adapters of this distribution share: one AWS account, its region and how it signs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from multiroute_aws_bedrock.settings import AwsSettings
from multiroute_core.api import ConfigError, ProviderRuntime, Target, UpstreamRequest

if TYPE_CHECKING:
    from multiroute_aws_bedrock.signing import AwsIdentity

DEFAULT_REGION: Final = "us-east-1"
_REGION_NAMES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


class Account:
    """One instance's account: bearer tokens where it has any, else AWS credentials.

    `service` names the service in the signature's scope; `base` is a base URL with "{region}".
    """

    def __init__(
        self,
        settings: AwsSettings,
        runtime: ProviderRuntime,
        service: str,
        base: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._service = service
        self._base = base
        self._environ = os.environ if environ is None else environ
        self._identity: AwsIdentity | None = None
        self._origin: str | None = None

    async def start(self) -> None:
        """Find the region, and the credentials if there is no bearer token.

        Raises:
            ConfigError: no such profile, or no credentials at all.
        """
        region = self._settings.region
        profile = self._settings.profile
        if region is None and profile is None:
            names = (self._environ.get(name) for name in _REGION_NAMES)
            region = next((name for name in names if name), None)
        wants_credentials = not self._runtime.credentials
        if wants_credentials or (region is None and profile is not None):
            # botocore takes a tenth of a second to import: not for those who have a token.
            from multiroute_aws_bedrock.signing import load_identity

            self._identity = await load_identity(region, profile, wants_credentials)
            region = self._identity.region
        if not self._runtime.base_url:
            self._origin = self._base.format(region=region or DEFAULT_REGION)

    @property
    def origin(self) -> str | None:
        """The base URL of the region; None where one is configured."""
        return self._origin

    async def authorize(self, request: UpstreamRequest, target: Target) -> UpstreamRequest:
        """The request with the bearer token, or signed.

        Raises:
            ConfigError: it was not started.
            CredentialsGone: temporary credentials ran out and could not be renewed.
        """
        if target.credential:
            token = self._runtime.secret(target.credential)
            bearer = (b"authorization", b"Bearer " + token.encode())
            return replace(request, headers=(*request.headers, bearer))
        if self._identity is None:
            raise ConfigError(f"the provider instance {self._runtime.instance} is not started")
        return await self._identity.signed(request, self._service)
