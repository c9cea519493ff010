"""project_schema: one JSON Schema of the file, of core and of the active plugins."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from multiroute_core.project.schema import ProjectFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def project_schema(plugin_schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of `multiroute.toml`.

    `plugin_schemas`: `model_json_schema()` of the active plugins' settings by `kind:name`, e.g.
    `providers:acme`, `fallbacks:ladder`, `scorers:cost`; the kinds are the entry-point groups
    without their prefix. A provider's schema holds for the `settings` of its instances, a
    strategy's for the `fallback` table that uses it, all others for `[plugins.settings.<name>]`.
    """
    schema = ProjectFile.model_json_schema(mode="validation")
    schema = {"$schema": DIALECT, **schema, "title": "multiroute.toml"}
    definitions: dict[str, Any] = schema["$defs"]
    _ease_core(definitions)
    providers: dict[str, str] = {}
    strategies: dict[str, str] = {}
    settings: dict[str, list[str]] = {}
    for full_name in sorted(plugin_schemas):
        kind, _, name = full_name.partition(":")
        reference = _take_in(definitions, full_name, plugin_schemas[full_name])
        if kind == "providers":
            providers[name] = reference
        elif kind == "fallbacks":
            strategies[name] = reference
        else:
            settings.setdefault(name, []).append(reference)
    _compose_providers(schema, definitions, providers)
    _compose_fallback(definitions, strategies)
    known = definitions["Plugins"]["properties"]["settings"]
    known["properties"] = {
        name: {"$ref": refs[0]} if len(refs) == 1 else {"anyOf": [{"$ref": ref} for ref in refs]}
        for name, refs in settings.items()
    }
    return schema


def _ease_core(definitions: dict[str, Any]) -> None:
    """What the models accept beyond their fields: a store or secret in short, an heir's tables."""
    reference = definitions["SecretRef"]
    for field in reference["properties"].values():
        arms = [arm for arm in field.pop("anyOf") if arm != {"type": "null"}]
        field.pop("default", None)
        field.update(arms[0] if len(arms) == 1 else {"anyOf": arms})
    reference["oneOf"] = [{"required": [kind]} for kind in reference["properties"]]
    # a profile that extends another states only what differs
    definitions["Score"].pop("required", None)
    fallback = definitions["Fallback"]
    fallback["properties"].pop("options")
    fallback.pop("required", None)
    fallback["additionalProperties"] = True
    for definition in definitions.values():
        for field in definition.get("properties", {}).values():
            if field.get("anyOf", [])[-1:] == [{"type": "null"}]:  # TOML has no null
                arms = field.pop("anyOf")[:-1]
                field.pop("default", None)
                field.update(arms[0] if len(arms) == 1 else {"anyOf": arms})
            # the value inside, not what one writes: seconds for a duration, a parsed address
            if "default" in field and not _is_written_so(field["default"], field.get("type")):
                field.pop("default")
    definitions["StoreTable"] = {"anyOf": [{"type": "string"}, definitions["StoreTable"]]}


def _is_written_so(default: object, kind: object) -> bool:
    expected = {"string": str, "number": float, "integer": int, "boolean": bool, "array": list}
    return isinstance(default, expected.get(str(kind), ()))


def _take_in(definitions: dict[str, Any], full_name: str, plugin_schema: Mapping[str, Any]) -> str:
    """Puts a plugin's schema and its own definitions under names that are only its; its $ref."""
    prefix = full_name.replace(":", ".").replace("/", ".").replace("~", ".")
    whole: dict[str, Any] = copy.deepcopy(dict(plugin_schema))
    own = whole.pop("$defs", {})
    names = {f"#/$defs/{name}": f"#/$defs/{prefix}.{name}" for name in own}
    for name, definition in own.items():
        definitions[f"{prefix}.{name}"] = _renamed(definition, names)
    definitions[prefix] = _renamed(whole, names)
    return f"#/$defs/{prefix}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(names.get(item, item) if key == "$ref" else item, names)
                for key, item in value.items()}  # fmt: skip
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _compose_providers(
    schema: dict[str, Any], definitions: dict[str, Any], plugins: Mapping[str, str]
) -> None:
    """An instance's settings by its `plugin`; without that key, by the instance's own name."""
    definitions["ProviderTable"]["allOf"] = [
        {
            "if": {"properties": {"plugin": {"const": name}}, "required": ["plugin"]},
            "then": {"properties": {"settings": {"$ref": reference}}},
        }
        for name, reference in plugins.items()
    ]
    instances = schema["properties"]["providers"]
    instances["properties"] = {
        name: {
            "allOf": [{"$ref": "#/$defs/ProviderTable"}],
            "if": {"not": {"required": ["plugin"]}},
            "then": {"properties": {"settings": {"$ref": reference}}},
        }
        for name, reference in plugins.items()
    }


def _compose_fallback(definitions: dict[str, Any], strategies: Mapping[str, str]) -> None:
    """A strategy's keys stand beside core's `use`, so its schema has to allow that one key."""
    for reference in strategies.values():
        own = definitions[reference.removeprefix("#/$defs/")]
        own["properties"] = {"use": {"type": "string"}, **own.get("properties", {})}
        own.pop("required", None)  # an heir states only what differs
    definitions["Fallback"]["allOf"] = [
        {
            "if": {"properties": {"use": {"const": name}}, "required": ["use"]},
            "then": {"$ref": reference},
        }
        for name, reference in strategies.items()
    ]
