"""Errors of the vendor's APIs, classified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multiroute_core.api import Head
from multiroute_google import gemini

NOW_S = 1_790_000_000.0
RPC = "type.googleapis.com/google.rpc."


def fault(status: int, body: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Any:
    return gemini.classify(Head(status, headers), json.dumps(body).encode(), NOW_S)


def error(status: int, message: str, word: str, *details: dict[str, Any]) -> dict[str, Any]:
    inner = {"code": status, "message": message, "status": word, "details": list(details)}
    return {"error": inner}


RETRY = {"@type": RPC + "RetryInfo", "retryDelay": "48s"}
PER_DAY = {
    "@type": RPC + "QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
PER_MINUTE = {
    "@type": RPC + "QuotaFailure",
    "violations": [{"quotaId": "GenerateContentPaidTierInputTokensPerModelPerMinute"}],
}
PLAN = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error(429, PLAN, "RESOURCE_EXHAUSTED", PER_MINUTE, RETRY), "rate_limited"),
        (error(429, PLAN, "RESOURCE_EXHAUSTED", PER_DAY, RETRY), "quota_exhausted"),
        (error(429, "Resource has been exhausted.", "RESOURCE_EXHAUSTED"), "rate_limited"),
        (
            error(
                400,
                "API key not valid. Please pass a valid API key.",
                "INVALID_ARGUMENT",
                {"@type": RPC + "ErrorInfo", "reason": "API_KEY_INVALID"},
            ),
            "upstream_auth",
        ),
        (error(403, "The caller does not have permission", "PERMISSION_DENIED"), "upstream_auth"),
        (error(401, "Request had invalid authentication", "UNAUTHENTICATED"), "upstream_auth"),
        (error(404, "models/x is not found for API version v1beta", "NOT_FOUND"), "not_found"),
        (
            error(
                400,
                "The input token count (2000000) exceeds the maximum number of tokens allowed.",
                "INVALID_ARGUMENT",
            ),
            "context_length",
        ),
        (error(400, "Please use a valid role: user, model.", "INVALID_ARGUMENT"), "bad_request"),
        (
            error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
            "upstream_auth",
        ),
        (error(503, "The model is overloaded.", "UNAVAILABLE"), "overloaded"),
        (error(500, "An internal error has occurred.", "INTERNAL"), "upstream_5xx"),
        (error(504, "Deadline expired.", "DEADLINE_EXCEEDED"), "upstream_5xx"),
    ],
)
def test_kinds(body, kind):
    for told in (body, [body]):
        found = fault(body["error"]["code"], told)
        assert found.kind == kind
        assert found.message == body["error"]["message"]
        assert found.code == body["error"]["status"]


def test_the_pushback_is_read_from_the_details_the_message_or_the_header():
    assert fault(429, error(429, PLAN, "R", RETRY)).retry_after_s == 48
    message = PLAN + "\nPlease retry in 48.939935699s."
    assert fault(429, error(429, message, "R")).retry_after_s == pytest.approx(48.94, abs=0.01)
    assert fault(429, error(429, PLAN, "R"), ((b"retry-after", b"7"),)).retry_after_s == 7


def test_a_body_that_is_no_json_is_classified_by_its_status():
    found = gemini.classify(Head(502, ()), b"<html>bad gateway</html>", NOW_S)
    assert found.kind == "upstream_5xx"
    assert found.message


def test_recorded_errors_keep_their_words(recorded):
    kinds = {400: {"bad_request", "upstream_auth"}, 404: {"not_found"}, 429: {"rate_limited"}}
    apis = ("generateContent", "streamGenerateContent", "embeddings")
    for record in recorded(*apis, ok=False):
        found = gemini.classify(Head(record.response.status, ()), record.response.body, NOW_S)
        assert found.kind in kinds[record.response.status], record.id
        assert found.message == json.loads(record.response.body)["error"]["message"]
