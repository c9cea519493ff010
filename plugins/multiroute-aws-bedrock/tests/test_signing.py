"""Signatures: against the vendor's signer, and as an upstream sees them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from multiroute_aws_bedrock import BedrockProvider, BedrockSettings, MantleProvider, MantleSettings
from multiroute_core.api import (
    Call,
    ChatBody,
    ConfigError,
    Head,
    Message,
    Part,
    Target,
    UpstreamRequest,
    fold,
)
from multiroute_core.testing import Answer, ScriptedUpstream, SeenRequest

signing = pytest.importorskip(
    "multiroute_aws_bedrock.signing", reason="botocore is not installed: pip install botocore"
)

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENVIRON = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}


def _call(stream: bool = False) -> Call:
    body = ChatBody((Message("user", (Part("text", "Hi"),)),))
    return Call("chat", "m", "chat", stream, body, {})


def _target(base_url: str, model: str = MODEL, credential: str = "") -> Target:
    return Target("t", "bedrock", model, "", base_url, credential)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _signature(method: str, path: str, headers: dict[str, str], body: bytes, scope: str) -> str:
    """Computed anew, straight from the vendor's description of Signature Version 4."""
    date, region, service, _ = scope.split("/")
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{quote(path, safe='/-_.~')}\n\n{lines}\n{names}\n{digest}"
    to_sign = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = _hmac(_hmac(_hmac(b"AWS4" + SECRET.encode(), date), region), service)
    return hmac.new(_hmac(key, "aws4_request"), to_sign.encode(), hashlib.sha256).hexdigest()


def _check(seen: SeenRequest, service: str, region: str) -> None:
    """The signature of a request as it arrived, computed anew."""
    told = seen.header("authorization") or ""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\w+)/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})",
        told,
    )
    assert found is not None, told
    access, scope, names, signature = found.groups()
    assert access == ACCESS
    assert re.fullmatch(rf"\d{{8}}/{region}/{service}/aws4_request", scope)
    headers = {name: seen.header(name) or "" for name in names.split(";")}
    assert {"host", "x-amz-date", "content-type"} <= headers.keys()
    assert signature == _signature("POST", seen.path, headers, seen.body, scope)


async def _send(request: UpstreamRequest) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(
            request.method,
            request.url,
            headers=[(k.decode(), v.decode()) for k, v in request.headers],
            content=request.body,
        )


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_fixed_inputs_give_the_vendors_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: when)
    url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b%3A0/converse"
    request = UpstreamRequest("POST", url, ((b"content-type", b"application/json"),), b'{"a":1}')
    theirs = AWSRequest("POST", url, {"content-type": "application/json"}, b'{"a":1}')
    botocore.auth.SigV4Auth(Credentials(ACCESS, SECRET, "tok"), "bedrock", "eu-west-1").add_auth(
        theirs
    )

    ours = signing.sign(request, signing.read_only(ACCESS, SECRET, "tok"), "bedrock", "eu-west-1")

    headers = {name.decode(): value.decode() for name, value in ours.headers}
    assert headers["authorization"] == theirs.headers["Authorization"]
    assert headers["x-amz-date"] == "20260102T030405Z"
    assert headers["x-amz-security-token"] == "tok"
    assert "20260102/eu-west-1/bedrock/aws4_request" in headers["authorization"]
    assert (ours.url, ours.body) == (request.url, request.body)


def test_signing_again_replaces_the_signature() -> None:
    request = UpstreamRequest("POST", "https://h/x", ((b"content-type", b"a/b"),), b"{}")
    credentials = signing.read_only(ACCESS, SECRET)

    twice = signing.sign(
        signing.sign(request, credentials, "bedrock", "r"), credentials, "bedrock", "r"
    )

    names = [name for name, _ in twice.headers]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_sees_a_valid_signature_over_the_bytes_it_gets(
    make_runtime: Any, aws_environment: None, stream: bool
) -> None:
    async def _run() -> None:
        reply = {
            "output": {"message": {"role": "assistant", "content": [{"text": "Yes"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        }
        async with ScriptedUpstream(Answer(body=reply)) as upstream:
            runtime = make_runtime(upstream.base_url)
            provider = BedrockProvider(BedrockSettings(region="eu-west-3"), runtime, {})
            await provider.start()
            target = _target(upstream.base_url)
            encoded = provider.encode(_call(stream), target)
            response = await _send(await provider.authorize(encoded.request, target))
            (seen,) = upstream.requests
        path = "converse-stream" if stream else "converse"
        assert seen.path == f"/model/{quote(MODEL, safe='')}/{path}"
        _check(seen, "bedrock", "eu-west-3")
        assert response.status_code == 200

    asyncio.run(_run())


def test_mantle_signs_for_a_service_of_its_own(make_runtime: Any, aws_environment: None) -> None:
    async def _run() -> None:
        async with ScriptedUpstream(Answer(body={})) as upstream:
            runtime = make_runtime(upstream.base_url)
            provider = MantleProvider(MantleSettings(), runtime, {"AWS_REGION": "us-east-2"})
            await provider.start()
            target = _target(upstream.base_url, "openai.gpt-oss-120b")
            encoded = provider.encode(_call(), target)
            await _send(await provider.authorize(encoded.request, target))
            (seen,) = upstream.requests
        assert seen.path == "/v1/chat/completions"
        _check(seen, "bedrock-mantle", "us-east-2")

    asyncio.run(_run())


def test_a_bearer_token_goes_instead_of_a_signature(make_runtime: Any) -> None:
    async def _run() -> None:
        provider = BedrockProvider(BedrockSettings(), make_runtime(token="secret"), {})
        await provider.start()
        target = _target("https://bedrock.example", credential="1")
        request = await provider.authorize(provider.encode(_call(), target).request, target)
        assert (b"authorization", b"Bearer secret") in request.headers
        assert not any(name == b"x-amz-date" for name, _ in request.headers)

    asyncio.run(_run())


def test_the_region_decides_the_origin(make_runtime: Any, aws_environment: None) -> None:
    async def _origin(settings: BedrockSettings, environ: dict[str, str], base: str) -> str | None:
        provider = BedrockProvider(settings, make_runtime(base), environ)
        await provider.start()
        return provider.origin()

    def _of(settings: BedrockSettings, environ: dict[str, str], base: str = "") -> str | None:
        return asyncio.run(_origin(settings, environ, base))

    plain, named = BedrockSettings(), BedrockSettings(region="eu-west-1")
    assert _of(named, {"AWS_REGION": "x"}) == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert _of(plain, {"AWS_REGION": "ap-south-1"}) == (
        "https://bedrock-runtime.ap-south-1.amazonaws.com"
    )
    assert _of(plain, {}) == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert _of(plain, {}, "https://own.example") is None


def test_without_any_credential_the_start_says_what_to_do(
    make_runtime: Any, aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENVIRON:
        monkeypatch.delenv(name)
    provider = BedrockProvider(BedrockSettings(), make_runtime(), {})

    with pytest.raises(ConfigError, match="AWS_BEARER_TOKEN_BEDROCK"):
        asyncio.run(provider.start())


def test_a_profile_gives_credentials_and_region(
    make_runtime: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in (*ENVIRON, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text("[profile work]\nregion = eu-north-1\n")
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    async def _run(profile: str) -> tuple[str | None, UpstreamRequest]:
        provider = BedrockProvider(BedrockSettings(profile=profile), make_runtime(""), {})
        await provider.start()
        target = _target(provider.origin() or "")
        return provider.origin(), await provider.authorize(
            provider.encode(_call(), target).request, target
        )

    origin, request = asyncio.run(_run("work"))
    assert origin == "https://bedrock-runtime.eu-north-1.amazonaws.com"
    told = dict(request.headers)[b"authorization"]
    assert b"/eu-north-1/bedrock/aws4_request" in told
    with pytest.raises(ConfigError, match="other"):
        asyncio.run(_run("other"))


def test_credentials_that_run_out_are_renewed_off_the_loop() -> None:
    class _Renewing:
        def __init__(self) -> None:
            self.renewals: list[str] = []

        def refresh_needed(self) -> bool:
            return not self.renewals

        def get_frozen_credentials(self) -> Any:
            self.renewals.append(threading.current_thread().name)
            return signing.read_only(ACCESS, SECRET)

    credentials = _Renewing()
    identity = signing.AwsIdentity("us-east-1", credentials)
    request = UpstreamRequest("POST", "https://h/x", (), b"{}")

    asyncio.run(identity.signed(request, "bedrock"))

    assert credentials.renewals != [threading.current_thread().name]


def test_a_reply_of_the_upstream_names_request_and_model(provider: BedrockProvider) -> None:
    target = _target("https://bedrock.example", credential="1")
    encoded = provider.encode(_call(), target)
    body = b'{"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"}'

    reply = fold(provider.decode(Head(200, ((b"x-amzn-requestid", b"r"),)), body, encoded.memo))

    assert (reply.id, reply.model) == ("r", MODEL)
