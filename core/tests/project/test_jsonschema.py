"""One JSON Schema of the file, composed from core's and the plugins' models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from multiroute_core.project import project_schema


class Inner(BaseModel):
    size: int = 1


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    region: str
    inner: Inner = Inner()


class Other(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner


SCHEMAS = {
    "providers:acme": Settings.model_json_schema(),
    "fallbacks:ladder": Settings.model_json_schema(),
    "scorers:cost": Settings.model_json_schema(),
    "scorers:both": Settings.model_json_schema(),
    "observers:both": Other.model_json_schema(),
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_schema_is_plain_json_and_every_reference_leads_somewhere():
    schema = project_schema(SCHEMAS)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    found = list(references(schema))
    assert len(found) > 20
    assert {ref.removeprefix("#/$defs/") for ref in found} <= set(schema["$defs"])
    assert "null" not in json.dumps(schema)


def test_all_nouns_are_there_and_unknown_keys_are_not_allowed():
    schema = project_schema({})
    assert set(schema["properties"]) == {
        "schema", "include", "project", "gateway", "stores", "plugins", "providers", "models",
        "profiles", "aliases", "keys", "budgets", "expect",
    }  # fmt: skip
    assert schema["additionalProperties"] is False
    assert "assert" in schema["$defs"]["Expect"]["properties"]
    assert schema["$defs"]["Limits"]["properties"]["deadline"]["type"] == "string"
    open_tables = {n for n, d in schema["$defs"].items() if d.get("additionalProperties") is True}
    assert open_tables == {"Fallback"}


def test_an_instances_settings_follow_its_plugin_or_its_own_name():
    schema = project_schema(SCHEMAS)
    own = {"properties": {"settings": {"$ref": "#/$defs/providers.acme"}}}
    (by_plugin,) = schema["$defs"]["ProviderTable"]["allOf"]
    assert by_plugin["if"]["properties"] == {"plugin": {"const": "acme"}}
    assert by_plugin["then"] == own
    assert schema["properties"]["providers"]["properties"]["acme"]["then"] == own
    assert schema["$defs"]["providers.acme"]["required"] == ["region"]


def test_a_strategys_keys_stand_beside_use():
    schema = project_schema(SCHEMAS)
    (rule,) = schema["$defs"]["Fallback"]["allOf"]
    assert rule["if"]["properties"] == {"use": {"const": "ladder"}}
    ladder = schema["$defs"]["fallbacks.ladder"]
    assert set(ladder["properties"]) == {"use", "region", "inner"}
    assert ladder["additionalProperties"] is False


def test_other_plugins_settings_stand_under_their_name():
    settings = project_schema(SCHEMAS)["$defs"]["Plugins"]["properties"]["settings"]["properties"]
    assert settings["cost"] == {"$ref": "#/$defs/scorers.cost"}
    assert {arm["$ref"] for arm in settings["both"]["anyOf"]} == {
        "#/$defs/scorers.both",
        "#/$defs/observers.both",
    }
