"""Zero configuration: what runs where there is no project file.

Active are the installed providers whose environment names are set and those whose loopback probe
answers; where none is, the one that says of itself that it is for that case only.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from multiroute_core.api.errors import ConfigError
from multiroute_core.api.offering import ModelFacts, Offering
from multiroute_core.catalog.catalog import Catalog
from multiroute_core.plugins import Found, Inventory, PluginFacts, facts_of_all
from multiroute_core.router.data import load_catalog

PROBE_S = 0.2
DEFAULT_PLUGINS = ("quality", "cost", "latency", "ladder")
"""Scorers and strategy that zero configuration activates where they are installed."""
MODELS_EACH = 8
"""Models of one provider that the default profile takes up at most."""


def detect(
    inventory: Inventory, environ: Mapping[str, str], probe_s: float = PROBE_S
) -> list[tuple[Found, PluginFacts]]:
    """The installed providers that could be used as they are, in order of name."""
    providers = [found for found in inventory.found if found.kind == "provider"]
    known = {
        found: facts
        for found, facts in facts_of_all(providers).items()
        if isinstance(facts, PluginFacts) and not found.defect
    }
    probed = [found for found, facts in known.items() if facts.probe and not facts.fallback_only]
    answers: dict[Found, bool] = {}
    if probed:
        with ThreadPoolExecutor(max_workers=len(probed)) as pool:
            urls = [known[found].probe or "" for found in probed]
            results = pool.map(lambda url: _answers(url, probe_s), urls)
            answers = dict(zip(probed, results, strict=True))
    usable = [
        (found, facts)
        for found, facts in known.items()
        if not facts.fallback_only
        and (any(environ.get(name) for name in facts.env) or answers.get(found))
    ]
    if not usable:
        usable = [(found, facts) for found, facts in known.items() if facts.fallback_only]
    return usable


def _answers(url: str, within_s: float) -> bool:
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return False
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(url), timeout=within_s) as reply:
            return bool(reply.status < 500)
    except OSError:
        return False


def zero_config(inventory: Inventory, environ: Mapping[str, str]) -> dict[str, object]:
    """The settings that stand in for a project file.

    Raises:
        ConfigError: no installed provider can be used.
    """
    usable = detect(inventory, environ)
    if not usable:
        raise ConfigError(
            "there is no project file, and no installed provider can be used: set the API key "
            "of one (`multiroute plugin list` shows the environment names), or install the "
            "sandbox: pip install ./plugins/multiroute-sandbox"
        )
    installed = {found.name for found in inventory.found if found.kind != "provider"}
    extras = [name for name in DEFAULT_PLUGINS if name in installed]
    providers: dict[str, object] = {}
    for found, facts in usable:
        name = next((name for name in facts.env if environ.get(name)), None)
        providers[found.name] = {"api_keys": [{"env": name}]} if name else {}
    catalog = load_catalog(inventory, [found for found, _ in usable])
    candidates: list[str] = []
    for found, _ in usable:
        candidates += [m for m in default_models(catalog, found.name) if m not in candidates]
    settings: dict[str, object] = {
        "schema": 1,
        "project": {"name": "default", "environment": "dev"},
        "plugins": {"enable": [*providers, *extras]},
        "providers": providers,
    }
    if candidates:
        profile: dict[str, object] = {"use_case": "chat", "candidates": candidates}
        scorers = [name for name in extras if name in _kinds(inventory, "scorer")]
        if scorers:
            profile["score"] = {"use": scorers}
        strategies = [name for name in extras if name in _kinds(inventory, "fallback")]
        if strategies:
            profile["fallback"] = {"use": strategies[0]}
        settings["profiles"] = {"default": profile}
        settings["project"] = {"name": "default", "environment": "dev", "default": "default"}
    return settings


def _kinds(inventory: Inventory, kind: str) -> set[str]:
    return {found.name for found in inventory.found if found.kind == kind}


def default_models(catalog: Catalog, plugin: str) -> list[str]:
    """A provider's chat models for a default profile: those with quality data first, newest first.

    Text models only: an offering whose output is not text cannot answer a chat.
    """
    seen: dict[str, tuple[bool, str, str]] = {}
    for offering in catalog.offerings.get(plugin, {}).values():
        facts = catalog.model(offering.model) if offering.model else None
        if facts is None or not _chats(offering):
            continue
        seen.setdefault(offering.model, _rank(facts))
    ranked = sorted(seen, key=lambda model: seen[model], reverse=True)
    return ranked[:MODELS_EACH]


def _chats(offering: Offering) -> bool:
    return "chat" in offering.operations and (
        not offering.modalities_out or "text" in offering.modalities_out
    )


def _rank(facts: ModelFacts) -> tuple[bool, str, str]:
    return bool(facts.quality), facts.released or "", facts.id


