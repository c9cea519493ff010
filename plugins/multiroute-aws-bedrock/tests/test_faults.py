"""Errors of Bedrock, classified."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from multiroute_aws_bedrock import BedrockProvider
from multiroute_aws_bedrock.faults import REFUSED
from multiroute_core.api import Head
from multiroute_core.testing import Recording


def _head(status: int, code: str = "") -> Head:
    pairs = ((b"x-amzn-errortype", f"{code}:http://internal/".encode()),) if code else ()
    return Head(status, pairs)


def test_recorded_errors_keep_status_and_words(
    recorded: Callable[..., list[Recording]], provider: BedrockProvider
) -> None:
    apis = ("converse", "converse-stream", "invoke", "invoke-stream", "count-tokens")
    for item in recorded(*apis, ok=False):
        head = Head(
            item.response.status,
            tuple((k.encode(), v.encode()) for k, v in item.response.headers),
        )
        fault = provider.classify(head, item.response.body)
        message = json.loads(item.response.body)["message"]
        assert fault.status == item.response.status, item.id
        if item.response.status == 403:
            assert (fault.kind, fault.message) == ("upstream_auth", REFUSED), item.id
            continue
        assert fault.message == message, item.id
        if "identifier is invalid" in message:
            assert fault.kind == "not_found", item.id
        elif "Tokens Exceeded" in message:
            assert fault.kind == "context_length", item.id
        else:
            assert fault.kind == "bad_request", item.id


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "scope"),
    [
        (429, "ThrottlingException", "Too many requests", "rate_limited", "target"),
        (429, "ThrottlingException", "Too many tokens, please wait", "rate_limited", "target"),
        (
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait",
            "quota_exhausted",
            "credential",
        ),
        (429, "ModelNotReadyException", "not ready", "overloaded", "target"),
        (400, "ServiceQuotaExceededException", "over", "quota_exhausted", "credential"),
        (503, "ServiceUnavailableException", "later", "overloaded", "target"),
        (500, "InternalServerException", "oh", "upstream_5xx", "target"),
        (408, "ModelTimeoutException", "slow", "upstream_5xx", "target"),
        (424, "ModelErrorException", "oh", "upstream_5xx", "target"),
        (424, "", "oh", "upstream_5xx", "target"),
        (403, "AccessDeniedException", "no", "upstream_auth", "target"),
        (403, "ExpiredTokenException", "old", "upstream_auth", "credential"),
        (403, "UnrecognizedClientException", "who", "upstream_auth", "credential"),
        (403, "", "Signature expired", "upstream_auth", "credential"),
        (404, "ResourceNotFoundException", "end of life", "not_found", "target"),
        (400, "ValidationException", "input is too long", "context_length", "target"),
        (400, "ValidationException", "prompt is too long: 1 > 0", "context_length", "target"),
        (400, "ValidationException", "Malformed input request", "bad_request", "target"),
        (
            400,
            "ValidationException",
            "Invocation of model ID m with on-demand throughput isn’t supported. Retry",
            "not_found",
            "target",
        ),
        (
            400,
            "ValidationException",
            "Output blocked by content filtering policy",
            "content_filter",
            "target",
        ),
    ],
)
def test_exceptions_have_their_kinds(
    provider: BedrockProvider, status: int, code: str, message: str, kind: str, scope: str
) -> None:
    fault = provider.classify(_head(status, code), json.dumps({"message": message}).encode())

    assert (fault.kind, fault.scope) == (kind, scope)
    assert fault.message == (REFUSED if kind == "upstream_auth" else message)
    assert fault.code == (code or None)


def test_the_code_is_found_in_the_body_too(provider: BedrockProvider) -> None:
    body = b'{"__type":"com.amazon.coral#ThrottlingException","Message":"slow down"}'

    fault = provider.classify(Head(400, ()), body)

    assert (fault.kind, fault.message) == ("rate_limited", "slow down")


def test_a_body_that_is_no_json_still_has_a_fault(provider: BedrockProvider) -> None:
    fault = provider.classify(Head(502, ()), b"<html>")

    assert fault.kind == "upstream_5xx"
    assert "502" in fault.message


def test_pushback_is_read(provider: BedrockProvider) -> None:
    head = Head(429, ((b"retry-after", b"7"), (b"x-amzn-errortype", b"ThrottlingException")))

    assert provider.classify(head, b"{}").retry_after_s == 7.0
