"""The headers of our replies: every name that is ours, and values that cannot break a header."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from multiroute_core.api.faults import Loss
from multiroute_core.engine.sink import Answer

REQUEST_ID: Final = b"x-request-id"
CALL: Final = b"x-multiroute-call"
DECISION: Final = b"x-multiroute-decision"
TARGET: Final = b"x-multiroute-target"
ATTEMPTS: Final = b"x-multiroute-attempts"
LOSSES: Final = b"x-multiroute-losses"
UPSTREAM_REQUEST_ID: Final = b"x-multiroute-upstream-request-id"

JSON_TYPE: Final = (b"content-type", b"application/json")
NO_STORE: Final = (b"cache-control", b"no-store")
NO_BUFFER: Final = (b"x-accel-buffering", b"no")
"""Asks proxies in front of us not to hold a stream back."""

MAX_LOSSES_BYTES: Final = 1000
_MAX_LOSS_TEXT: Final = 80
_MAX_VALUE: Final = 200
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")
_UPSTREAM_IDS: Final = ("x-request-id", "request-id")


def header_value(text: str, limit: int = _MAX_VALUE) -> bytes:
    """Text as a header's value: whatever is not printable ASCII becomes '?', the end is cut.

    >>> header_value("a\\r\\nb: ü")
    b'a??b: ?'
    """
    return _UNSAFE.sub("?", text)[:limit].encode("ascii")


def losses_value(losses: Sequence[Loss]) -> bytes:
    """Losses as a JSON list in ASCII, at most `MAX_LOSSES_BYTES`; the last item may say how many
    more there are.

    >>> losses_value([Loss("seed", "seed", "no such parameter")])
    b'[{"path":"seed","what":"seed","why":"no such parameter"}]'
    """
    items: list[str] = []
    room = MAX_LOSSES_BYTES - len('[,{"more":1000000}]')
    for number, loss in enumerate(losses):
        item = json.dumps(
            {
                "path": loss.path[:_MAX_LOSS_TEXT],
                "what": loss.what[:_MAX_LOSS_TEXT],
                "why": loss.why[:_MAX_LOSS_TEXT],
            },
            separators=(",", ":"),
        )
        room -= len(item) + 1
        if room < 0:
            items.append(f'{{"more":{len(losses) - number}}}')
            break
        items.append(item)
    return header_value("[" + ",".join(items) + "]", MAX_LOSSES_BYTES)


def answer_headers(answer: Answer, further: Sequence[Loss] = ()) -> list[tuple[bytes, bytes]]:
    """What a reply says of its way. `further`: losses of writing it for the client."""
    headers = [
        (DECISION, header_value(answer.decision_id)),
        (TARGET, header_value(answer.target)),
        (ATTEMPTS, str(answer.attempts).encode("ascii")),
    ]
    losses = (*answer.losses, *further)
    if losses:
        headers.append((LOSSES, losses_value(losses)))
    for name in _UPSTREAM_IDS:
        value = answer.head.header(name)
        if value:
            headers.append((UPSTREAM_REQUEST_ID, header_value(value)))
            break
    return headers
