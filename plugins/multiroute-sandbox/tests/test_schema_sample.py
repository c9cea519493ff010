"""Values made from a JSON Schema."""

from __future__ import annotations

import pytest

from multiroute_sandbox.schema_sample import sample

TREE = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["next"]}}}
TREE["$defs"]["node"]["properties"] = {"next": {"$ref": "#/$defs/node"}}

BOTH = {"a": {}, "b": {}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "string"}, "sandbox"),
        ({"type": "string", "maxLength": 3}, "san"),
        ({"type": "string", "minLength": 9}, "sandboxsa"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": ["integer", "null"]}, 0),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, False),
        ({"allOf": [{"required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]}, BOTH),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a", "b"]}, {"a": 0, "b": {}}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
        ({"$ref": "http://127.0.0.1/evil.json"}, {}),
        ({}, {}),
        (True, {}),
        ("odd", {}),
        ({"type": "array", "minItems": 10**9, "items": {"const": 1}}, [1] * 100),
    ],
)
def test_the_value_fits_the_schema(schema, value) -> None:
    assert sample(schema) == value


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    depth, value = 0, sample(TREE)
    while value:
        depth, value = depth + 1, value["next"]
    assert depth < 12
