"""Tools and tool choice, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import Json, JsonObject, Loss, Tool, ToolChoice, frozen
from multiroute_core.wire.fields import as_list, as_object, as_text, rest, text_or_none
from multiroute_google.gemini.schema import chosen, to_json_schema
from multiroute_google.gemini.spelling import WIRE, camel, keyed

_FUNCTIONS: Final = "functionDeclarations"
_TOOL: Final = frozenset({_FUNCTIONS})
_FUNCTION: Final = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
_CALLING: Final = "functionCallingConfig"
_CONFIG: Final = frozenset({_CALLING})
_CHOICE: Final = frozenset({"mode", "allowedFunctionNames"})
_FOREIGN: Final = "belongs to another API format"


def _listed(value: Json, path: str) -> Sequence[Json]:
    return [value] if isinstance(value, Mapping) else as_list(value, path)


def decode_tools(value: Json) -> tuple[Tool, ...]:
    """The functions and built-in tools of a request, in order."""
    tools: list[Tool] = []
    for number, one in enumerate(_listed(value, "tools")):
        path = f"tools[{number}]"
        for name, inner in keyed(as_object(one, path), _TOOL, path).items():
            if name != _FUNCTIONS:
                own = camel(name)
                tools.append(Tool(own, own, origin=WIRE, extra=frozen({name: inner})))
                continue
            where = f"{path}.{_FUNCTIONS}"
            for at, function in enumerate(_listed(inner, where)):
                tools.append(_function(function, f"{where}[{at}]"))
    return tuple(tools)


def _function(value: Json, path: str) -> Tool:
    fields = keyed(as_object(value, path), _FUNCTION, path)
    schema: JsonObject | None = None
    if "parametersJsonSchema" in fields:
        schema = to_json_schema(
            as_object(fields["parametersJsonSchema"], f"{path}.parametersJsonSchema")
        )
    elif "parameters" in fields:
        schema = to_json_schema(as_object(fields["parameters"], f"{path}.parameters"))
    extra: dict[str, Json] = dict(rest(fields, _FUNCTION))
    if "parametersJsonSchema" in fields and "parameters" in fields:
        extra["parameters"] = fields["parameters"]
    return Tool(
        "function",
        as_text(fields.get("name"), f"{path}.name"),
        text_or_none(fields.get("description"), f"{path}.description"),
        schema,
        origin=WIRE,
        extra=frozen(extra),
    )


def decode_tool_config(value: Json) -> tuple[ToolChoice | None, JsonObject]:
    """(tool choice, what else the tool configuration says)."""
    if value is None:
        return None, {}
    fields = keyed(as_object(value, "toolConfig"), _CONFIG, "toolConfig")
    config = fields.get(_CALLING)
    if config is None:
        return None, rest(fields, _CONFIG)
    path = f"toolConfig.{_CALLING}"
    given = as_object(config, path)
    return _choice(given, keyed(given, _CHOICE, path)), rest(fields, _CONFIG)


def _choice(given: JsonObject, fields: JsonObject) -> ToolChoice:
    mode = str(fields.get("mode", "AUTO")).upper()
    names = fields.get("allowedFunctionNames") or ()
    if not fields.keys() - _CHOICE:
        if mode == "ANY" and isinstance(names, Sequence) and len(names) == 1:
            return ToolChoice("tool", str(names[0]))
        if not names and mode == "ANY":
            return ToolChoice("required")
        if not names and mode == "NONE":
            return ToolChoice("none")
        if not names and mode == "AUTO":
            return ToolChoice("auto")
    return ToolChoice("native", origin=WIRE, extra=given)


def encode_tool_choice(choice: ToolChoice | None, losses: list[Loss]) -> dict[str, Json] | None:
    """The `functionCallingConfig`."""
    if choice is None:
        return None
    if choice.mode == "native":
        if choice.origin == WIRE:
            return dict(choice.extra)
        losses.append(Loss("tool_choice", "tool choice", _FOREIGN))
        return None
    if choice.mode == "tool":
        return {"mode": "ANY", "allowedFunctionNames": [choice.name or ""]}
    if choice.origin not in (None, WIRE):
        kept = {name for name in choice.extra if name != "spelt"}
        losses.extend(Loss(f"tool_choice.{name}", "tool choice", _FOREIGN) for name in kept)
    return {"mode": {"required": "ANY", "none": "NONE"}.get(choice.mode, "AUTO")}


def encode_tools(tools: Sequence[Tool], given: Json, losses: list[Loss]) -> list[Json]:
    """The native tool list. `given` is the one that the client wrote in this format, if it did:
    its grouping and its form of schemas are kept where they say the same."""
    spelt = _spelt(given)
    written: list[tuple[str, Json]] = []
    for number, tool in enumerate(tools):
        path = f"tools[{number}]"
        if tool.kind == "function":
            written.append((_FUNCTIONS, _write_function(tool, spelt, path, losses)))
        elif tool.origin == WIRE:
            written.extend(tool.extra.items())
        else:
            losses.append(Loss(path, f"built-in tool {tool.kind}", _FOREIGN))
    shape = _shape(given)
    if [name for group in shape for name in group] != [name for name, _ in written]:
        functions = [name for name, _ in written if name == _FUNCTIONS]
        shape = [functions] if functions else []
        shape += [[name] for name, _ in written if name != _FUNCTIONS]
        written.sort(key=lambda item: item[0] != _FUNCTIONS)
    return _grouped(written, shape)


def _grouped(written: Sequence[tuple[str, Json]], shape: Sequence[Sequence[str]]) -> list[Json]:
    items = iter(written)
    groups: list[Json] = []
    for names in shape:
        group: dict[str, Json] = {}
        functions: list[Json] = []
        for _ in names:
            name, value = next(items)
            if name == _FUNCTIONS:
                functions.append(value)
                group[_FUNCTIONS] = functions
            else:
                group[name] = value
        groups.append(group)
    return groups


def _shape(given: Json) -> list[list[str]]:
    """The names in each entry of a tool list, functions one by one."""
    if not isinstance(given, (Mapping, list, tuple)):
        return []
    groups: list[list[str]] = []
    for one in _listed(given, "tools"):
        names: list[str] = []
        if isinstance(one, Mapping):
            for name, inner in keyed(one, _TOOL, "tools").items():
                count = len(_listed(inner, "tools")) if name == _FUNCTIONS else 1
                names.extend([name] * count)
        groups.append(names)
    return groups


def _spelt(given: Json) -> dict[str, JsonObject]:
    """The function declarations that the client wrote, by name."""
    found: dict[str, JsonObject] = {}
    if isinstance(given, (Mapping, list, tuple)):
        for one in _listed(given, "tools"):
            if isinstance(one, Mapping):
                for function in _listed(keyed(one, _TOOL, "").get(_FUNCTIONS, ()), "tools"):
                    if isinstance(function, Mapping):
                        fields = keyed(function, _FUNCTION, "")
                        found[str(fields.get("name"))] = fields
    return found


def _write_function(
    tool: Tool, spelt: Mapping[str, JsonObject], path: str, losses: list[Loss]
) -> dict[str, Json]:
    function: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.schema is not None:
        given = spelt.get(tool.name, {})
        name, schema = chosen(tool.schema, "parameters", "parametersJsonSchema", given)
        function[name] = schema
    if tool.strict:
        losses.append(Loss(f"{path}.strict", "strict schema", "target has no such field"))
    if tool.cache is not None:
        losses.append(Loss(f"{path}.cache_control", "cache mark", "target has no such field"))
    if tool.origin == WIRE:
        function.update(tool.extra)
    else:
        losses.extend(Loss(f"{path}.{name}", "tool field", _FOREIGN) for name in tool.extra)
    return function
