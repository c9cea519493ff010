"""Names of the Gemini format: camelCase and snake_case are both read, and written as they came.

The format is protobuf's JSON form, which takes either spelling of a field and any letter case of an
enum value; one object may stand where a list is meant. Clients use all of that. The codec works in
camelCase; `respelt` gives a document the spelling of the one it was read from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import InvalidRequest, Json, JsonObject

WIRE: Final = "gemini"

URL_SAFE: Final = str.maketrans("-_", "+/")
"""From the URL-safe alphabet of base64, which the format takes too, to the standard one."""

_IMPLIED: Final[Mapping[str, tuple[Json, ...]]] = {
    "role": ("user", "model"),
    "args": ({},),
    "text": ("",),
    "parts": ([],),
    "responseMimeType": ("application/json",),
    "mode": ("AUTO",),
}
"""Values that a field has where it is left out: written only where the client wrote them."""


def camel(name: str) -> str:
    """The camelCase spelling of a field name.

    >>> camel("inline_data"), camel("inlineData")
    ('inlineData', 'inlineData')
    """
    if "_" not in name:
        return name
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def keyed(given: JsonObject, known: frozenset[str], path: str) -> dict[str, Json]:
    """The fields that say something, the `known` ones in camelCase, all others as they stand.

    Raises:
        InvalidRequest: a field stands there in both spellings.
    """
    fields: dict[str, Json] = {}
    for name, value in given.items():
        if value is None:
            continue
        own = camel(name)
        if own not in known:
            own = name
        if own in fields:
            where = f"{path}.{own}" if path else own
            raise InvalidRequest(f"{where} is given in two spellings", param=where)
        fields[own] = value
    return fields


def respelt(written: Json, given: Json) -> Json:
    """`written` in the spelling of `given`, where the two say the same.

    Field names, the letter case of words, the alphabet of base64, a single object in place of a
    list, and values that may be left out follow `given`; no other value does.

    >>> respelt({"inlineData": {"mimeType": "a/b"}}, {"inline_data": {"mime_type": "x"}})
    {'inline_data': {'mime_type': 'a/b'}}
    """
    if isinstance(given, Mapping):
        if isinstance(written, list) and len(written) == 1 and isinstance(written[0], Mapping):
            return respelt(written[0], given)
        if isinstance(written, Mapping):
            return _object(written, given)
    elif isinstance(given, str):
        if isinstance(written, str) and written != given and _alike(written, given):
            return given
    elif (
        isinstance(given, Sequence)
        and isinstance(written, (list, tuple))
        and len(written) == len(given)
    ):
        return [respelt(ours, theirs) for ours, theirs in zip(written, given, strict=True)]
    return written


def _alike(written: str, given: str) -> bool:
    """Whether two texts differ in letter case only, or in the alphabet of base64."""
    if len(written) != len(given):
        return False
    return written == given.translate(URL_SAFE) or written.casefold() == given.casefold()


def _object(written: JsonObject, given: JsonObject) -> dict[str, Json]:
    spelt = {camel(name): name for name in given}
    fields: dict[str, Json] = {}
    for name, value in written.items():
        own = name if name in given else spelt.get(name, name)
        if own not in given and value in _IMPLIED.get(name, ()):
            continue
        if own in written and own != name:
            own = name
        fields[own] = respelt(value, given.get(own))
    for name, value in given.items():
        if name not in fields and _says_nothing(value):
            fields[name] = value
    return fields


def _says_nothing(value: Json) -> bool:
    """Whether a value holds nothing but empty lists and objects."""
    if isinstance(value, Mapping):
        return all(_says_nothing(inner) for inner in value.values())
    return isinstance(value, (list, tuple)) and not value
