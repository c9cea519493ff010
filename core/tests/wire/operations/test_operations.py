"""Operations beside chat: recorded requests round-trip, recorded answers are written again."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from multiroute_core.api import (
    Broken,
    Call,
    Embeddings,
    Head,
    InvalidRequest,
    Ranking,
    Speech,
    Transcript,
    fold,
)
from multiroute_core.testing import Recording, Recordings, normalise_json
from multiroute_core.wire import embeddings, images, moderations, rerank
from multiroute_core.wire.audio import SpeechDialect, TranscriptionsDialect
from multiroute_core.wire.embeddings.codec import as_base64, as_floats
from multiroute_core.wire.multipart import encode_form, parse_form
from multiroute_core.wire.operations import decode, encode, relay_fields
from multiroute_core.wire.plain import PlainDialect

DIALECTS: Mapping[str, tuple[str, PlainDialect]] = {
    "embeddings": ("embeddings", embeddings.EmbeddingsDialect()),
    "rerank": ("rerank", rerank.RerankDialect()),
    "moderations": ("moderations", moderations.ModerationsDialect()),
    "images": ("images", images.ImagesDialect()),
    "audio.speech": ("speech", SpeechDialect()),
}
FAMILY = {"openai", "azure-openai", "mistral", "openrouter", "ollama", "perplexity", "vllm-local"}


def recorded(shared: Path, api: str) -> list[Recording]:
    found = [r for r in Recordings.load(shared / "data/wire", api=api) if r.provider in FAMILY]
    if api == "rerank":
        found = list(Recordings.load(shared / "data/wire", api=api))
    return [r for r in found if r.response.status == 200 and r.request.body]


def head(record: Recording) -> Head:
    pairs = tuple((k.encode(), v.encode()) for k, v in record.response.headers)
    return Head(record.response.status, pairs)


def call_of(api: str, record: Recording) -> tuple[Call, dict[str, Any], PlainDialect]:
    operation, dialect = DIALECTS[api]
    document = json.loads(record.request.body)
    if "/edits" in record.request.url:
        operation = "image_edits"
    return dialect.call(operation, document, ()), document, dialect  # type: ignore[arg-type]


@pytest.mark.parametrize("api", DIALECTS)
def test_recorded_requests_come_out_as_they_went_in(api: str, shared: Path) -> None:
    records = recorded(shared, api)
    assert records
    for record in records:
        call, document, _ = call_of(api, record)
        written = encode(call, document.get("model", ""))
        assert normalise_json(json.loads(written.body)) == normalise_json(document), record.id
        assert written.losses == ()


@pytest.mark.parametrize("api", DIALECTS)
def test_recorded_answers_are_read_whole_and_written_again(api: str, shared: Path) -> None:
    for record in recorded(shared, api):
        call, _, dialect = call_of(api, record)
        if api == "audio.speech" and b"audio_data" in record.response.body[:20]:
            continue  # one provider wraps its audio in JSON: its own adapter unwraps it
        reply = fold(decode(call.operation, head(record), record.response.body))
        assert reply.fault is None, record.id
        body, losses = dialect.reply(reply, call)
        assert losses == ()
        if api == "audio.speech":
            assert body == record.response.body
            continue
        ours, theirs = json.loads(body), json.loads(record.response.body)
        if api == "embeddings":
            assert len(ours["data"]) == len(theirs["data"])
            for mine, its in zip(ours["data"], theirs["data"], strict=True):
                assert mine["embedding"] == its["embedding"], record.id
        elif api == "rerank":
            listed = theirs.get("results") or theirs["data"]
            assert [(r["index"], r["relevance_score"]) for r in ours["results"]] == [
                (r["index"], r["relevance_score"]) for r in listed
            ]
        elif api == "moderations":
            assert ours == theirs
        else:
            assert [d.get("url") or d.get("b64_json") for d in ours["data"]] == [
                d.get("url") or d.get("b64_json") for d in theirs["data"]
            ]


def test_transcriptions_are_forms_both_ways(shared: Path) -> None:
    dialect = TranscriptionsDialect()
    found = 0
    for record in Recordings.load(shared / "data/wire", api="audio.transcriptions"):
        kind = dict(record.request.headers).get("content-type", "")
        if "multipart" not in kind or b"omitted" in record.request.body[:60]:
            continue
        found += 1
        document = parse_form(kind, record.request.body)
        call = dialect.call("transcriptions", document, ())
        written = encode(call, str(document["model"]))
        again = parse_form(written.content_type.decode(), written.body)
        assert again == document
        reply = fold(decode("transcriptions", head(record), record.response.body))
        assert isinstance(reply.result, Transcript)
        body, _ = dialect.reply(reply, call)
        assert json.loads(body)["text"] == json.loads(record.response.body)["text"]
    assert found >= 3


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True),
            st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.binary()),
        ),
        max_size=5,
        unique_by=lambda pair: pair[0],
    )
)
def test_any_form_comes_back(fields: list[tuple[str, str | bytes]]) -> None:
    given_fields = [
        (name, value if isinstance(value, str) else {
            "filename": "f.bin",
            "content_type": "application/octet-stream",
            "data": base64.b64encode(value).decode(),
        })
        for name, value in fields
    ]  # fmt: skip
    if not given_fields:
        return
    kind, body = encode_form(given_fields)
    assert parse_form(kind.decode(), body) == dict(given_fields)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_vectors_survive_base64(vector: list[float]) -> None:
    assert as_floats(as_base64(tuple(vector))) == tuple(vector)


def test_a_client_gets_the_encoding_that_it_asked_for() -> None:
    dialect = embeddings.EmbeddingsDialect()
    body = json.dumps({"data": [{"embedding": [0.5, 1.0]}], "model": "m"}).encode()
    for encoding, expected in (("base64", as_base64((0.5, 1.0))), ("float", [0.5, 1.0])):
        call = dialect.call("embeddings", {"input": "a", "encoding_format": encoding}, ())
        reply = fold(embeddings.decode_reply(body))
        assert isinstance(reply.result, Embeddings)
        written, _ = dialect.reply(reply, call)
        assert json.loads(written)["data"][0]["embedding"] == expected


@pytest.mark.parametrize(
    ("dialect", "document", "where"),
    [
        (embeddings.EmbeddingsDialect(), {"input": []}, "input"),
        (embeddings.EmbeddingsDialect(), {"input": [[1, "x"]]}, "input[0][1]"),
        (rerank.RerankDialect(), {"documents": [7], "query": "q"}, "documents[0]"),
        (rerank.RerankDialect(), {"documents": ["a"]}, "query"),
        (SpeechDialect(), {"input": "a"}, "voice"),
        (TranscriptionsDialect(), {"model": "m"}, "file"),
        (moderations.ModerationsDialect(), {"input": 3}, "input"),
    ],
)
def test_a_wrong_document_is_told_with_its_place(
    dialect: PlainDialect, document: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        dialect.call("embeddings", document, ())  # type: ignore[attr-defined]
    assert where in caught.value.message


@pytest.mark.parametrize("operation", ["embeddings", "rerank", "moderations", "images"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": 3, "results": 4}'])
def test_nonsense_is_never_an_answer(operation: Any, body: bytes) -> None:
    events = decode(operation, Head(200, ()), body)
    assert any(isinstance(event, Broken) for event in events)


def test_only_json_of_the_same_format_is_passed_on() -> None:
    call = embeddings.EmbeddingsDialect().call("embeddings", {"input": "a"}, ())
    assert relay_fields(call, "m") == {"model": "m"}
    form = {"file": {"filename": "a.wav", "content_type": "audio/wav", "data": ""}}
    assert relay_fields(TranscriptionsDialect().call("transcriptions", form, ()), "m") is None


def test_a_ranking_gives_documents_back_when_asked() -> None:
    dialect = rerank.RerankDialect()
    document = {"query": "q", "documents": ["a", "b"], "return_documents": True}
    call = dialect.call("rerank", document, ())
    reply = fold(rerank.decode_reply(b'{"results":[{"index":1,"relevance_score":0.9}]}'))
    assert isinstance(reply.result, Ranking)
    written, _ = dialect.reply(reply, call)
    assert json.loads(written)["results"][0]["document"] == {"text": "b"}


def test_speech_is_the_audio_itself() -> None:
    reply = fold(decode("speech", Head(200, ((b"content-type", b"audio/wav"),)), b"RIFF"))
    assert reply.result == Speech(b"RIFF", "audio/wav")
