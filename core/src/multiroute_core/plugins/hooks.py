"""Hooks: a typed facade over pluggy for one plugin. Nothing else touches `pm.hook`.

Each (group, name) has a PluginManager of its own, so nothing is broadcast and one module may
stand behind many names. Signatures are checked when the module is registered, not when a hook
happens to be called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from types import ModuleType
from typing import TypeAlias, TypeVar

import pluggy
from pydantic import BaseModel

from multiroute_core.api import ProviderRuntime, hookspecs
from multiroute_core.plugins.kinds import FACTORIES, GROUPS, CodeKind
from multiroute_core.plugins.nearest import did_you_mean
from multiroute_core.plugins.problems import PluginErrors, PluginProblem, refusal
from multiroute_core.plugins.schemes import url_secrets
from multiroute_core.plugins.telling import is_revealing, told

T = TypeVar("T")

Secrets: TypeAlias = Callable[[], Collection[str]]
"""What must not stand in a message; asked only when there is one."""


class Hooks:
    """The hooks that one module implements for one (kind, name).

    `origin` names the distribution or local file in messages. What factories return is handed on
    unchecked but for None and awaitables; `Kernel` checks it against its Protocol.
    """

    def __init__(self, kind: CodeKind, name: str, origin: str, module: ModuleType) -> None:
        """Register and check the module.

        Raises:
            PluginErrors: an unknown hook, a wrong signature, no factory: all of them at once.
        """
        self._kind = kind
        self._name = name
        self._who = f"{kind} '{name}' ({origin})"
        self._pm = pluggy.PluginManager(hookspecs.PROJECT_NAME)
        self._pm.add_hookspecs(hookspecs)
        try:
            self._pm.register(module, f"{GROUPS[kind]}:{name}")
        except pluggy.PluginValidationError as exc:
            raise self._refusal(
                f"has a wrong hook: {' '.join(str(exc).splitlines()[1:])}",
                "take the parameter names from multiroute_core.api.hookspecs",
            ) from exc
        if problems := [*self._unknown_hooks(), *self._bad_hooks(module)]:
            raise PluginErrors(problems)

    # ---- the hooks -----------------------------------------------------------------------------

    def settings(self) -> type[BaseModel] | None:
        """The plugin's settings model.

        Raises:
            PluginErrors: it raised, or returned anything but such a model that forbids extra keys.
        """
        model: object = self._called(
            lambda: self._pm.hook.multiroute_settings(kind=self._kind, name=self._name)
        )
        if model is None:
            return None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise self._refusal(
                f"returned {_a(model)} from multiroute_settings",
                "return a class derived from pydantic.BaseModel, or None",
            )
        if model.model_config.get("extra") != "forbid":
            raise self._refusal(
                f"has settings that let unknown keys pass: {model.__name__}",
                'set model_config = ConfigDict(extra="forbid"), so that a typing mistake is told',
            )
        return model

    def make_provider(
        self, instance: str, settings: BaseModel | None, runtime: ProviderRuntime
    ) -> object:
        """The adapter of one instance."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_provider(
                name=self._name, instance=instance, settings=settings, runtime=runtime
            ),
            lambda: [runtime.secret(label) for label in runtime.credentials],
        )

    def make_scorer(self, settings: BaseModel | None) -> object:
        """The scorer."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_scorer(name=self._name, settings=settings)
        )

    def make_fallback(self, settings: BaseModel | None) -> object:
        """The fallback strategy."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_fallback(name=self._name, settings=settings)
        )

    def make_observer(self, settings: BaseModel | None) -> object:
        """The observer."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_observer(name=self._name, settings=settings)
        )

    def make_store(self, url: str, settings: BaseModel | None) -> object:
        """The store for a URL, which may hold a password."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_store(
                name=self._name, url=url, settings=settings
            ),
            lambda: url_secrets(url),
        )

    def make_guard(self, settings: BaseModel | None) -> object:
        """The guard."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_guard(name=self._name, settings=settings)
        )

    def make_extension(self, settings: BaseModel | None) -> object:
        """The extension."""
        return self._made(
            lambda: self._pm.hook.multiroute_make_extension(name=self._name, settings=settings)
        )

    # ---- checks at registration ----------------------------------------------------------------

    def _unknown_hooks(self) -> Iterator[PluginProblem]:
        try:
            self._pm.check_pending()
        except pluggy.PluginValidationError:
            known = [name for name in vars(hookspecs) if name.startswith("multiroute_")]
            for name, caller in sorted(vars(self._pm.hook).items()):
                if isinstance(caller, pluggy.HookCaller) and not caller.has_spec():
                    yield self._problem(
                        f"implements an unknown hook '{name}'", did_you_mean(name, known)
                    )

    def _bad_hooks(self, module: ModuleType) -> Iterator[PluginProblem]:
        """What pluggy does not look at: async functions, generators, parameters never filled."""
        implemented: set[str] = set()
        for caller in self._pm.get_hookcallers(module) or ():
            if not caller.has_spec():
                continue
            implemented.add(caller.name)
            for impl in caller.get_hookimpls():
                if impl.hookwrapper or impl.wrapper:
                    wrong, hint = "is a wrapper", "nothing is broadcast, so nothing can be wrapped"
                else:
                    wrong, hint = _unusable(impl.function)
                if wrong:
                    yield self._problem(f"has a wrong hook: {caller.name} {wrong}", hint)
        factory = FACTORIES[self._kind]
        if factory not in implemented:
            hint = f"add a function {factory} marked with @hookimpl"
            if callable(getattr(module, factory, None)):
                hint = "the function is there: mark it with @hookimpl"
            yield self._problem(f"has no factory: {module.__name__} lacks {factory}", hint)

    # ---- calls ---------------------------------------------------------------------------------

    def _made(self, call: Callable[[], object], secrets: Secrets = tuple) -> object:
        made = self._called(call, secrets)
        factory = FACTORIES[self._kind]
        if made is None:
            raise self._refusal(
                f"made nothing: {factory} returned None",
                f"return a {self._kind} for the name '{self._name}', or raise",
            )
        return made

    def _called(self, call: Callable[[], T], secrets: Secrets = tuple) -> T:
        try:
            result = call()
        # A border: the plugin's own code. A SystemExit must not pass for a clean end.
        except (Exception, SystemExit) as exc:  # noqa: BLE001  foreign code
            known = secrets()
            cause = None if is_revealing(exc, known) else exc
            raise self._refusal(
                f"failed at start-up: {told(exc, secrets=known)}", "mend it or its settings"
            ) from cause
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise self._refusal(
                "returned an awaitable from a hook",
                "hooks are synchronous: what waits belongs in the object's start()",
            )
        return result

    def _refusal(self, what: str, hint: str) -> PluginErrors:
        return refusal(self._name, f"{self._who} {what}", hint)

    def _problem(self, what: str, hint: str) -> PluginProblem:
        return PluginProblem(self._name, f"{self._who} {what}", hint)


def _unusable(function: Callable[..., object]) -> tuple[str, str]:
    """What is wrong with a hook implementation, and what to do; ("", "") if nothing is."""
    synchronous = "hooks are synchronous: what waits belongs in the object's start()"
    if inspect.iscoroutinefunction(function):
        return "is an async function", synchronous
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "is a generator function", "return the object, do not yield it"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            return (
                f"takes {parameter}, which pluggy never fills",
                "name the parameters as in multiroute_core.api.hookspecs",
            )
        if parameter.default is not parameter.empty:
            return (
                f"gives '{parameter.name}' a default, which pluggy may take over the argument",
                "remove the default",
            )
    return "", ""


def _a(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
