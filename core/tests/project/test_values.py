"""Durations, money, addresses: what is read, and what is refused without being repeated."""

from __future__ import annotations

import doctest
import importlib
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from multiroute_core.project.values import (
    BaseUrl,
    Duration,
    Listen,
    ListenAddress,
    Money,
    Options,
    PositiveNumber,
    Serve,
    ServeEntry,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("8s", 8.0), ("250ms", 0.25), ("2m", 120.0), ("1h", 3600.0), ("1d", 86400.0), ("1.5s", 1.5)],
)
def test_durations_are_seconds(text: str, seconds: float):
    assert TypeAdapter(Duration).validate_python(text) == seconds


@pytest.mark.parametrize("value", [8, 8.0, Decimal(8), True, "8", "8 s", "0s", "-1s", "1m30s", ""])
def test_anything_else_is_no_duration(value: object):
    with pytest.raises(ValidationError, match=r"unit|duration|zero"):
        TypeAdapter(Duration).validate_python(value)


def test_money_is_exact_and_not_negative():
    money = TypeAdapter(Money)
    assert money.validate_python(Decimal("0.1")) == Decimal("0.1")
    assert money.validate_python(0) == Decimal(0)
    for value in ("1", True, Decimal(-1), Decimal("nan"), Decimal("inf"), None):
        with pytest.raises(ValidationError):
            money.validate_python(value)


def test_numbers_are_finite():
    with pytest.raises(ValidationError, match="ordinary size"):
        TypeAdapter(PositiveNumber).validate_python(Decimal("1e999"))


@pytest.mark.parametrize(
    ("text", "listen", "is_loopback"),
    [
        ("127.0.0.1:4300", Listen("127.0.0.1", 4300), True),
        ("127.9.0.1:0", Listen("127.9.0.1", 0), True),
        ("[::1]:80", Listen("::1", 80), True),
        ("localhost:80", Listen("localhost", 80), True),
        ("0.0.0.0:80", Listen("0.0.0.0", 80), False),
        ("127.0.0.1.example:80", Listen("127.0.0.1.example", 80), False),
    ],
)
def test_listen_addresses(text: str, listen: Listen, is_loopback: bool):
    parsed = TypeAdapter(ListenAddress).validate_python(text)
    assert parsed == listen
    assert parsed.is_loopback is is_loopback
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text", ["4300", ":4300", "h:", "h:65536", "::1:80", "http://h:80", "a b:1"]
)
def test_what_is_no_listen_address(text: str):
    with pytest.raises(ValidationError, match="an address and a port"):
        TypeAdapter(ListenAddress).validate_python(text)


def test_a_serve_entry_is_split_at_its_first_colon():
    entry = TypeAdapter(ServeEntry)
    assert entry.validate_python("box:qwen3:30b") == Serve("box", "qwen3:30b")
    for text in ("box", ":x", "box:", "a b:c", 3):
        with pytest.raises(ValidationError, match="an instance and a model"):
            entry.validate_python(text)


@pytest.mark.parametrize(
    "text", ["ftp://h", "https://", "h.example", "https://h h", "https://[::1", "https://h:x"]
)
def test_what_is_no_base_url(text: str):
    with pytest.raises(ValidationError, match="must be a URL"):
        TypeAdapter(BaseUrl).validate_python(text)


@pytest.mark.parametrize("text", ["https://u@h", "https://u:p@h", "https://h/?api_key=x"])
def test_a_base_url_holds_no_secret(text: str):
    with pytest.raises(ValidationError, match="holds a user name or secret"):
        TypeAdapter(BaseUrl).validate_python(text)


def test_options_are_read_only_to_their_depth():
    options = TypeAdapter(Options).validate_python({"a": {"b": [1]}})
    with pytest.raises(TypeError):
        options["a"]["b"] = 2
    assert options["a"]["b"] == (1,)


@pytest.mark.parametrize("module", ["keys", "problems", "values"])
def test_the_examples_in_the_docstrings_hold(module: str):
    found = importlib.import_module(f"multiroute_core.project.{module}")
    result = doctest.testmod(found)
    assert result.attempted > 0
    assert result.failed == 0
