"""Reading fields of a client's document: the value, or an error that says where and what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import Json, JsonObject, frozen


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, Mapping) else "a list"


def wrong(path: str, wanted: str, value: Json) -> InvalidRequest:
    """The error for a value of the wrong type."""
    return InvalidRequest(f"{path} must be {wanted}, not {_kind(value)}", param=path)


def as_object(value: Json, path: str) -> JsonObject:
    """An object, or InvalidRequest."""
    if not isinstance(value, Mapping):
        raise wrong(path, "an object", value)
    return value


def as_list(value: Json, path: str) -> Sequence[Json]:
    """A list, or InvalidRequest."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise wrong(path, "a list", value)
    return value


def as_text(value: Json, path: str) -> str:
    """A string, or InvalidRequest."""
    if not isinstance(value, str):
        raise wrong(path, "a string", value)
    return value


def as_int(value: Json, path: str, least: int = 0) -> int:
    """An integer of at least `least`, or InvalidRequest. 3.0 counts as 3."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(path, "an integer", value)
    if value < least:
        raise InvalidRequest(f"{path} must be at least {least}", param=path)
    return value


def as_bool(value: Json, path: str) -> bool:
    """A boolean, or InvalidRequest."""
    if not isinstance(value, bool):
        raise wrong(path, "true or false", value)
    return value


def text_or_none(value: Json, path: str) -> str | None:
    """A string or null, or InvalidRequest."""
    return None if value is None else as_text(value, path)


def own_text(source: JsonObject, name: str) -> str | None:
    """The field if it is a string; anything else is none."""
    value = source.get(name)
    return value if isinstance(value, str) else None


def rest(doc: JsonObject, known: frozenset[str]) -> JsonObject:
    """The fields that have no word of their own, kept as they are; nulls say nothing."""
    return frozen({k: v for k, v in doc.items() if k not in known and v is not None})


def media_from_url(url: str) -> tuple[str, str | None, str | None]:
    """(mime, base64 data, URL) of a link: a base64 data URL is taken apart, any other kept.

    >>> media_from_url("data:image/png;base64,AAAA")
    ('image/png', 'AAAA', None)
    """
    if url.startswith("data:"):
        head, comma, data = url.partition(",")
        mime, semicolon, encoding = head[5:].rpartition(";")
        if comma and semicolon and encoding == "base64":
            return mime, data, None
    return "", None, url


def data_url(mime: str, data_b64: str) -> str:
    """A base64 data URL."""
    return f"data:{mime};base64,{data_b64}"


def mutable(value: JsonObject) -> dict[str, Json]:
    """A shallow copy to build upon."""
    return dict(value)
