"""Messages of a chat completions request as parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from multiroute_core.api.content import Media, Message, Part
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.wire.chat.details import joined_details
from multiroute_core.wire.chat.words import THOUGHTS, WIRE, family
from multiroute_core.wire.fields import (
    as_list,
    as_object,
    as_text,
    media_from_url,
    own_text,
    rest,
    text_or_none,
)
from multiroute_core.wire.strict import dump

_MESSAGE: Final = frozenset({"role", "content", "tool_calls", "refusal"})
_RESULT: Final = frozenset({"role", "content", "tool_call_id"})


def read_message(value: Json, path: str) -> Message:
    given = as_object(value, path)
    role = as_text(given.get("role"), f"{path}.role")
    content = given.get("content")
    if role == "tool":
        answers = as_text(given.get("tool_call_id"), f"{path}.tool_call_id")
        if isinstance(content, str):
            result = Part("tool_result", text=content, id=answers)
        else:
            result = Part("tool_result", id=answers, content=_content(content, f"{path}.content"))
        return Message(role, (result,), WIRE, rest(given, _RESULT))
    parts, used = _thinking(given, path)
    parts += _content(content, f"{path}.content")
    refusal = given.get("refusal")
    if refusal is not None:
        parts += (Part("refusal", text=as_text(refusal, f"{path}.refusal")),)
    calls = given.get("tool_calls")
    if calls is not None:
        parts += tuple(
            _tool_call(c, f"{path}.tool_calls[{i}]")
            for i, c in enumerate(as_list(calls, f"{path}.tool_calls"))
        )
    return Message(role, parts, WIRE, rest(given, _MESSAGE | used))


def _thinking(given: JsonObject, path: str) -> tuple[tuple[Part, ...], frozenset[str]]:
    """Thinking that a client sends back, and the fields it came from.

    Details carry signatures; without them there is only text. Text that stands beside the details
    repeats theirs, and comes back with the spelling of the client's document.
    """
    details = given.get("reasoning_details")
    texts = [name for name in THOUGHTS if isinstance(given.get(name), str)]
    if details is not None:
        items = as_list(details, f"{path}.reasoning_details")
        told = [as_object(d, f"{path}.reasoning_details[{i}]") for i, d in enumerate(items)]
        parts = tuple(_detail(detail) for detail in joined_details(told))
        whole = "".join(part.text for part in parts)
        repeated = [name for name in texts if given[name] == whole]
        return parts, frozenset({"reasoning_details", *repeated})
    for name in texts:
        own = Part("thinking", text=as_text(given[name], name), name=name, origin=WIRE)
        return (own,), frozenset({name})
    return (), frozenset()


def _detail(detail: JsonObject) -> Part:
    text = detail.get("text") or detail.get("summary")
    return Part(
        "thinking",
        text=text if isinstance(text, str) else "",
        id=own_text(detail, "id"),
        signature=own_text(detail, "signature") or own_text(detail, "data"),
        origin=family(detail),
        extra=frozen({"detail": detail}),
    )


def _tool_call(value: Json, path: str) -> Part:
    given = as_object(value, path)
    function = given.get("function")
    if not isinstance(function, Mapping):
        # Its id tells it from content without a word of ours: that has none.
        own = own_text(given, "id") or ""
        return Part("opaque", id=own, name=str(given.get("type")), content=given, origin=WIRE)
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping):
        arguments = dump(arguments).decode()
    return Part(
        "tool_call",
        id=text_or_none(given.get("id"), f"{path}.id"),
        name=as_text(function.get("name"), f"{path}.function.name"),
        arguments="" if arguments is None else as_text(arguments, f"{path}.function.arguments"),
        origin=WIRE,
        extra=_beyond_call(given, function),
    )


def _beyond_call(given: JsonObject, function: JsonObject) -> JsonObject:
    extra: dict[str, Json] = dict(rest(given, frozenset({"id", "type", "function"})))
    inner = rest(function, frozenset({"name", "arguments"}))
    if inner:
        extra["function"] = inner
    return frozen(extra)


def _content(value: Json, path: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Part("text", text=value),)
    return tuple(_part(p, f"{path}[{i}]") for i, p in enumerate(as_list(value, path)))


def _part(value: Json, path: str) -> Part:
    given = as_object(value, path)
    kind = given.get("type")
    marks = given.get("cache_control")
    cache = None if marks is None else as_object(marks, f"{path}.cache_control")
    if kind == "text":
        text = as_text(given.get("text"), f"{path}.text")
        return Part("text", text=text, cache=cache, origin=WIRE, extra=_beyond(given, "text"))
    if kind == "refusal":
        text = as_text(given.get("refusal"), f"{path}.refusal")
        extra = _beyond(given, "refusal")
        return Part("refusal", text=text, cache=cache, origin=WIRE, extra=extra)
    media = _media(given, path)
    if media is None:
        name = as_text(kind, f"{path}.type")
        return Part("opaque", name=name, content=given, cache=cache, origin=WIRE)
    of, held, names = media
    own = as_text(kind, f"{path}.type")
    extra = _beyond(given, own, names)
    return Part(of, media=held, cache=cache, origin=WIRE, extra=extra)


def _beyond(given: JsonObject, name: str, inner: frozenset[str] = frozenset()) -> JsonObject:
    """What of a content part has no word of ours; what of its inner object, under its name."""
    known = frozenset({"type", "cache_control", name})
    if name == "document_url":
        known |= {"document_name"}
    extra: dict[str, Json] = dict(rest(given, known))
    held = given.get(name)
    if isinstance(held, Mapping):
        beyond = rest(held, inner)
        if beyond:
            extra[name] = beyond
    return frozen(extra)


def _media(
    given: JsonObject, path: str
) -> tuple[Literal["image", "audio", "document"], Media, frozenset[str]] | None:
    """Which medium a content part holds, and the names that its inner object may have.

    Some providers take the link itself where the format has an object around it.
    """
    kind = given.get("type")
    if kind == "image_url":
        image = given.get("image_url")
        inner = {"url": image} if isinstance(image, str) else as_object(image, f"{path}.image_url")
        mime, data, url = media_from_url(as_text(inner.get("url"), f"{path}.image_url.url"))
        detail = text_or_none(inner.get("detail"), f"{path}.image_url.detail")
        return "image", Media(mime, data, url, detail=detail), frozenset({"url", "detail"})
    if kind == "document_url" and isinstance(given.get("document_url"), str):
        mime, data, url = media_from_url(as_text(given["document_url"], path))
        name = own_text(given, "document_name")
        return "document", Media(mime, data, url, name=name), frozenset()
    if kind == "input_audio" and isinstance(given.get("input_audio"), Mapping):
        audio = as_object(given["input_audio"], f"{path}.input_audio")
        data = as_text(audio.get("data"), f"{path}.input_audio.data")
        mime = "audio/" + as_text(audio.get("format"), f"{path}.input_audio.format")
        return "audio", Media(mime, data), frozenset({"data", "format"})
    if kind == "file" and isinstance(given.get("file"), Mapping):
        file = as_object(given["file"], f"{path}.file")
        name = text_or_none(file.get("filename"), f"{path}.file.filename")
        file_id = text_or_none(file.get("file_id"), f"{path}.file.file_id")
        link = text_or_none(file.get("file_data"), f"{path}.file.file_data")
        mime, data, url = media_from_url(link) if link is not None else ("", None, None)
        names = frozenset({"file_id", "file_data", "filename"})
        return "document", Media(mime, data, url, file_id, name), names
    return None
