"""Requests that mean the same have one normal form, and others have not."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, strategies as st

from multiroute_core.testing import Normal, Normalisation, normalise_request


def _normal(document: object, url: str = "/v1/x", rules: Normalisation | None = None) -> Normal:
    return normalise_request("POST", url, (), json.dumps(document).encode(), rules)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1, "b": None}, {"a": 1}),
        ({"a": {"b": None}}, {"a": {}}),
        ({"tools": []}, {}),
        ({"messages": [{"tool_calls": []}]}, {"messages": [{}]}),
        ({"temperature": 1.0}, {"temperature": 1}),
        ({"content": "x"}, {"content": [{"type": "text", "text": "x"}]}),
        ({"f": {"arguments": '{"b": 1, "a": 2.0}'}}, {"f": {"arguments": '{"a":2,"b":1}'}}),
        ({"f": {"arguments": '{"a":2}'}}, {"f": {"arguments": {"a": 2}}}),
        ({"user": "me", "metadata": {"k": "v"}, "stream_options": {"include_usage": True}}, {}),
    ],
)
def test_the_same_in_other_words(one: object, other: object) -> None:
    assert _normal(one) == _normal(other)
    assert _normal(one).key == _normal(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1.5}, {"a": 1}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [None]}, {"a": []}),
        ({"stop": []}, {}),
        ({"text": "x"}, {"text": [{"type": "text", "text": "x"}]}),
        ({"content": "x"}, {"content": [{"type": "text", "text": "x", "cache_control": {}}]}),
        ({"f": {"arguments": "not json"}}, {"f": {"arguments": "not  json"}}),
        ({"messages": [{"user": "me"}]}, {"messages": [{}]}),
        ({"tools": [{"name": "a"}]}, {"tools": [{"name": "b"}]}),
        (2**70, 2**70 + 1),
    ],
)
def test_something_else(one: object, other: object) -> None:
    assert _normal(one).key != _normal(other).key


def test_host_and_credentials_in_the_query_do_not_count() -> None:
    urls = [
        "https://one.example/v1/a%3Ab?alt=sse&key=SECRET",
        "http://127.0.0.1:8000/v1/a:b?X-Signature=zz&alt=sse",
        "/v1/a:b?alt=sse",
    ]
    first, *others = [normalise_request("post", url, (), b"") for url in urls]
    assert all(other == first for other in others)
    assert (first.method, first.path, first.query) == ("POST", "/v1/a:b", (("alt", "sse"),))
    assert "SECRET" not in "\n".join(first.lines())


def test_other_query_parameters_count_unless_told_otherwise() -> None:
    assert _normal({}, "/v1/x?beta=true").key != _normal({}, "/v1/x").key
    lax = Normalisation(ignore_query=frozenset({"beta"}))
    assert _normal({}, "/v1/x?beta=true", lax).key == _normal({}, "/v1/x", lax).key


def test_a_url_inside_a_query_is_no_host() -> None:
    normal = normalise_request("GET", "/fetch?url=http://x/y", (), b"")
    assert (normal.path, normal.query) == ("/fetch", (("url", "http://x/y"),))


def test_ignored_fields_count_where_asked_for() -> None:
    strict = Normalisation(ignore_fields=frozenset())
    assert _normal({"user": "a"}, rules=strict).key != _normal({"user": "b"}, rules=strict).key


def test_more_keys_may_have_the_text_shorthand() -> None:
    rules = Normalisation(text_shorthand=frozenset({"content", "system"}))
    blocks = {"system": [{"type": "text", "text": "x"}]}
    assert _normal({"system": "x"}, rules=rules) == _normal(blocks, rules=rules)
    assert _normal({"system": "x"}) != _normal(blocks)


def test_method_and_path_count() -> None:
    assert (
        normalise_request("GET", "/a", (), b"").key != normalise_request("GET", "/b", (), b"").key
    )
    assert (
        normalise_request("GET", "/a", (), b"").key
        != normalise_request("DELETE", "/a", (), b"").key
    )


def _form(boundary: str, *, extra: str = "", line_end: str = "\r\n", content: str = "hi") -> bytes:
    lines = [
        f"--{boundary}",
        f'Content-Disposition: form-data; name="file"; filename="a.txt"{extra}',
        "",
        content,
        f"--{boundary}",
        'Content-Disposition: form-data; name="model"',
        "",
        "m1",
        f"--{boundary}--",
        "",
    ]
    return line_end.join(lines).encode()


def _multipart(boundary: str, body: bytes) -> Normal:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return normalise_request("POST", "/files", headers, body)


def test_multipart_bodies_are_compared_part_by_part() -> None:
    one = _multipart("AAA", _form("AAA"))
    assert one.kind == "multipart"
    assert one == _multipart("b-b", _form("b-b", extra="\r\nContent-Type: text/plain"))
    assert one == _multipart("c", _form("c", line_end="\n"))
    assert one == _multipart("d", base64.b64encode(_form("d")))
    assert one != _multipart("e", _form("e", content="other"))


def test_bodies_that_are_not_json_are_compared_as_they_are() -> None:
    text = normalise_request("POST", "/sdp", (), b"v=0")
    binary = normalise_request("POST", "/sdp", (), b"\xff\xfe")
    assert (text.kind, text.canonical) == ("text", "v=0")
    assert (binary.kind, binary.canonical.split(",")[0]) == ("binary", "2 bytes")
    assert normalise_request("POST", "/sdp", (), b" \n").kind == "empty"


def test_hostile_json_has_a_normal_form_too() -> None:
    deep = normalise_request("POST", "/x", (), b"[" * 100_000)
    surrogate = normalise_request("POST", "/x", (), b'{"a":"\\ud800"}')
    assert deep.kind == "text"
    assert "\n".join(surrogate.lines()).encode()
    assert surrogate.key != normalise_request("POST", "/x", (), b'{"a":"\\ud801"}').key


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "content", "arguments", "tools"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_the_normal_form_of_a_normal_form_is_itself(document: object) -> None:
    once = _normal(document)
    if once.kind == "json":
        again = normalise_request("POST", "/v1/x", (), once.canonical.encode())
        assert again == once
