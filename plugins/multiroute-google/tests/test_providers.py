"""The two adapters: where requests go, what they carry, what comes of the replies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    CannotEncode,
    ConfigError,
    EmbedBody,
    Embeddings,
    Head,
    ImageBody,
    Images,
    Media,
    TokenCount,
    UpstreamRequest,
    fold,
)
from multiroute_core.wire import chat
from multiroute_google import (
    GoogleProvider,
    VertexProvider,
    gemini,
    multiroute_make_provider,
    multiroute_settings,
)
from multiroute_google.settings import GoogleSettings, VertexSettings

OK = Head(200, ())
DOC = {"contents": [{"parts": [{"text": "hi"}]}]}


def from_gemini(operation: str = "chat", **routed: Any) -> Call:
    return gemini.GeminiDialect().call(operation, {**DOC, "model": "alias", **routed}, ())


def from_chat(**fields: Any) -> Call:
    messages = [{"role": "user", "content": "hi"}]
    return chat.decode_call({"model": "alias", "messages": messages, **fields})


def other(operation: str, body: Any) -> Call:
    return Call(operation, "alias", operation, False, body, {})


def test_a_gemini_document_is_passed_on_without_what_the_path_said(runtime, target):
    provider = GoogleProvider(runtime)
    whole = provider.relay(from_gemini(stream=False), target)
    stream = provider.relay(from_gemini(stream=True, alt="sse"), target)
    base = "https://x.googleapis.com/models/gemini-3-flash:"
    assert whole is not None
    assert stream is not None
    assert whole.url == base + "generateContent"
    assert stream.url == base + "streamGenerateContent?alt=sse"
    assert {"model", "stream", "alt"} == whole.drop
    assert whole.put == {}


def test_other_formats_and_arrays_are_translated(runtime, target):
    provider = GoogleProvider(runtime)
    assert provider.relay(from_chat(), target) is None
    array = from_gemini(stream=True)
    assert provider.relay(array, target) is None
    request = provider.encode(array, target).request
    assert request.url.endswith(":streamGenerateContent?alt=sse")
    assert json.loads(request.body) == DOC


def test_names_are_quoted_and_kept_in_their_collection(runtime, target):
    provider = GoogleProvider(runtime)
    for name, want in (
        ("tunedModels/mine", "tunedModels/mine"),
        ("models/m", "models/m"),
        ("a b?c", "models/a%20b%3Fc"),
    ):
        url = provider.encode(from_chat(), replace(target, upstream_id=name)).request.url
        assert url == f"https://x.googleapis.com/{want}:generateContent"


def test_tokens_are_counted_with_tools_and_system_text(runtime, target):
    provider = GoogleProvider(runtime)
    call = replace(from_chat(), operation="count_tokens")
    encoded = provider.encode(call, target)
    assert encoded.request.url.endswith(":countTokens")
    sent = json.loads(encoded.request.body)["generateContentRequest"]
    assert sent == {
        "model": "models/gemini-3-flash",
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }
    reply = fold(provider.decode(OK, b'{"totalTokens": 7, "x": 1}', encoded.memo))
    assert reply.result == TokenCount(7, extra={"x": 1})


def test_recorded_counts_and_vectors_are_read(runtime, recorded):
    provider = GoogleProvider(runtime)
    for record in recorded("countTokens", ok=True):
        reply = fold(provider.decode(OK, record.response.body, "count_tokens"))
        assert isinstance(reply.result, TokenCount)
        assert reply.result.input_tokens == json.loads(record.response.body)["totalTokens"]
    for record in recorded("embeddings", ok=True):
        doc = json.loads(record.response.body)
        rows = doc.get("embeddings") or [doc.get("embedding")]
        if "predictions" in doc:
            rows = [row["embeddings"] for row in doc["predictions"]]
        reply = fold(provider.decode(OK, record.response.body, "embeddings"))
        assert isinstance(reply.result, Embeddings)
        assert [list(vector) for vector in reply.result.vectors] == [r["values"] for r in rows]


def test_texts_are_embedded_in_one_batch(runtime, target):
    provider = GoogleProvider(runtime)
    body = EmbedBody(("a", "b"), dimensions=8, task="search_query", origin="cohere")
    encoded = provider.encode(other("embeddings", body), target)
    assert encoded.request.url.endswith(":batchEmbedContents")
    row = {"model": "models/gemini-3-flash", "taskType": "RETRIEVAL_QUERY"}
    row["outputDimensionality"] = 8  # type: ignore[assignment]
    assert json.loads(encoded.request.body)["requests"] == [
        {**row, "content": {"parts": [{"text": text}]}} for text in ("a", "b")
    ]
    with pytest.raises(CannotEncode, match="token ids"):
        provider.encode(other("embeddings", EmbedBody(((1, 2),))), target)


def test_images_are_made_by_a_call_and_read_from_its_parts(runtime, target):
    provider = GoogleProvider(runtime)
    body = ImageBody("a cat", images=(Media("image/png", "AAAA"),), params={"size": "1024x1024"})
    encoded = provider.encode(other("images", body), target)
    sent = json.loads(encoded.request.body)
    assert sent["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"text": "a cat"},
    ]
    assert sent["generationConfig"]["imageConfig"] == {"aspectRatio": "1:1"}
    part = {"inlineData": {"mimeType": "image/png", "data": "BBBB"}}
    answer = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    reply = fold(provider.decode(OK, json.dumps(answer).encode(), encoded.memo))
    assert isinstance(reply.result, Images)
    assert reply.result.images[0].media == Media("image/png", "BBBB")
    refused = {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}
    fault = fold(provider.decode(OK, json.dumps(refused).encode(), encoded.memo)).fault
    assert fault is not None
    assert fault.cause == "content_filter"


def test_operations_that_the_api_lacks_are_refused(runtime, target):
    with pytest.raises(CannotEncode, match="moderations"):
        GoogleProvider(runtime).encode(replace(from_chat(), operation="moderations"), target)


def test_a_refused_key_is_not_told_to_clients(runtime):
    body = {"error": {"code": 400, "message": "API key not valid: AIza…", "status": "X"}}
    fault = GoogleProvider(runtime).classify(Head(400, ()), json.dumps(body).encode())
    assert (fault.kind, fault.native) == ("upstream_auth", None)
    assert "AIza" not in fault.message


def test_the_key_goes_into_the_vendors_header(runtime, target):
    request = UpstreamRequest("POST", "https://x.googleapis.com/y", (), b"{}")
    signed = asyncio.run(GoogleProvider(runtime).authorize(request, target))
    assert signed.headers == ((b"x-goog-api-key", b"key-1"),)


def test_hooks_give_each_name_its_own(runtime):
    assert multiroute_settings("provider", "google") is GoogleSettings
    assert multiroute_settings("provider", "google-vertex") is VertexSettings
    made = multiroute_make_provider("google-vertex", "v", None, runtime)
    assert isinstance(made, VertexProvider)
    assert isinstance(multiroute_make_provider("google", "g", None, runtime), GoogleProvider)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (VertexSettings(), "https://aiplatform.googleapis.com/v1beta1/publishers/google"),
        (
            VertexSettings(project="p", location="europe-west4"),
            "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/"
            "europe-west4/publishers/google",
        ),
        (
            VertexSettings(project="p", location="eu"),
            "https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/"
            "publishers/google",
        ),
    ],
)
def test_vertex_finds_its_place_for_an_express_key(settings, url, make_runtime):
    provider = VertexProvider(settings, make_runtime(base_url=""))
    asyncio.run(provider.start())
    assert provider.origin() == url


def test_vertex_embeds_by_prediction_and_newer_models_one_by_one(runtime, target):
    provider = VertexProvider(VertexSettings(), runtime)
    body = EmbedBody(("a", "b"), dimensions=8)
    request = provider.encode(other("embeddings", body), target).request
    assert request.url.endswith(":predict")
    assert json.loads(request.body) == {
        "instances": [{"content": "a"}, {"content": "b"}],
        "parameters": {"outputDimensionality": 8},
    }
    newer = replace(target, upstream_id="gemini-embedding-2")
    request = provider.encode(other("embeddings", EmbedBody(("a",))), newer).request
    assert request.url.endswith(":embedContent")
    assert json.loads(request.body) == {"content": {"parts": [{"text": "a"}]}}
    with pytest.raises(CannotEncode, match="one input"):
        provider.encode(other("embeddings", body), newer)


def test_vertex_refuses_accounts_of_other_kinds(make_runtime):
    pytest.importorskip("google.auth", reason="google-auth is not installed")
    runtime = make_runtime(json.dumps({"type": "external_account"}), "")
    with pytest.raises(ConfigError, match="no usable Google Cloud credential"):
        asyncio.run(VertexProvider(VertexSettings(project="p"), runtime).start())


def test_vertex_fetches_one_token_for_many_calls_and_a_new_one_in_time(make_runtime, target):
    pytest.importorskip("google.auth", reason="google-auth is not installed")
    runtime = make_runtime(json.dumps(_account()), "")
    runtime.answers = [
        (200, json.dumps({"access_token": f"t{n}", "expires_in": 3600}).encode()) for n in (1, 2)
    ]
    provider = VertexProvider(VertexSettings(location="us-central1"), runtime)
    request = UpstreamRequest("POST", "https://x.googleapis.com/y", (), b"{}")

    async def use() -> list[bytes]:
        import time

        runtime.time_s = time.time()
        await provider.start()
        first = await asyncio.gather(*(provider.authorize(request, target) for _ in range(5)))
        runtime.time_s += 3500
        second = await provider.authorize(request, target)
        return [dict(one.headers)[b"authorization"] for one in (*first, second)]

    assert asyncio.run(use()) == [b"Bearer t1"] * 5 + [b"Bearer t2"]
    assert [one.url for one in runtime.sent] == ["https://oauth2.googleapis.com/token"] * 2
    assert provider.origin() == (
        "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p1/locations/us-central1/"
        "publishers/google"
    )


def _account() -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "p1",
        "private_key_id": "k1",
        "private_key": key.decode(),
        "client_email": "a@p1.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
