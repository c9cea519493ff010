"""An adapter made of quirks: both lanes send what the provider takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from multiroute_core.api import Call, CannotEncode, Head, Target, fold
from multiroute_core.wire import chat, embeddings, images, messages, operations, responses
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks, fit, usage_of


class _Runtime:
    """The least of a host."""

    instance = "i"
    base_url = "https://api.acme.com/v1"
    credentials = ("default",)

    def secret(self, credential: str) -> str:
        return "key"

    def now_s(self) -> float:
        return 0.0

    async def fetch(self, request: Any) -> Any:
        raise AssertionError("nothing is fetched")


_TARGET = Target("i:u", "i", "u", "lab/m", "https://api.acme.com/v1", "default", ("chat",))


def _adapter(**quirks: Any) -> ChatAdapter:
    return ChatAdapter(_Runtime(), ChatQuirks(**quirks))


def _call(**fields: Any) -> Call:
    return chat.decode_call(
        {"model": "m", "messages": [{"role": "developer", "content": "a"}], **fields}
    )


def _sent(adapter: ChatAdapter, call: Call) -> list[dict[str, Any]]:
    """The documents of both lanes."""
    relay = adapter.relay(call, _TARGET)
    assert relay is not None
    passed = {k: v for k, v in call.doc.items() if k not in relay.drop} | dict(relay.put)
    encoded = json.loads(adapter.encode(call, _TARGET).request.body)
    return [json.loads(json.dumps(passed)), encoded]


@pytest.mark.parametrize(
    ("quirks", "fields", "wanted", "absent"),
    [
        (
            {"limits": ("max_tokens",)},
            {"max_completion_tokens": 5},
            {"max_tokens": 5},
            "max_completion_tokens",
        ),
        ({}, {"max_tokens": 5}, {"max_tokens": 5}, "max_completion_tokens"),
        ({"names": {"seed": "random_seed"}}, {"seed": 1}, {"random_seed": 1}, "seed"),
        (
            {"tool_choice_words": {"required": "any"}},
            {"tool_choice": "required"},
            {"tool_choice": "any"},
            "",
        ),
        ({"refused": ("user",)}, {"user": "u"}, {}, "user"),
        (
            {"takes_developer_role": False},
            {},
            {"messages": [{"role": "system", "content": "a"}]},
            "",
        ),
        ({}, {}, {"messages": [{"role": "developer", "content": "a"}]}, ""),
    ],
)
def test_both_lanes_spell_as_the_provider_does(
    quirks: dict[str, Any], fields: dict[str, Any], wanted: dict[str, Any], absent: str
) -> None:
    for document in _sent(_adapter(**quirks), _call(**fields)):
        assert document["model"] == "u"
        assert absent not in document
        assert wanted.items() <= document.items()


def test_a_refused_parameter_is_reported_in_both_lanes() -> None:
    adapter, call = _adapter(refused=("user",)), _call(user="u")
    relay = adapter.relay(call, _TARGET)
    assert relay is not None
    assert [loss.path for loss in relay.losses] == ["user"]
    assert [loss.path for loss in adapter.encode(call, _TARGET).losses] == ["user"]


def test_usage_is_asked_for_where_it_can_be() -> None:
    call = _call(stream=True)
    relay = _adapter().relay(call, _TARGET)
    assert relay is not None
    assert relay.usage_added
    assert relay.put["stream_options"] == {"include_usage": True}
    adapter = _adapter(takes_stream_options=False)
    relay = adapter.relay(_call(stream=True, stream_options={"include_usage": True}), _TARGET)
    assert relay is not None
    assert not relay.usage_added
    for document in _sent(adapter, call):
        assert "stream_options" not in document


def test_an_operation_beside_chat_is_not_sent_as_chat() -> None:
    doc = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    call = messages.decode_call({**doc, "max_tokens": 5})
    counting = Call("count_tokens", "m", call.wire, False, call.body, call.doc)
    with pytest.raises(CannotEncode):
        _adapter().encode(counting, _TARGET)
    assert _adapter().relay(counting, _TARGET) is None


def test_thinking_of_other_formats_goes_back_as_text_where_it_is_taken() -> None:
    block = {"type": "thinking", "thinking": "t", "signature": "s"}
    doc = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "assistant", "content": [block, {"type": "text", "text": "b"}]}],
    }
    encoded = _adapter(thinking_field="reasoning_content").encode(
        messages.decode_call(doc), _TARGET
    )
    sent = json.loads(encoded.request.body)["messages"][0]
    assert sent["reasoning_content"] == "t"
    assert [loss.what for loss in encoded.losses] == ["signature of thinking"]


def test_a_refused_credential_does_not_repeat_the_key() -> None:
    body = b'{"error":{"message":"Incorrect API key provided: sk-12","code":"invalid_api_key"}}'
    fault = _adapter().classify(Head(401, ()), body)
    assert fault.kind == "upstream_auth"
    assert "sk-" not in fault.message
    assert fault.native is None


def test_the_reset_of_the_exhausted_limit_is_the_pushback() -> None:
    adapter = _adapter(resets=(("left-requests", "reset-requests"), ("left", "reset")))
    headers = ((b"left-requests", b"3"), (b"reset-requests", b"9s"), (b"left", b"0"))
    body = b'{"error":{"message":"slow down"}}'
    assert adapter.classify(Head(429, (*headers, (b"reset", b"1.5s"))), body).retry_after_s == 1.5
    assert adapter.classify(Head(429, headers), body).retry_after_s is None


def test_the_key_goes_into_the_header_last() -> None:
    adapter = _adapter()
    request = adapter.encode(_call(), _TARGET).request
    assert b"key" not in b"".join(name + value for name, value in request.headers)
    sent = asyncio.run(adapter.authorize(request, _TARGET))
    assert sent.headers[-1] == (b"authorization", b"Bearer key")


@pytest.mark.parametrize(
    ("quirks", "native", "cost"),
    [
        ({"cost": ("cost",)}, {"cost": 0.00014}, 140_000_000),
        ({"cost": ("cost", "total_cost")}, {"cost": {"total_cost": 1e-05}}, 10_000_000),
        ({"cost": ("ticks",), "cost_unit_pusd": 100}, {"ticks": 3546500}, 354_650_000),
        ({"cost": ("cost",)}, {"cost": 0}, 0),
        ({"cost": ("cost",)}, {"cost": None}, None),
        ({"cost": ("cost",)}, {"cost": "NaN"}, None),
        ({"cost": ("price", "total")}, {"price": 1}, None),
        ({}, {"cost": 1}, 10**12),
        ({}, {"cost": {"total_cost": 0.5}}, 5 * 10**11),
        ({}, {"cost_in_usd_ticks": 7}, 700),
        ({}, {"prompt_tokens": 1}, None),
    ],
)
def test_the_providers_own_price(
    quirks: dict[str, Any], native: dict[str, Any], cost: int | None
) -> None:
    assert usage_of(native, ChatQuirks(**quirks)).reported_cost_pusd == cost


def test_reasoning_apart_from_completion_and_total() -> None:
    native = {
        "prompt_tokens": 19,
        "completion_tokens": 498,
        "total_tokens": 517,
        "reasoning_tokens": 95305,
        "num_search_queries": 48,
    }
    quirks = ChatQuirks(counts_reasoning_apart=True, unit_counts={"queries": "num_search_queries"})
    used = usage_of(native, quirks)
    assert (used.output_text, used.output_reasoning) == (498, 95305)
    assert used.tool_units == (("queries", 48),)


def test_formats_of_details_are_named_in_the_providers_words() -> None:
    detail = {"type": "reasoning.text", "text": "t", "signature": "s", "format": "messages"}
    message = {"role": "assistant", "content": "a", "reasoning_details": [detail]}
    call = chat.decode_call({"model": "m", "messages": [message]})
    for document in _sent(_adapter(takes_reasoning_details=True), call):
        [sent] = document["messages"][0]["reasoning_details"]
        assert sent == {**detail, "format": "anthropic-claude-v1"}


def test_a_document_that_fits_is_left_alone() -> None:
    change = fit({"model": "m", "max_tokens": 5, "tool_choice": "auto"}, ChatQuirks())
    assert (change.put, change.drop, change.losses) == ({}, frozenset(), ())


_IMAGE = "data:image/png;base64,aGk="


@pytest.mark.parametrize(
    ("wires", "wire", "path"),
    [
        ((), "responses", "/responses"),
        ((), "messages", "/chat/completions"),
        (("responses",), "messages", "/responses"),
        (("responses",), "chat", "/responses"),
        (("chat", "responses"), "chat", "/chat/completions"),
        (("chat",), "responses", "/chat/completions"),
    ],
)
def test_a_call_goes_in_its_own_format_or_in_the_only_one_that_the_model_takes(
    wires: tuple[str, ...], wire: str, path: str
) -> None:
    turns = [{"role": "user", "content": "a"}]
    call = {
        "chat": lambda: chat.decode_call({"model": "m", "messages": turns}),
        "messages": lambda: messages.decode_call(
            {"model": "m", "max_tokens": 9, "messages": turns}
        ),
        "responses": lambda: responses.decode_call({"model": "m", "input": "a"}),
    }[wire]()
    target = replace(_TARGET, wires=wires)
    adapter = _adapter(responses_path="/responses")

    relay = adapter.relay(call, target)

    assert adapter.encode(call, target).request.url == f"https://api.acme.com/v1{path}"
    assert relay is None or relay.url == f"https://api.acme.com/v1{path}"
    is_own = path == {"chat": "/chat/completions", "responses": "/responses"}.get(wire)
    assert (relay is not None) == is_own


def test_an_operation_beside_chat_goes_where_the_provider_has_it() -> None:
    call = embeddings.decode_call({"model": "m", "input": "a"})
    adapter = _adapter(operation_paths={"embeddings": "/v1/embeddings"})
    relay = adapter.relay(call, _TARGET)
    assert relay is not None
    assert relay.url == adapter.encode(call, _TARGET).request.url
    assert relay.url.endswith("/v1/v1/embeddings")


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ("images", {"images": [{"type": "image_url", "url": _IMAGE}]}),
        (
            "input_references",
            {"input_references": [{"type": "image_url", "image_url": {"url": _IMAGE}}]},
        ),
    ],
)
@pytest.mark.parametrize(
    "given",
    [
        {"content_type": "image/png", "filename": "a.png", "data": "aGk="},
        {"image_url": _IMAGE},
        {"url": _IMAGE},
        _IMAGE,
    ],
)
def test_an_image_to_edit_is_given_as_the_provider_takes_it(
    way: str, wanted: dict[str, Any], given: Any
) -> None:
    doc = {"model": "m", "prompt": "green", "images": [given]}
    call = images.decode_call("image_edits", doc)
    encoded = _adapter(images_to_edit=way).encode(call, _TARGET)
    sent = json.loads(encoded.request.body)
    sent["images"] = [{"type": "image_url", **i} for i in sent.get("images", ())]
    assert {k: sent[k] for k in wanted} == wanted
    assert encoded.losses == ()


def test_a_mask_that_the_provider_has_no_place_for_is_reported() -> None:
    doc = {"model": "m", "prompt": "green", "images": [_IMAGE], "mask": _IMAGE}
    call = images.decode_call("image_edits", doc)
    encoded = _adapter(images_to_edit="input_references").encode(call, _TARGET)
    assert [loss.path for loss in encoded.losses] == ["mask"]


@pytest.mark.parametrize(
    ("operation", "doc"),
    [
        ("images", {"data": [{"url": "https://x/y"}], "usage": {"cost_in_usd_ticks": 7}}),
        ("rerank", {"results": [], "usage": {"total_tokens": 3, "cost": 7e-10}}),
    ],
)
def test_a_price_told_with_an_operation_is_kept(operation: str, doc: dict[str, Any]) -> None:
    reply = fold(operations.decode(operation, Head(200, ()), json.dumps(doc).encode()))
    assert reply.usage is not None
    assert reply.usage.reported_cost_pusd == 700
