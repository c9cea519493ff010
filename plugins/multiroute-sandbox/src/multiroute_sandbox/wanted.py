"""What a chat request wants, read leniently: a sandbox answers rather than complains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from multiroute_core.api import Json, JsonObject

_IMAGE_TOKENS: Final = 85
_MESSAGE_TOKENS: Final = 4


class Wanted(Struct, frozen=True, gc=False):
    """`said` is the last text of the user; `forced_tools` are the function declarations of tools
    that must be called, `schema` the shape that the answer must have (None: free text)."""

    model: str
    stream: bool
    wants_usage: bool
    said: str
    input_tokens: int
    most_tokens: int | None
    forced_tools: tuple[JsonObject, ...]
    schema: Json


def tokens_of(text: str) -> int:
    """A believable count: four characters a token, as in English prose.

    >>> tokens_of(""), tokens_of("four"), tokens_of("and more")
    (0, 1, 2)
    """
    return -(-len(text) // 4)


def read(doc: JsonObject) -> Wanted:
    """What this document wants."""
    messages = [message for message in _list(doc, "messages") if isinstance(message, Mapping)]
    users = [message for message in messages if message.get("role") == "user"]
    tools = [tool for tool in map(_function, _list(doc, "tools")) if tool]
    limits = (doc.get("max_completion_tokens"), doc.get("max_tokens"))
    options = doc.get("stream_options")
    tokens = sum(map(_message_tokens, messages))
    tokens += sum(tokens_of(f"{_text(tool, 'name')}{tool}") for tool in tools)
    return Wanted(
        model=_text(doc, "model"),
        stream=doc.get("stream") is True,
        wants_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
        said=_said(users[-1]) if users else "",
        input_tokens=tokens,
        most_tokens=next((n for n in limits if isinstance(n, int) and n > 0), None),
        forced_tools=_forced(doc.get("tool_choice"), tools),
        schema=_schema(doc.get("response_format")),
    )


def _forced(choice: Json, tools: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    if choice == "required":
        return tuple(tools[:1])
    named = _function(choice)
    return tuple(tool for tool in tools if named and tool.get("name") == named.get("name"))


def _schema(wanted: Json) -> Json:
    if not isinstance(wanted, Mapping):
        return None
    if wanted.get("type") == "json_object":
        return {"const": {"sandbox": True}}
    inner = wanted.get("json_schema")
    return inner.get("schema") if isinstance(inner, Mapping) else None


def _function(holder: Json) -> JsonObject:
    inner = holder.get("function") if isinstance(holder, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _said(message: JsonObject) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(_text(part, "text") for part in _list(message, "content")).strip()


def _message_tokens(message: JsonObject) -> int:
    images = sum(
        isinstance(part, Mapping) and part.get("type") == "image_url"
        for part in _list(message, "content")
    )
    return _MESSAGE_TOKENS + tokens_of(_said(message)) + images * _IMAGE_TOKENS


def _list(holder: JsonObject, name: str) -> Sequence[Json]:
    value = holder.get(name)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _text(holder: Json, name: str) -> str:
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if isinstance(value, str) else ""
