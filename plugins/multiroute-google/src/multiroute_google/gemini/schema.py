"""Schemas: the format's OpenAPI subset as JSON Schema, and which JSON Schema fits into the subset.

Source: the vendor's API reference of `Schema` (read 2026-11) and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import Json, JsonObject
from multiroute_google.gemini.spelling import camel

_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_SUBSET: Final = _COUNTS | {
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "properties",
    "required",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
}
_FORMATS: Final = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})


def to_json_schema(schema: JsonObject) -> dict[str, Json]:
    """The JSON Schema of a schema of the subset: types in lower case, `nullable` as a type.

    What is JSON Schema already stays as it is; so do words that JSON Schema does not know.

    >>> to_json_schema({"type": "STRING", "nullable": True})
    {'type': ['string', 'null']}
    """
    fields: dict[str, Json] = {}
    for name, value in schema.items():
        own = camel(name)
        if own not in _SUBSET:
            own = name
        fields[own] = _value(own, value)
    if fields.get("nullable") is True:
        del fields["nullable"]
        kind = fields.get("type")
        options = fields.get("anyOf")
        if isinstance(kind, str):
            fields["type"] = [kind, "null"]
        elif isinstance(options, list):
            fields["anyOf"] = [*options, {"type": "null"}]
        else:
            fields["nullable"] = True
    return fields


def _value(name: str, value: Json) -> Json:
    if name == "type" and isinstance(value, str):
        return value.lower() if value.lower() in _TYPES else value
    if name == "properties" and isinstance(value, Mapping):
        return {
            key: to_json_schema(inner) if isinstance(inner, Mapping) else inner
            for key, inner in value.items()
        }
    if name == "items" and isinstance(value, Mapping):
        return to_json_schema(value)
    if name == "anyOf" and isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json_schema(one) if isinstance(one, Mapping) else one for one in value]
    if name in _COUNTS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def fits_subset(schema: Json) -> bool:
    """Whether a JSON Schema says nothing that the format's own schema cannot say.

    >>> fits_subset({"type": "string"}), fits_subset({"type": ["string", "null"]})
    (True, False)
    """
    if not isinstance(schema, Mapping) or not schema.keys() <= _SUBSET:
        return False
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _TYPES or kind == "null":
        return False
    choices = schema.get("enum")
    if choices is not None and not (kind == "string" and _all(choices, str)):
        return False
    if schema.get("format", "enum") not in _FORMATS or not isinstance(
        schema.get("nullable", False), bool
    ):
        return False
    properties = schema.get("properties")
    if kind == "object" and not properties:
        return False  # the vendor refuses an object without properties in its own form
    if properties is not None and not (
        isinstance(properties, Mapping) and all(fits_subset(one) for one in properties.values())
    ):
        return False
    if "items" in schema and not fits_subset(schema["items"]):
        return False
    options = schema.get("anyOf")
    if options is None:
        return True
    return (
        isinstance(options, Sequence)
        and not isinstance(options, str)
        and all(fits_subset(one) for one in options)
    )


def _all(values: Json, kind: type) -> bool:
    if isinstance(values, str) or not isinstance(values, Sequence):
        return False
    return all(isinstance(value, kind) for value in values)


def chosen(schema: JsonObject, own: str, as_json: str, spelt: JsonObject) -> tuple[str, JsonObject]:
    """(field name, value) for a JSON Schema: field `own` if the subset holds it, else `as_json`.

    `spelt` are the fields that the client wrote: its own form is kept where it says the same.

    >>> chosen({"type": "string"}, "parameters", "parametersJsonSchema", {})
    ('parameters', {'type': 'string'})
    """
    exact = spelt.get(as_json)
    if isinstance(exact, Mapping) and schema in (exact, to_json_schema(exact)):
        return as_json, exact
    native = spelt.get(own)
    if isinstance(native, Mapping) and to_json_schema(native) == schema:
        return own, native
    return (own if fits_subset(schema) else as_json), schema
