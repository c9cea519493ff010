"""PluginSettings: what a plugin lets a project set. To learn it the plugin is imported."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiroute_core.cli.plugin_rows import PluginRow


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: its default as JSON ("required" without one), its type, and its meaning in words."""

    name: str
    default: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """The keys of a plugin, () if it takes none, and what it says of them together."""

    rows: tuple[Setting, ...] = ()
    about: str = ""

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {"about": self.about, "keys": [asdict(row) for row in self.rows]}


def settings_of(row: PluginRow) -> PluginSettings:
    """The settings of an installed plugin.

    Raises:
        ConfigError: it cannot be used.
    """
    from multiroute_core.plugins import Kernel, discover
    from multiroute_core.plugins.kinds import CODE_KINDS

    kind = next((kind for kind in CODE_KINDS if kind == row.kind), None)
    if kind is None:
        return PluginSettings()
    model = Kernel.load(discover(), enable=[row.name]).settings_model(kind, row.name)
    if model is None:
        return PluginSettings()
    schema = model.model_json_schema()
    required = frozenset(schema.get("required", ()))
    rows = tuple(
        Setting(
            name,
            "required" if name in required else _default(key),
            _type(key),
            key.get("description", ""),
        )
        for name, key in schema.get("properties", {}).items()
    )
    return PluginSettings(rows, inspect.cleandoc(model.__doc__ or ""))


def _default(schema: dict[str, Any]) -> str:
    if schema.get("default") is None:
        return "not set"
    return json.dumps(schema["default"], ensure_ascii=False)


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    arms = [arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"]
    if arms:
        return " | ".join(map(_type, arms))
    return str(schema.get("type") or schema.get("$ref", "").rpartition("/")[2] or "any")
