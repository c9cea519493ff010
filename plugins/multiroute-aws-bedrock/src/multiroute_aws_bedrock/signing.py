"""AWS credentials and signatures: the only module that knows botocore.

botocore's chain finds credentials (environment, shared files, SSO, web identity, container and
instance roles). It blocks, so that it runs in a thread: at start, and when temporary credentials
come near their end. Signing itself is a few hashes.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # botocore has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # as above
from botocore.credentials import ReadOnlyCredentials  # type: ignore[import-untyped]  # as above
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # as above
from botocore.session import Session  # type: ignore[import-untyped]  # as above

from multiroute_core.api import ConfigError, MultiRouteError, UpstreamRequest

DEFAULT_REGION: Final = "us-east-1"
_SIGNED: Final = ("authorization", "x-amz-date", "x-amz-security-token")


class CredentialsGone(MultiRouteError):
    """Temporary credentials have run out and could not be renewed."""

    code = "credentials_gone"


class AwsIdentity:
    """Who signs, and for which region. `credentials` are botocore's; None: there are none."""

    def __init__(self, region: str, credentials: Any) -> None:
        self.region = region
        self._credentials = credentials
        self._renewal = asyncio.Lock()

    async def signed(self, request: UpstreamRequest, service: str) -> UpstreamRequest:
        """The request with its signature.

        Raises:
            CredentialsGone: there are no credentials (any more).
        """
        credentials = self._credentials
        if credentials is None:
            raise CredentialsGone("there are no AWS credentials to sign with")
        refresh_needed = getattr(credentials, "refresh_needed", None)
        if refresh_needed is not None and refresh_needed():
            async with self._renewal:
                try:
                    frozen = await asyncio.to_thread(credentials.get_frozen_credentials)
                except BotoCoreError as error:
                    raise CredentialsGone("AWS credentials could not be renewed") from error
        else:
            frozen = credentials.get_frozen_credentials()
        return sign(request, frozen, service, self.region)


async def load_identity(
    region: str | None, profile: str | None, wants_credentials: bool
) -> AwsIdentity:
    """Region and credentials from the standard chain, found in a thread.

    `region` None: the profile's. `profile` None: the standard chain decides.

    Raises:
        ConfigError: there is no such profile, or no credentials where they are wanted.
    """
    try:
        identity, found = await asyncio.to_thread(_load, region, profile, wants_credentials)
    except BotoCoreError as error:
        raise ConfigError(f"AWS settings cannot be used: {error}") from error
    if wants_credentials and not found:
        raise ConfigError(
            "no AWS credentials were found: give a bearer token in api_keys, set "
            "AWS_BEARER_TOKEN_BEDROCK, or provide AWS credentials (environment, profile, role)"
        )
    return identity


def _load(
    region: str | None, profile: str | None, wants_credentials: bool
) -> tuple[AwsIdentity, bool]:
    session = Session(profile=profile)
    if region is None:
        region = session.get_config_variable("region") or DEFAULT_REGION
    credentials = session.get_credentials() if wants_credentials else None
    if credentials is not None:
        credentials.get_frozen_credentials()
    return AwsIdentity(region, credentials), credentials is not None


def read_only(access_key: str, secret_key: str, token: str | None = None) -> Any:
    """Credentials as the signer takes them."""
    return ReadOnlyCredentials(access_key, secret_key, token)


def sign(request: UpstreamRequest, credentials: Any, service: str, region: str) -> UpstreamRequest:
    """The request with AWS Signature Version 4 over its method, URL, headers and body."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in request.headers
        if name.decode("latin-1") not in _SIGNED
    }
    signing = AWSRequest(request.method, request.url, headers, request.body)
    SigV4Auth(credentials, service, region).add_auth(signing)
    kept = tuple(pair for pair in request.headers if pair[0].decode("latin-1") not in _SIGNED)
    added = tuple(
        (name.encode(), str(signing.headers[name]).encode("latin-1"))
        for name in _SIGNED
        if signing.headers.get(name) is not None
    )
    return UpstreamRequest(request.method, request.url, (*kept, *added), request.body)
