"""Function calls whose arguments come in pieces (`streamFunctionCallArguments` of Vertex AI).

A call begins with its name and `willContinue`; pieces name a place in the arguments by JSON path;
a call without `willContinue` ends it. Source: the vendor's function calling reference, 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from multiroute_core.api import Json, JsonObject
from multiroute_google.gemini.spelling import camel

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_VALUES: Final = ("numberValue", "boolValue")


class PartialCalls:
    """Puts the calls of one choice together."""

    __slots__ = ("_args", "_part")

    def __init__(self) -> None:
        self._part: dict[str, Json] | None = None
        self._args: dict[str, Any] = {}

    def whole(self, part: JsonObject) -> JsonObject | None:
        """The part itself, the whole call that it completes, or None while more is to come."""
        given = part.get("functionCall", part.get("function_call"))
        if not isinstance(given, Mapping):
            return part
        call = {camel(name): value for name, value in given.items()}
        goes_on = call.get("willContinue") is True
        if self._part is None and not goes_on and "partialArgs" not in call:
            return part
        if self._part is None or call.get("name"):
            self._part = {**part, "functionCall": call}
            args = call.get("args")
            self._args = dict(args) if isinstance(args, Mapping) else {}
        pieces = call.get("partialArgs")
        if isinstance(pieces, Sequence) and not isinstance(pieces, str):
            for piece in pieces:
                if isinstance(piece, Mapping):
                    self._put({camel(name): value for name, value in piece.items()})
        return None if goes_on else self._complete()

    def _complete(self) -> JsonObject | None:
        part, self._part = self._part, None
        if part is None:
            return None
        begun = part.pop("functionCall")
        part.pop("function_call", None)
        assert isinstance(begun, Mapping)
        kept = {k: v for k, v in begun.items() if k not in ("willContinue", "partialArgs")}
        return {**part, "functionCall": {**kept, "args": self._args}}

    def _put(self, piece: JsonObject) -> None:
        """Write one piece to its place; text is appended to what stands there."""
        steps = [name or quoted or int(at) for name, at, quoted in _STEP.findall(_path(piece))]
        if not steps:
            return
        place: Any = self._args
        for step, following in pairwise(steps):
            place = _inner(place, step, [] if isinstance(following, int) else {})
        last = steps[-1]
        text = piece.get("stringValue")
        if isinstance(text, str):
            before = _inner(place, last, "")
            _set(place, last, (before if isinstance(before, str) else "") + text)
            return
        value = next((piece[name] for name in _VALUES if name in piece), None)
        _set(place, last, value)


def _path(piece: JsonObject) -> str:
    path = piece.get("jsonPath")
    return path if isinstance(path, str) else ""


def _inner(place: Any, step: str | int, default: Any) -> Any:
    """What stands at a step, made if nothing does."""
    if isinstance(place, list):
        while isinstance(step, int) and len(place) <= step:
            place.append(None)
        index = step if isinstance(step, int) else 0
        if place[index] is None:
            place[index] = default
        return place[index]
    return place.setdefault(str(step), default)


def _set(place: Any, step: str | int, value: Json) -> None:
    _inner(place, step, None)
    place[step if isinstance(place, list) else str(step)] = value
