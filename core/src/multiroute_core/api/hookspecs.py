"""Every hook of MultiRoute: the whole contract between core and its plugins.

An entry point in one of the groups `multiroute.providers`, `.scorers`, `.fallbacks`,
`.observers`, `.stores`, `.guards`, `.extensions` names a module that implements
`multiroute_settings` (if it has settings) and its group's factory, marked with `hookimpl`. Core
registers each module by itself: nothing is broadcast. What the factories return is checked
against the Protocols of this package at start-up; from then on plain methods are called.
"""

from __future__ import annotations

import pluggy
from pydantic import BaseModel

from multiroute_core.api.extension import Extension
from multiroute_core.api.fallback import FallbackStrategy
from multiroute_core.api.guard import Guard
from multiroute_core.api.observer import Observer
from multiroute_core.api.provider import Provider, ProviderRuntime
from multiroute_core.api.scorer import Scorer
from multiroute_core.api.store import Store

PROJECT_NAME = "multiroute"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


# ---- settings: asked before any factory --------------------------------------------------------


@hookspec(firstresult=True)
def multiroute_settings(kind: str, name: str) -> type[BaseModel] | None:
    """The pydantic model of this plugin's own settings.

    Called by the kernel once for each active (kind, name), at start-up and by `check` and
    `schema`, before the factory. `kind` is provider, scorer, fallback, observer, store, guard or
    extension; `name` the entry point's. Must not block. The model should forbid extra keys. None
    (or no implementation): this plugin takes no settings, and giving it some is an error.
    """
    raise NotImplementedError


# ---- factories: one for each group -------------------------------------------------------------


@hookspec(firstresult=True)
def multiroute_make_provider(
    name: str, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
) -> Provider:
    """The adapter of one provider instance.

    Called by the kernel once for each `[providers.<instance>]` at start-up and at each reload.
    Must not block or do I/O: provisioning belongs in `Provider.start`. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_scorer(name: str, settings: BaseModel | None) -> Scorer:
    """A model scorer.

    Called by the kernel once for each active scorer at start-up and at each reload. Must not
    block. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_fallback(name: str, settings: BaseModel | None) -> FallbackStrategy:
    """A fallback strategy.

    Called by the kernel once for each profile that uses it (its settings stand in the profile) at
    start-up and at each reload. Must not block. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_observer(name: str, settings: BaseModel | None) -> Observer:
    """An observer of records.

    Called by the kernel once for each active observer at start-up and at each reload. Must not
    block. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_store(name: str, url: str, settings: BaseModel | None) -> Store:
    """A store for the URL of `[stores]` whose scheme is `name`.

    Called by the kernel once for each distinct URL at start-up. `url` has had its secrets put in:
    it must not be logged. Must not block: opening belongs in `Store.start`. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_guard(name: str, settings: BaseModel | None) -> Guard:
    """A guard.

    Called by the kernel once for each active guard at start-up and at each reload. Must not
    block. None stops the start.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def multiroute_make_extension(name: str, settings: BaseModel | None) -> Extension:
    """An extension.

    Called by the kernel once for each active extension at start-up. Must not block. None stops
    the start.
    """
    raise NotImplementedError
