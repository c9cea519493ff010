"""A value that fits a JSON Schema, so that forced tool calls and structured output can be tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import Json, JsonObject

_DEEPEST: Final = 12
_WORD: Final = "sandbox"


def sample(schema: Json) -> Json:
    """The smallest value that the common words of JSON Schema allow; always the same one.

    Read are const, default, enum, anyOf, oneOf, allOf, local references, type, required,
    properties, minItems, prefixItems, minLength, maxLength, minimum and exclusiveMinimum; any
    other word is passed over.

    >>> sample({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    {'city': 'sandbox'}
    """
    return _sample(schema, schema, _DEEPEST)


def _sample(schema: Json, root: Json, depth: int) -> Json:
    if not isinstance(schema, Mapping) or depth == 0:
        return {}
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    choices = schema.get("enum")
    if isinstance(choices, Sequence) and choices:
        return choices[0]
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _sample(_resolved(reference, root), root, depth - 1)
    for name in ("anyOf", "oneOf"):
        options = schema.get(name)
        if isinstance(options, Sequence) and options:
            return _sample(options[0], root, depth - 1)
    parts = schema.get("allOf")
    if isinstance(parts, Sequence) and parts:
        return _merged([_sample(part, root, depth - 1) for part in parts])
    return _by_type(_type_of(schema), schema, root, depth)


def _type_of(schema: JsonObject) -> Json:
    kind = schema.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        kind = kind[0] if kind else None
    return kind or ("object" if "properties" in schema or "required" in schema else None)


def _by_type(kind: Json, schema: JsonObject, root: Json, depth: int) -> Json:
    match kind:
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "null":
            return None
        case "array":
            return _list(schema, root, depth)
        case _:
            return _object(schema, root, depth)


def _object(schema: JsonObject, root: Json, depth: int) -> Json:
    required, members = schema.get("required"), schema.get("properties")
    names = required if isinstance(required, Sequence) else ()
    known = members if isinstance(members, Mapping) else {}
    return {
        name: _sample(known.get(name), root, depth - 1) for name in names if isinstance(name, str)
    }


def _list(schema: JsonObject, root: Json, depth: int) -> Json:
    first = schema.get("prefixItems")
    prefix = list(first) if isinstance(first, Sequence) else []
    least = _whole(schema, "minItems")
    rest = [schema.get("items")] * max(0, min(least, 100) - len(prefix))
    return [_sample(item, root, depth - 1) for item in (*prefix, *rest)]


def _text(schema: JsonObject) -> str:
    least = min(_whole(schema, "minLength"), 10_000)
    text = _WORD * (-(-least // len(_WORD)) or 1)
    most = schema.get("maxLength")
    wanted = max(least, len(_WORD))
    return text[: min(wanted, most) if isinstance(most, int) else wanted]


def _number(schema: JsonObject) -> int | float:
    least = schema.get("minimum")
    if isinstance(least, int | float):
        return least
    above = schema.get("exclusiveMinimum")
    if isinstance(above, int | float) and not isinstance(above, bool):
        return above + 1
    most = schema.get("maximum")
    return min(0, most) if isinstance(most, int | float) else 0


def _whole(schema: JsonObject, name: str) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _merged(parts: Sequence[Json]) -> Json:
    whole: dict[str, Json] = {}
    for part in parts:
        if not isinstance(part, Mapping):
            return part
        whole.update(part)
    return whole


def _resolved(reference: str, root: Json) -> Json:
    """What a local reference (`#/$defs/City`) names; nothing is ever fetched."""
    found: Json = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if reference.startswith("#") else None
