"""The Mistral adapter: its spelling in both lanes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multiroute_core.api import Call, Head, Speech, Target, fold
from multiroute_core.testing import Recordings
from multiroute_core.testing.normalise import normalise_json
from multiroute_core.wire import chat, messages
from multiroute_core.wire.audio import SpeechDialect
from multiroute_mistral import MistralProvider, MistralSettings
from multiroute_mistral.messages import short_id
from multiroute_mistral.speech import read_speech

_TARGET = Target("mistral:u", "mistral", "u", "mistral/m", "https://api.mistral.ai/v1", "k")


class _Runtime:
    instance = "mistral"
    base_url = "https://api.mistral.ai/v1"
    credentials = ("k",)

    def secret(self, credential: str) -> str:
        return "key"

    def now_s(self) -> float:
        return 0.0

    async def fetch(self, request: Any) -> Any:
        raise AssertionError("nothing is fetched")


def _provider(**settings: Any) -> MistralProvider:
    return MistralProvider(MistralSettings(**settings), _Runtime())


def _encoded(call: Call) -> tuple[dict[str, Any], list[str]]:
    encoded = _provider().encode(call, _TARGET)
    return json.loads(encoded.request.body), [loss.path for loss in encoded.losses]


def _passed(call: Call) -> dict[str, Any]:
    relay = _provider().relay(call, _TARGET)
    assert relay is not None
    kept = {name: value for name, value in call.doc.items() if name not in relay.drop}
    merged: dict[str, Any] = json.loads(json.dumps(kept | dict(relay.put)))
    return merged


@pytest.fixture(scope="module")
def recorded(shared: Any) -> Recordings:
    folder = shared / "data" / "wire"
    if not (folder / "dev").is_dir():
        pytest.skip(f"no recorded traffic in {folder}")
    return Recordings.load(folder, provider="mistral", api="chat.completions")


def test_recorded_requests_are_sent_as_they_were(recorded: Recordings) -> None:
    assert len(recorded) > 50
    for one in recorded:
        doc = json.loads(one.request.body)
        call = chat.decode_call(doc)
        wanted = normalise_json({**doc, "model": "u"})
        sent, losses = _encoded(call)
        assert losses == []
        assert normalise_json(sent) == wanted, one.id
        assert normalise_json(_passed(call)) == wanted, one.id


def test_recorded_replies_are_complete(recorded: Recordings) -> None:
    provider = _provider()
    for one in recorded.where(lambda one: one.response.status == 200):
        decoder = chat.ChatDecoder(provider.usage)
        if one.response.is_streamed:
            reply = fold([*decoder.feed(one.response.body), *decoder.close()])
        else:
            reply = fold(chat.decode_reply(one.response.body, provider.usage))
        assert reply.fault is None
        assert reply.usage is not None
        assert reply.choices[0].finish is not None


def test_ids_of_other_providers_are_made_to_fit_alike_in_call_and_result() -> None:
    function = {"name": "f", "arguments": "{}"}
    long = "call_4hrT4QP9jfojtK69vGiFCFjG"
    call = chat.decode_call(
        {
            "model": "m",
            "seed": 3,
            "user": "u",
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": long, "type": "function", "function": function}],
                },
                {"role": "tool", "tool_call_id": long, "content": "r"},
            ],
        }
    )
    for sent in (_encoded(call)[0], _passed(call)):
        own = sent["messages"][0]["tool_calls"][0]["id"]
        assert own == sent["messages"][1]["tool_call_id"] == short_id(long)
        assert len(own) == 9
        assert own.isalnum()
        assert sent["random_seed"] == 3
        assert not {"seed", "user", "stream_options"} & sent.keys()
        assert sent["metadata"] == {"user_id": "u"}
    assert _encoded(call)[1] == []


def test_a_parameter_that_it_refuses_is_left_out_and_reported() -> None:
    message = {"role": "user", "content": "a"}
    call = chat.decode_call({"model": "m", "messages": [message], "logit_bias": {"1": 1}})
    sent, losses = _encoded(call)
    assert "logit_bias" not in sent
    assert losses == ["logit_bias"]


def test_different_ids_stay_different() -> None:
    ids = [f"call_{number}" for number in range(2000)]
    assert len({short_id(own) for own in ids}) == len(ids)


def test_thinking_goes_back_as_content() -> None:
    message = {"role": "assistant", "content": "b", "reasoning_content": "why"}
    call = chat.decode_call({"model": "m", "messages": [message]})
    wanted = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]},
            {"type": "text", "text": "b"},
        ],
    }
    assert _encoded(call)[0]["messages"] == [wanted]
    assert _passed(call)["messages"] == [wanted]


def test_a_document_of_another_format_becomes_a_link() -> None:
    source = {"type": "url", "url": "https://a/b.pdf"}
    doc = {
        "model": "m",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [{"type": "document", "source": source}]}],
    }
    sent, _ = _encoded(messages.decode_call(doc))
    assert sent["max_tokens"] == 7
    assert sent["messages"][0]["content"] == [
        {"type": "document_url", "document_url": "https://a/b.pdf"}
    ]


def test_the_safety_prompt_is_asked_for_where_the_client_says_nothing() -> None:
    doc: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    for said, wanted in ((None, True), (False, False)):
        own = doc if said is None else {**doc, "safe_prompt": said}
        encoded = _provider(safe_prompt=True).encode(chat.decode_call(own), _TARGET)
        assert json.loads(encoded.request.body)["safe_prompt"] is wanted


def test_spoken_audio_is_unpacked_from_its_document() -> None:
    call = SpeechDialect().call(
        "speech", {"model": "m", "input": "a", "voice": "v", "response_format": "wav"}, ()
    )
    provider = _provider()
    assert provider.relay(call, _TARGET) is None
    memo = provider.encode(call, _TARGET).memo

    reply = fold(provider.decode(Head(200, ()), b'{"audio_data": "aGk="}', memo))

    assert reply.result == Speech(b"hi", "audio/wav")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"x", "protocol"),
        (b"{}", "protocol"),
        (b'{"audio_data": "%"}', "protocol"),
        (b'{"audio_data": ""}', "empty"),
    ],
)
def test_an_answer_without_audio_is_broken(body: bytes, kind: str) -> None:
    fault = fold(read_speech(body, "audio/mpeg")).fault
    assert fault is not None
    assert fault.kind == kind
