"""The messages format as clients speak it: framing, errors, counts, what is passed on."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from multiroute_core.api import ClientError, InvalidRequest, Result, Start, TokenCount, fold
from multiroute_core.testing import Recording, split_body
from multiroute_core.wire import chat, messages

_DIALECT = messages.MessagesDialect()


def _doc(**fields: Any) -> dict[str, Any]:
    base = {"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    return {**base, **fields}


def test_recorded_streams_are_cut_into_whole_events_and_end_once(
    streams: tuple[Recording, ...],
) -> None:
    for number, item in enumerate(streams):
        framer = _DIALECT.framer()
        framed = [
            event
            for piece in split_body(item.response.body, f"random:{number}")
            for event in framer.feed(piece)
        ]
        assert b"".join(framed) + framer.close() == item.response.body
        assert [framer.is_end(event) for event in framed].index(True) == len(framed) - 1
        assert sum(framer.is_end(event) for event in framed) == 1


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (b'event: message_stop\ndata: {"type":"message_stop"}\n\n', True),
        (b'event:message_stop\r\ndata: {"type": "message_stop"}\r\n\r\n', True),
        (b'data: {"type":"message_stop"}\n\n', True),
        (b': ping\nevent: message_stop\ndata: {}\n\n', True),
        (b'event: content_block_delta\ndata: {"text":"event: message_stop\\n"}\n\n', False),
        (b'data: {"text":"data: {\\"type\\":\\"message_stop\\""}\n\n', False),
        (b'event: message_stopped\ndata: {}\n\n', False),
        (b'event: message_delta\ndata: {}\n\n', False),
    ],
)  # fmt: skip
def test_only_the_end_is_taken_for_the_end(event: bytes, wanted: bool) -> None:
    assert _DIALECT.framer().is_end(event) is wanted


def test_text_that_looks_like_the_end_is_none_wherever_it_stands() -> None:
    framer = _DIALECT.framer()
    for before in range(260):
        text = b"x" * before + b"event: message_stop"
        assert not framer.is_end(b'data: {"text":"' + text + b'"}\n\n')


def test_the_end_of_a_stream_is_one() -> None:
    framer = _DIALECT.framer()
    assert framer.is_end(framer.end)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_errors_have_the_format_s_shape(status: int, kind: str) -> None:
    error = ClientError(status, "code", "words", "bad_request", request_id="req_1")
    assert orjson.loads(_DIALECT.error(error)) == {
        "type": "error",
        "error": {"type": kind, "message": "words"},
        "request_id": "req_1",
    }


def test_a_count_is_answered_with_a_count() -> None:
    call = _DIALECT.call("count_tokens", _doc(), ())
    reply = fold([Start("", ""), Result(TokenCount(7, extra={"context_management": {}}))])
    body, losses = _DIALECT.reply(reply, call)
    assert orjson.loads(body) == {"input_tokens": 7, "context_management": {}}
    assert not losses


def test_other_operations_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        _DIALECT.call("embeddings", _doc(), ())


def test_a_document_of_this_format_is_passed_on_with_another_model_name() -> None:
    assert messages.relay_fields(messages.decode_call(_doc()), "m") == {"model": "m"}
    foreign = chat.decode_call({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert messages.relay_fields(foreign, "m") is None


@pytest.mark.parametrize(
    ("fields", "model", "goes"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "claude-opus-4-7", False),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "claude-sonnet-4-5", True),
        ({"thinking": {"type": "adaptive"}}, "claude-sonnet-4-5", False),
        ({"thinking": {"type": "disabled"}}, "claude-fable-5", False),
        ({"temperature": 0.3}, "claude-opus-4-8", False),
        ({"temperature": 1}, "claude-opus-4-8", True),
        ({"output_config": {"effort": "xhigh"}}, "claude-opus-4-6", False),
        ({"output_config": {"effort": "high"}}, "claude-opus-4-6", True),
    ],
)
def test_a_model_that_does_not_take_it_gets_a_translation(
    fields: dict[str, Any], model: str, goes: bool
) -> None:
    call = messages.decode_call(_doc(**fields))
    assert (messages.relay_fields(call, model) is not None) is goes
    same = messages.decode_call(_doc(**fields, model=model))
    # Who names the model itself gets the provider's own answer.
    assert messages.relay_fields(same, model) is not None


def test_the_client_s_query_and_headers_are_told_apart() -> None:
    headers = (
        (messages.QUERY_HEADER, b"beta=true"),
        (messages.BETA_HEADER, b"a"),
        (messages.BETA_HEADER, b"b"),
    )
    call = messages.decode_call(_doc(), headers)
    assert messages.with_query("http://x/v1", call) == "http://x/v1?beta=true"
    assert messages.client_header(call, messages.BETA_HEADER) == b"a,b"
    other = messages.decode_call(_doc(), ((messages.QUERY_HEADER, b"beta=true&x=1"),))
    assert messages.with_query("http://x/v1", other) == "http://x/v1"
