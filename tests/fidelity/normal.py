"""Requests in normal form, by format: two that a provider takes for the same compare equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from multiroute_core.testing import Normalisation, normalise_json

_RULES = Normalisation(ignore_fields=frozenset())
_SYSTEM = Normalisation(ignore_fields=frozenset(), text_shorthand=frozenset({"content", "system"}))
_FREE = frozenset(
    {
        "args",
        "response",
        "properties",
        "parametersJsonSchema",
        "responseJsonSchema",
        "parameters_json_schema",
        "response_json_schema",
        "labels",
        "defs",
        "$defs",
    }
)
_SNAKE = re.compile(r"_([a-z0-9])")


def normal(form: str, document: Any) -> Any:
    """A request document in the normal form of its format."""
    return _FORMS.get(form, _plain)(document)


def _plain(document: Any) -> Any:
    return normalise_json(document, _RULES)


def _chat(document: Any) -> Any:
    """We ask for usage in every stream, and keep it from a client who did not."""
    document = dict(document)
    options = document.get("stream_options")
    if isinstance(options, dict):
        options = {key: value for key, value in options.items() if key != "include_usage"}
        document["stream_options"] = options or None
    return _plain(document)


def _messages(document: Any) -> Any:
    return normalise_json(document, _SYSTEM)


def _responses(document: Any) -> Any:
    """Input as text is one user message of it; text content is one part; messages say so."""
    document = dict(document)
    given = document.get("input")
    if isinstance(given, str):
        document["input"] = [{"role": "user", "content": given}]
    if isinstance(document.get("input"), list):
        document["input"] = [_item(item) for item in document["input"]]
    return normalise_json(document, Normalisation(frozenset(), frozenset(), frozenset()))


def _item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    item = dict(item)
    if "role" in item:
        item.setdefault("type", "message")
    content = item.get("content")
    if item.get("type") == "message" and isinstance(content, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [{"type": kind, "text": content}]
    return item


def _gemini(document: Any) -> Any:
    """Field names in their one spelling (the API takes both); a lone part or content is a list."""
    return _plain(_lists(_camel(document)))


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            (key if key in _FREE else _SNAKE.sub(lambda m: m[1].upper(), key)): (
                member if key in _FREE else _camel(member)
            )
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_camel(member) for member in value]
    return value


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: [_lists(member)]
            if key in ("parts", "contents") and isinstance(member, dict)
            else _lists(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_lists(member) for member in value]
    return value


_FORMS: dict[str, Callable[[Any], Any]] = {
    "chat": _chat,
    "messages": _messages,
    "invoke": _messages,
    "responses": _responses,
    "gemini": _gemini,
}


def compared(recorded: Any, ours: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(path, direction, what) of every difference between two documents in normal form."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for key in recorded.keys() | ours.keys():
            inner = f"{path}.{key}" if path else str(key)
            if key not in ours:
                yield inner, "dropped", _short(recorded[key])
            elif key not in recorded:
                yield inner, "added", _short(ours[key])
            else:
                yield from compared(recorded[key], ours[key], inner)
    elif isinstance(recorded, list) and isinstance(ours, list):
        for at, (one, other) in enumerate(zip(recorded, ours, strict=False)):
            yield from compared(one, other, f"{path}[{at}]")
        if len(recorded) > len(ours):
            yield f"{path}[{len(ours)}]", "dropped", _short(recorded[len(ours)])
        elif len(ours) > len(recorded):
            yield f"{path}[{len(recorded)}]", "added", _short(ours[len(recorded)])
    elif recorded != ours or isinstance(recorded, bool) != isinstance(ours, bool):
        yield path, "changed", f"{_short(recorded)} to {_short(ours)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:80] + "…"
