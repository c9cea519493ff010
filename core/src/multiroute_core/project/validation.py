"""From pydantic's ValidationError to Problems: plain words, file and line, never a value."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from multiroute_core.project.locate import Locator
from multiroute_core.project.problems import Loc, Problem, did_you_mean, in_order, label

_PLAIN: Mapping[str, str] = types.MappingProxyType(
    {
        "bool": "must be true or false",
        "bytes": "must be a string",
        "callable": "cannot be set in a file",
        "dataclass": "must be a table",
        "date": "must be a date",
        "datetime": "must be a date and time",
        "decimal": "must be a number",
        "dict": "must be a table",
        "finite": "must be a finite number",
        "float": "must be a number",
        "frozen": "must be a list",
        "int": "must be a whole number",
        "iterable": "must be a list",
        "list": "must be a list",
        "mapping": "must be a table",
        "model": "must be a table",
        "path": "must be a path",
        "set": "must be a list",
        "string": "must be a string",
        "time": "must be a time of day",
        "timezone": "must be a time with its zone",
        "tuple": "must be a list",
        "url": "must be a URL",
        "uuid": "must be a UUID",
    }
)
"""What a value should have been, by the first word of pydantic's error type."""

_BOUNDS: Mapping[str, str] = types.MappingProxyType(
    {
        "greater_than": "must be greater than {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be less than {lt}",
        "less_than_equal": "must be at most {le}",
        "multiple_of": "must be a multiple of {multiple_of}",
        "string_pattern_mismatch": "must have the form {pattern}",
        "string_too_long": "must have at most {max_length} characters",
        "string_too_short": "must have at least {min_length} characters",
        "too_long": "must have at most {max_length} items",
        "too_short": "must have at least {min_length} items",
    }
)


class _Found(NamedTuple):
    """One error with its path in the file; `union_at` and `arm`: the union that it came from."""

    error: ErrorDetails
    path: Loc
    union_at: Loc | None
    arm: str | int | None


def problems_from_validation(
    error: ValidationError,
    *,
    locator: Locator,
    base: Loc = (),
    model: type[BaseModel] | None = None,
) -> tuple[Problem, ...]:
    """Every mistake of a validation, in line order.

    `base` is the path of the validated table, so that a plugin's settings model is reported with
    file and line as core's tables are; `model`, the model that refused, gives the nearest names.
    No message holds an input value.
    """
    found = [_place(details, base, locator) for details in error.errors(include_url=False)]
    return in_order(_problem(item, base, locator, model) for item in _condense(found))


def error_paths(error: ValidationError, locator: Locator, base: Loc = ()) -> tuple[Loc, ...]:
    """The file's path of each error, in pydantic's order."""
    return tuple(_place(e, base, locator).path for e in error.errors(include_url=False))


def _place(error: ErrorDetails, base: Loc, locator: Locator) -> _Found:
    """The path in the file: pydantic's without the names of union arms and its "[key]"."""
    path, union_at, arm = base, None, None
    parts = [part for part in error["loc"] if part != "[key]"]
    names_absent = error["type"] in {"missing", "extra_forbidden"}
    for at, part in enumerate(parts):
        is_last = at == len(parts) - 1
        if (*path, part) in locator or (is_last and names_absent):
            path = (*path, part)
        elif union_at is None:
            union_at, arm = path, part
    return _Found(error, path, union_at, arm)


def _condense(found: Sequence[_Found]) -> Iterator[_Found]:
    """One error where no arm of a union fits; the errors of one arm where just that one nearly did.

    An arm nearly fits when what it refuses lies inside the value and not in its type.
    """
    unions: dict[Loc, list[_Found]] = {}
    for item in found:
        if item.union_at is None:
            yield item
        else:
            unions.setdefault(item.union_at, []).append(item)
    for at, items in unions.items():
        near = [item for item in items if item.path != at or not _is_type_error(item.error)]
        if len({item.arm for item in items}) == 1 or len({item.arm for item in near}) == 1:
            yield from near or items
            continue
        forms = list(dict.fromkeys(_words(item.error) for item in items if item not in near))
        message = " or ".join([forms[0], *(form.removeprefix("must be ") for form in forms[1:])]) \
            if forms else "has none of the accepted forms"  # fmt: skip
        details: ErrorDetails = {
            "type": "project", "loc": (), "msg": "", "input": None,
            "ctx": {"message": message, "hint": ""},
        }  # fmt: skip
        yield _Found(details, at, None, None)


def _is_type_error(error: ErrorDetails) -> bool:
    return error["type"].endswith(("_type", "_parsing", "_from_float", "_attributes_type"))


def _problem(
    item: _Found, base: Loc, locator: Locator, model: type[BaseModel] | None
) -> Problem:  # fmt: skip
    error, path = item.error, item.path
    context = error.get("ctx", {})
    hint = str(context.get("hint", "")) if error["type"].startswith("project") else ""
    written = locator.written(path)
    name = label(written)
    is_table = len(path) == len(base)
    if error["type"] == "missing":
        return locator.problem(path, f"'{name}' is missing", _description(model, path, base))
    if error["type"] == "extra_forbidden":
        models = list(_models_at(model, path[len(base) : -1]))
        hint = did_you_mean(str(path[-1]), (k for m in models for k in _keys(m)))
        elsewhere = next((text for m in models if (text := getattr(m, "elsewhere", ""))), "")
        if elsewhere and not hint.startswith("did you mean"):
            hint = elsewhere
        return locator.problem(path, f"unknown key '{name}'", hint)
    words = _words(error)
    if is_table or error["type"] == "project_sentence" or not name:
        return locator.problem(path, words, hint, is_table=is_table)
    return locator.problem(path, f"'{name}' {words}", hint)


def _words(error: ErrorDetails) -> str:
    """What is wrong, as what follows the key's name."""
    kind, context = error["type"], error.get("ctx", {})
    if kind.startswith("project"):
        return str(context["message"])
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map({key: _shown(value) for key, value in context.items()})
    if kind in {"literal_error", "enum"}:
        return f"must be one of: {str(context['expected']).replace(' or ', ', ')}"
    if kind == "none_required":
        return "cannot be set here"
    first = kind.partition("_")[0]
    if first in _PLAIN:
        return _PLAIN[first]
    if kind in {"value_error", "assertion_error"}:
        return f"is not accepted: {_without_input(str(context.get('error', '')), error['input'])}"
    return f"is not accepted: {_without_input(error['msg'], error['input'])}"


def _shown(value: object) -> str:
    return f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def _without_input(message: str, value: object) -> str:
    """A foreign message with every string of the input blotted out."""
    for text in sorted(_strings(value), key=len, reverse=True):
        if len(text) > 2:
            message = message.replace(repr(text)[1:-1], "…").replace(text, "…")
    return message


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, BaseModel):
        for _, item in value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


# ---- which keys a model knows at a path


def _models_at(model: type[BaseModel] | None, path: Loc) -> Iterator[type[BaseModel]]:
    """The models that may stand at a path below `model`; several behind a union."""
    annotations: list[Any] = [] if model is None else [model]
    for part in path:
        annotations = [below for a in annotations for below in _below(a, part)]
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The types of what stands under a key or index, unions and Annotated taken apart."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                yield from _arms(field.annotation)
        return
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if not isinstance(origin, type) or not arguments:
        return
    if issubclass(origin, Mapping):
        yield from _arms(arguments[-1])
    elif isinstance(part, int):
        is_fixed = origin is tuple and arguments[-1] is not Ellipsis
        yield from _arms(arguments[part] if is_fixed and part < len(arguments) else arguments[0])


def _arms(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _arms(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for arm in get_args(annotation):
            yield from _arms(arm)
    else:
        yield annotation


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _description(model: type[BaseModel] | None, path: Loc, base: Loc) -> str:
    """The description of a missing field, if its model has one."""
    for parent in _models_at(model, path[len(base) : -1]):
        for name, field in parent.model_fields.items():
            if path[-1] in (name, field.alias) and field.description:
                return field.description
    return ""
