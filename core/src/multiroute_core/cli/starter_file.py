"""The commented project file that `multiroute init` writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from multiroute_core.cli.suggestions import suggested_models

if TYPE_CHECKING:
    from multiroute_core.cli.detection import FoundProvider
    from multiroute_core.plugins import Inventory

_SCORERS = ("quality", "cost", "latency")
_STRATEGY = "ladder"
_STORE = "sqlite"


def starter_file(
    name: str, inventory: Inventory, providers: Sequence[FoundProvider]
) -> str:
    """A project file that can be served as it is, if any provider can be used.

    Of the default scorers, strategy and store it uses what is installed. A provider that cannot be
    used yet stands there as a comment with what it needs.
    """
    from multiroute_core.router.data import load_catalog

    usable = [one for one in providers if one.why]
    fallback_only = [one for one in providers if one.facts.fallback_only]
    active = usable or fallback_only
    waiting = [one for one in providers if one not in active and not one.facts.fallback_only]
    scorers = [n for n in _SCORERS if n in {f.name for f in inventory.of("scorer")}]
    strategy = _STRATEGY if _STRATEGY in {f.name for f in inventory.of("fallback")} else ""
    store = _STORE if _STORE in {f.name for f in inventory.of("store")} else ""
    catalog = load_catalog(inventory, [one.found for one in active])
    suggested = [model for one in active for model in suggested_models(catalog, one.name)]
    candidates = list(dict.fromkeys(suggested))
    enable = [one.name for one in active] + scorers + ([strategy] if strategy else [])
    return "\n".join(
        [
            *_head(name, bool(candidates)),
            *_stores(store),
            *_plugins(enable),
            *_providers(active, waiting, is_sandbox=not usable),
            *_profile(candidates, scorers, strategy),
            *_rest(),
        ]
    )


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _names(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _head(name: str, has_profile: bool) -> list[str]:
    default = ['default     = "balanced"         # profile for callers that name none']
    return [
        "# MultiRoute's project file. After an edit:  multiroute check",
        "# All keys with their meaning:  multiroute schema",
        "schema = 1",
        "",
        "[project]",
        f"name        = {_text(name)}",
        'environment = "dev"              # dev | staging | prod',
        *(default if has_profile else []),
        "",
        "[gateway]",
        'listen = "127.0.0.1:4300"        # without keys (below) only this machine is served',
        "",
    ]


def _stores(store: str) -> list[str]:
    if not store:
        return [
            "# Records of calls and decisions are kept in memory and forgotten at the end.",
            "[stores]",
            'state  = "memory:"',
            'ledger = "memory:"',
            "",
        ]
    url = _text(f"{store}:///.multiroute/state.db")
    return [
        "# Records of calls and decisions: what `multiroute explain ID` and `replay ID` read.",
        "[stores]",
        f"state  = {url}",
        f"ledger = {url}",
        "",
    ]


def _plugins(enable: Sequence[str]) -> list[str]:
    return [
        "# Installed is not active: only what is listed here is loaded.  multiroute plugin list",
        "[plugins]",
        f"enable = {_names(enable)}",
        '# local = ["./my_scorer.py"]     # a plugin of your own, without a package',
        "",
    ]


def _providers(
    active: Sequence[FoundProvider], waiting: Sequence[FoundProvider], *, is_sandbox: bool
) -> list[str]:
    lines = ["# ---- where calls go"]
    if is_sandbox and active:
        lines += [
            "# No provider can be used here yet, so scripted answers stand in for a model's.",
        ]
    for one in active:
        lines += _provider(one, f"# {one.title}" + (f": {one.why}" if one.why else ""), "")
    for one in waiting:
        need = f"set {one.facts.env[0]}" if one.facts.env else "start it"
        lines += _provider(one, f"# {one.title}: {need}, then enable the plugin and this:", "# ")
    if not active and not waiting:
        lines += [
            "# No provider plugin is installed. From a checkout:  pip install ./plugins/<folder>",
            "",
        ]
    return lines


def _provider(one: FoundProvider, comment: str, mark: str) -> list[str]:
    lines = [comment, f"{mark}[providers.{one.name}]"]
    env = one.env or next(iter(one.facts.env), "")
    if env:
        lines.append(f"{mark}api_keys = [{{ env = {_text(env)} }}]")
    elif not one.facts.base_url and not one.facts.keyless:
        lines.append(f'{mark}base_url = "https://…"')
    return [*lines, ""]


def _profile(candidates: Sequence[str], scorers: Sequence[str], strategy: str) -> list[str]:
    lines = ["# ---- how to choose: callers send the profile's name as their model"]
    if not candidates:
        return [
            *lines,
            "# Models of a local server are known while it runs:  multiroute models",
            "# [profiles.balanced]",
            '# candidates = ["lab/name"]',
            "",
        ]
    lines += [
        "[profiles.balanced]",
        'use_case   = "chat"              # picks the quality scores, else "default"',
        "candidates = [                   # a suggestion:  multiroute models  lists all",
        *(f"    {_text(model)}," for model in candidates),
        "]",
        "",
    ]
    if scorers:
        lines += [
            "[profiles.balanced.score]        # utility in points; one point is 0.01 quality",
            f"use           = {_names(scorers)}",
            "usd_per_point = 0.01             # what a point of quality may cost",
            "ms_per_point  = 500              # how long it may take",
            "",
        ]
    lines += [
        "[profiles.balanced.limits]       # of the whole call, over all its attempts",
        "attempts = 4",
        'deadline = "60s"',
        "",
    ]
    if strategy:
        lines += [
            "[profiles.balanced.fallback]     # what happens after a fault",
            f"use = {_text(strategy)}",
            "",
        ]
    return lines


def _rest() -> list[str]:
    return [
        "# ---- names that callers already send",
        "# [aliases]",
        '# "some-model" = "balanced"       # unmodified clients keep working; a trailing * is fine',
        "",
        "# ---- who may call:  multiroute keys new web  prints a secret once, and these lines",
        "# [keys.web]",
        '# hash = "sha256:…"',
        "",
    ]

