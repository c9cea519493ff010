"""Messages of a Cohere chat request as parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_cohere.v2chat.names import PLAN, WIRE
from multiroute_core.api import Json, JsonObject, Media, Message, Part, frozen
from multiroute_core.wire.fields import (
    as_list,
    as_object,
    as_text,
    media_from_url,
    rest,
    text_or_none,
)

_MESSAGE: Final = frozenset({"role", "content", "tool_calls", PLAN})
_RESULT: Final = frozenset({"role", "content", "tool_call_id"})
_CALL: Final = frozenset({"id", "type", "function"})


def read_message(value: Json, path: str) -> Message:
    """One message. Citations of an earlier answer stay a field of it."""
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    content = given.get("content")
    if role == "tool":
        answers = text_or_none(given.get("tool_call_id"), f"{path}.tool_call_id")
        if isinstance(content, str):
            result = Part("tool_result", text=content, id=answers, origin=WIRE)
        else:
            parts = _content(content, f"{path}.content")
            result = Part("tool_result", id=answers, content=parts, origin=WIRE)
        return Message(role, (result,), WIRE, rest(given, _RESULT))
    listed: list[Part] = []
    plan = text_or_none(given.get(PLAN), f"{path}.{PLAN}")
    if plan is not None:
        listed.append(Part("thinking", text=plan, name=PLAN, origin=WIRE))
    listed += _content(content, f"{path}.content")
    calls = given.get("tool_calls")
    if calls is not None:
        for number, call in enumerate(as_list(calls, f"{path}.tool_calls")):
            listed.append(_call(call, f"{path}.tool_calls[{number}]"))
    return Message(role, tuple(listed), WIRE, rest(given, _MESSAGE))


def _call(value: Json, path: str) -> Part:
    given = as_object(value, path)
    function = as_object(given.get("function"), f"{path}.function")
    extra: dict[str, Json] = dict(rest(given, _CALL))
    inner = rest(function, frozenset({"name", "arguments"}))
    if inner:
        extra["function"] = inner
    return Part(
        "tool_call",
        id=text_or_none(given.get("id"), f"{path}.id"),
        name=as_text(function.get("name"), f"{path}.function.name"),
        arguments=text_or_none(function.get("arguments"), f"{path}.function.arguments") or "",
        origin=WIRE,
        extra=frozen(extra),
    )


def _content(value: Json, path: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Part("text", text=value, origin=WIRE),)
    listed = as_list(value, path)
    return tuple(_piece(one, f"{path}[{number}]") for number, one in enumerate(listed))


def _piece(value: Json, path: str) -> Part:
    given = as_object(value, path)
    kind = given.get("type")
    if kind in ("text", "thinking"):
        name = "text" if kind == "text" else "thinking"
        text = as_text(given.get(name), f"{path}.{name}")
        extra = rest(given, frozenset({"type", name}))
        return Part("text" if kind == "text" else "thinking", text=text, origin=WIRE, extra=extra)
    if kind == "image_url":
        return _image(given, path)
    return Part("opaque", name=str(kind), content=given, origin=WIRE)


def _image(given: JsonObject, path: str) -> Part:
    image = given.get("image_url")
    inner = image if isinstance(image, Mapping) else {"url": image}
    mime, data, url = media_from_url(as_text(inner.get("url"), f"{path}.image_url.url"))
    detail = text_or_none(inner.get("detail"), f"{path}.image_url.detail")
    extra: dict[str, Json] = dict(rest(given, frozenset({"type", "image_url"})))
    beyond = rest(inner, frozenset({"url", "detail"}))
    if beyond:
        extra["image_url"] = beyond
    media = Media(mime, data, url, detail=detail)
    return Part("image", media=media, origin=WIRE, extra=frozen(extra))
