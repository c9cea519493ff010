"""JSON as it may come from outside: parsed once, strictly, and written again from what was read.

Two parsers look at it. msgspec refuses NaN, Infinity, bad UTF-8, lone surrogates in bytes and
trailing bytes, and keeps large integers whole; orjson refuses to write an integer beyond 64 bits,
so that no number is rounded on its way. Of duplicate keys the last wins, for us and for the
upstream, which sees what we wrote, not what we were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import orjson

from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import Json, plain


def parse_object(body: bytes) -> dict[str, Json]:
    """The JSON object in a request body.

    Raises:
        InvalidRequest: not JSON, not an object, nested too deep, or not strictly valid.
    """
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the request body is not valid JSON: {error}") from None
    except RecursionError:
        raise InvalidRequest("the request body is nested too deeply") from None
    if type(document) is not dict:
        raise InvalidRequest("the request body must be a JSON object")
    return cast("dict[str, Json]", document)


def dump(document: Mapping[str, Json]) -> bytes:
    """Compact JSON.

    Raises:
        InvalidRequest: an integer beyond 64 bits, a lone surrogate, or nesting beyond 254 levels.
    """
    try:
        return orjson.dumps(document, default=plain)
    except (TypeError, RecursionError) as error:
        raise InvalidRequest(f"the request cannot be passed on as JSON: {error}") from None


def loads(data: bytes | str) -> Any:
    """JSON from an upstream, fast.

    Raises:
        ValueError: not valid JSON.
    """
    return orjson.loads(data)


def raw_json(text: str) -> orjson.Fragment | None:
    """JSON text to be embedded letter for letter, or None where it is no valid JSON object.

    >>> raw_json('{"a": 1.0}') is None, raw_json("{oops") is None
    (False, True)
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return orjson.Fragment(text) if isinstance(value, dict) else None
