"""Protocol check: does an object that a plugin made keep its contract? Asked once, at start-up.

Looked at are names, order and kinds of parameters, required extras, async-ness, and the values
of properties, over the whole MRO of the Protocol. A decorator passes if it uses
`functools.wraps`; a bare `*args` wrapper and a mock do not, since their parameters have no names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MappingProxyType
from typing import Final, Generic, Protocol, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from multiroute_core.api import FilteringScorer, FoldingScorer, Scorer

_OPTIONAL: Final[Mapping[type, tuple[type, ...]]] = MappingProxyType(
    {Scorer: (FilteringScorer, FoldingScorer)}
)
"""Protocols that hold only for objects that have one of their members."""

_NOT_CONTRACT: Final = frozenset({object, Protocol, Generic})
_ABSENT: Final = object()


def check_conforms(obj: object, protocol: type) -> tuple[str, ...]:
    """What is wrong with an object, one sentence for each member; () if it conforms.

    Protocols that are optional beside this one (a scorer's `filter` and `fold`) are checked too
    where the object has their members.
    """
    if isinstance(obj, type):
        return (f"the class {obj.__name__} was returned, not an instance of it",)
    problems = list(_mistakes(obj, protocol))
    for optional in _OPTIONAL.get(protocol, ()):
        if any(_fetched(obj, name)[0] is not _ABSENT for name in contract_members(optional)):
            problems.extend(_mistakes(obj, optional))
    return tuple(problems)


def contract_members(protocol: type) -> Mapping[str, FunctionType | property]:
    """Public methods and properties of a Protocol, its bases' included; the nearest wins."""
    members: dict[str, FunctionType | property] = {}
    for klass in reversed(protocol.__mro__):
        if klass not in _NOT_CONTRACT:
            members.update(
                (name, member)
                for name, member in vars(klass).items()
                if not name.startswith("_") and isinstance(member, (FunctionType, property))
            )
    return members


def _mistakes(obj: object, protocol: type) -> Iterator[str]:
    for name, member in contract_members(protocol).items():
        value, error = _fetched(obj, name)
        if error is not None:
            yield f"`{name}` raised {type(error).__name__} when it was read"
        elif isinstance(member, property):
            yield from _property_mistakes(name, member, obj, value)
        else:
            yield from _method_mistakes(name, member, obj, value)


def _fetched(obj: object, name: str) -> tuple[object, Exception | None]:
    try:
        return getattr(obj, name, _ABSENT), None
    except Exception as exc:  # noqa: BLE001  a border: a property is the plugin's own code
        return None, exc


def _is_inherited(obj: object, name: str, member: object) -> bool:
    """Whether the object has nothing but the Protocol's own empty member, by inheritance."""
    return inspect.getattr_static(obj, name, None) is member


# ---- properties ------------------------------------------------------------------------------


def _property_mistakes(name: str, member: property, obj: object, value: object) -> Iterator[str]:
    assert member.fget is not None
    expected = get_type_hints(member.fget)["return"]
    words = inspect.formatannotation(expected).replace("typing.", "")
    if value is _ABSENT or _is_inherited(obj, name, member):
        yield f"`{name}` is missing; expected a value of {words}"
        return
    if inspect.isroutine(value):
        yield f"`{name}` is a method; expected a value of {words} (make it a property)"
        return
    adapter: TypeAdapter[object] = TypeAdapter(
        expected, config=ConfigDict(arbitrary_types_allowed=True)
    )
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        yield f"`{name}` is a {type(value).__name__} that is no {words}"


# ---- methods ---------------------------------------------------------------------------------


def _method_mistakes(name: str, member: FunctionType, obj: object, value: object) -> Iterator[str]:
    expected = _without_self(inspect.signature(member))
    wants_async = inspect.iscoroutinefunction(member)
    shape = _shown(name, expected, is_async=wants_async)
    if value is _ABSENT or _is_inherited(obj, name, member):
        yield f"`{name}` is missing; expected {shape}"
        return
    if not callable(value):
        yield f"`{name}` is a {type(value).__name__}; expected {shape}"
        return
    if _is_generator(value):
        yield f"`{name}` is a generator function; expected {shape} that returns its result"
        return
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        yield f"`{name}` has no readable signature; expected {shape}"
        return
    is_async = _is_async(value)
    if _differs(expected, found) or is_async != wants_async:
        yield f"`{name}` should be {shape}, found {_shown(name, found, is_async=is_async)}"


def _differs(expected: inspect.Signature, found: inspect.Signature) -> bool:
    wanted, given = list(expected.parameters.values()), list(found.parameters.values())
    for want, have in zip(wanted, given, strict=False):
        has_default = have.default is not have.empty
        if have.name != want.name or have.kind is not want.kind:
            return True
        if want.default is not want.empty and not has_default:
            return True
    further = given[len(wanted) :]
    return len(given) < len(wanted) or any(
        extra.default is extra.empty and extra.kind not in (extra.VAR_POSITIONAL, extra.VAR_KEYWORD)
        for extra in further
    )


def _without_self(signature: inspect.Signature) -> inspect.Signature:
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives an awaitable, as far as can be told without calling it.

    A plain wrapper around an async function counts as async: it hands the coroutine on.
    """
    chain: list[object] = [function, inspect.unwrap(function), type(function).__call__]
    return any(inspect.iscoroutinefunction(link) for link in chain)


def _is_generator(function: Callable[..., object]) -> bool:
    """Whether calling it gives a generator. Only the outermost function counts: a wrapper may
    well collect what the function inside yields."""
    chain: list[object] = [function, type(function).__call__]
    return any(
        inspect.isgeneratorfunction(link) or inspect.isasyncgenfunction(link) for link in chain
    )


def _shown(name: str, signature: inspect.Signature, *, is_async: bool) -> str:
    """`async def name(a, b=...)`: without annotations, which are not compared."""
    shown: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        plain = parameter.replace(annotation=parameter.empty)
        shown.append(plain if plain.default is plain.empty else plain.replace(default=...))
    words = str(inspect.Signature(shown)).replace("Ellipsis", "...")
    return f"`{'async ' if is_async else ''}def {name}{words}`"
