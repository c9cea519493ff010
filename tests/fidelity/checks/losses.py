"""`losses`: whatever a client says is carried to the provider or reported lost: random requests
with unknown and rare fields, through each adapter, from each dialect."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from multiroute_core.api import CannotEncode, Encoded, InvalidRequest, Loss, Target
from tests.fidelity import registry
from tests.fidelity.checks.dialects import NAMES, dialect
from tests.fidelity.corpus import Record
from tests.fidelity.harness import adapter
from tests.fidelity.odd_requests import MAKERS

EACH = 20
"""Requests from each dialect for one provider and API."""

_INDEX = re.compile(r"\[\d+\]")
_MARK = re.compile(r"^(call_|toolu_|rs_|x_)?qz\d{6}x\d+")
_QUIET = frozenset({"type", "role", "model", "name"})
"""Keys whose change of words is the translation itself."""
_HANDLES = frozenset({"id", "call_id", "tool_call_id", "tool_use_id"})
"""Names of calls: another provider may want other ones, the same on both sides."""
_LABELS = (
    "response_format.json_schema.name",
    "response_format.json_schema.strict",
    "text.format.name",
    "text.format.strict",
    "store",
)
"""Without effect where the target has no word for them: the name of an answer's schema, that it
binds (it does), and that an answer need not be stored (`store` false; true must be reported)."""
_KINDS = {
    "reasoning": ("thinking", "reasoning"),
    "thinking": ("thinking",),
    "document": ("document",),
    "image": ("image",),
    "input_image": ("image",),
    "image_url": ("image",),
    "input_file": ("document", "file"),
    "file": ("document", "file"),
    "input_audio": ("audio",),
}
"""A loss of a whole part names the kind of part; its path may count our parts, not the client's."""


def cases() -> Iterator[tuple[str, str]]:
    """(dialect, seed) of every random request."""
    for name in NAMES:
        for number in range(EACH):
            yield name, f"{number}"


def judge(record: Record, wire: str, name: str, seed: str) -> list[str]:
    """What one adapter drops in silence of one random request."""
    document = MAKERS[name](seed)
    try:
        whole = _sent(record, wire, name, document)
    except (CannotEncode, InvalidRequest):
        return []  # an open refusal; a request that drops nothing
    return list(_dropped(record, wire, name, document, whole))


def _sent(record: Record, wire: str, name: str, document: dict[str, Any]) -> Encoded:
    made, runtime = adapter(record)
    call = dialect(name).call("chat", document, ())
    target = Target(
        "t", runtime.instance, "upstream-model", "m", runtime.base_url, "default", (wire,)
    )
    return made.encode(call, target)


def _dropped(
    record: Record, wire: str, name: str, document: dict[str, Any], whole: Encoded
) -> Iterator[str]:
    text = _readable(whole.request.body.decode())
    paths = [_INDEX.sub("[]", loss.path.removeprefix("$.")) for loss in whole.losses]
    whats = [loss.what for loss in whole.losses]
    for path, value in leaves(document):
        if _is_carried(value, text) or is_reported(path, paths):
            continue
        if path.rsplit(".", 1)[-1] in _HANDLES and not str(value).startswith("rs_"):
            continue
        if _is_label(path, value) or _part_reported(document, path, whats, paths):
            continue
        if path.rsplit(".", 1)[-1] in _QUIET and not _MARK.match(str(value)):
            continue
        if isinstance(value, str) and _MARK.match(value):
            yield f"{path}: {value} is neither sent nor reported"
        elif not _matters(record, wire, name, document, path, whole):
            yield f"{path}: {value!r} changes nothing and is not reported"


def _is_label(path: str, value: Any) -> bool:
    return path in _LABELS and not (path == "store" and value is True)


def _part_reported(
    document: dict[str, Any], path: str, whats: Sequence[str], paths: Sequence[str]
) -> bool:
    """Whether a loss speaks of the part that this place is in, or of the field by its name."""
    place: Any = document
    for step in _steps(path):
        if isinstance(place, dict):
            words = _KINDS.get(str(place.get("type")), ())
            if any(word in what for word in words for what in whats):
                return True
        if not isinstance(place, dict | list):
            break
        if _MARK.match(step) and any(step in told for told in (*paths, *whats)):
            return True
        place = place[int(step[1:-1])] if step.startswith("[") else place.get(step)
    return False


def _steps(path: str) -> list[str]:
    return re.findall(r"[^.\[\]]+|\[\d+\]", path)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every scalar; schemas are one value."""
    if isinstance(value, dict):
        for key, member in value.items():
            inner = f"{path}.{key}" if path else key
            if _MARK.match(key):
                yield inner, key
            yield from leaves(member, inner)
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from leaves(member, f"{path}[{at}]")
    else:
        yield path, value


def _readable(text: str) -> str:
    """The body, with what stands in it as base64 of text."""
    found = [text]
    for packed in re.findall(r"[A-Za-z0-9+/]{12,}={0,2}", text):
        try:
            found.append(base64.b64decode(packed, validate=True).decode())
        except ValueError:
            continue
    return "\n".join(found)


def _is_carried(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return json.dumps(value) in text
    if isinstance(value, int):
        return value > 1000 and str(value) in text
    if isinstance(value, str):
        found = re.search(r"qz\d{6}x\d+", value)
        if found:
            return found[0] in text
        return len(value) > 20 and json.dumps(value.rsplit(",", 1)[-1])[1:-1] in text
    return value is None


def is_reported(path: str, paths: Sequence[str]) -> bool:
    """Whether a loss speaks of this place, of one around it, or of something in it."""
    here = _INDEX.sub("[]", path)
    for told in paths:
        if told == here or here.startswith((f"{told}.", f"{told}[")) or told.startswith(here):
            return True
    return False


def _matters(
    record: Record, wire: str, name: str, document: dict[str, Any], path: str, whole: Encoded
) -> bool:
    """Whether the request, or what is reported, is another without this value."""
    changed = copy.deepcopy(document)
    steps = _steps(path)
    place: Any = changed
    for step in steps[:-1]:
        place = place[int(step[1:-1])] if step.startswith("[") else place[step]
    last = steps[-1]
    if last.startswith("["):
        del place[int(last[1:-1])]
    else:
        del place[last]
    try:
        other = _sent(record, wire, name, changed)
    except (CannotEncode, InvalidRequest):
        return True
    return other.request.body != whole.request.body or _told(other) != _told(whole)


def _told(encoded: Encoded) -> list[Loss]:
    return list(encoded.losses)


def wire_of(api: str) -> str | None:
    """The format that an API's requests are written in, if it is a chat; None: it is not."""
    way = registry.way(api)
    return way.wire if way.chatty else None
