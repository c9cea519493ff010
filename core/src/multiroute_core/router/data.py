"""The catalog of a project: data files of the active providers, model facts, the file's overrides.

Files are read, no plugin is imported for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from multiroute_core.api.offering import ModelFacts, Offering
from multiroute_core.catalog.catalog import Catalog
from multiroute_core.catalog.format import read_models, read_offerings
from multiroute_core.catalog.normalise import NameRules
from multiroute_core.catalog.overrides import ModelOverride
from multiroute_core.plugins import Found, Inventory, data_path, facts_of
from multiroute_core.project.schema import ProjectFile
from multiroute_core.project.supply import ModelTable

_UNITS = {
    "reasoning": "output_reasoning",
    "input_audio": "audio_in",
    "output_audio": "audio_out",
    "input_image": "image_in",
    "output_image": "image_out",
}
"""The file's words for prices that the catalog calls otherwise."""


def load_catalog(
    inventory: Inventory, providers: Iterable[Found], file: ProjectFile | None = None
) -> Catalog:
    """The catalog of these provider plugins, with every installed package of model facts.

    Raises:
        ConfigError: a data file is missing or not of this schema.
    """
    models: list[ModelFacts] = []
    rules: NameRules | None = None
    aliases: dict[str, str] = {}
    for found in inventory.found:
        if found.kind != "catalog" or found.defect:
            continue
        filename = facts_of(found).models
        if filename is not None:
            path = data_path(found, filename)
            read = read_models(path.read_bytes(), str(path))
            models.extend(read.models)
            aliases.update(read.aliases)
            rules = read.rules
    offerings: dict[str, tuple[Offering, ...]] = {}
    for found in providers:
        filename = facts_of(found).offerings
        if filename is not None:
            path = data_path(found, filename)
            offerings[found.name] = read_offerings(path.read_bytes(), str(path)).offerings
    tables: Mapping[str, ModelTable] = {} if file is None else file.models
    overrides = {name: override_of(table) for name, table in tables.items()}
    return Catalog.of(models, offerings, rules=rules, aliases=aliases, overrides=overrides)


def override_of(table: ModelTable) -> ModelOverride:
    """A `[models."lab/name"]` table as the catalog takes it."""
    rates = {_UNITS.get(name, name): usd for name, usd in table.price.rates.items()}
    capabilities: dict[str, bool | int] = dict(table.capabilities.flags)
    if table.capabilities.context is not None:
        capabilities["context"] = table.capabilities.context
    if table.capabilities.max_output is not None:
        capabilities["max_output"] = table.capabilities.max_output
    quality = {case: float(value) for case, value in table.quality.items()}
    return ModelOverride(rates or None, quality, capabilities)
