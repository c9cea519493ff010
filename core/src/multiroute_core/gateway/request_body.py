"""The request's body: read whole, within a cap."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.gateway.asgi import Receive
from multiroute_core.gateway.errors import HttpRefusal


class ClientGone(Exception):
    """The client left before its request was complete."""


def check_type(found: Mapping[bytes, bytes], *, takes_form: bool = False) -> bool:
    """Refuse what is declared to be something else than plain JSON (or a form, if one will do).

    Returns whether it is a form.

    Raises:
        HttpRefusal: 415.
    """
    encoding = found.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b""):
        raise HttpRefusal(
            415,
            "unsupported_encoding",
            "a request body with a Content-Encoding is not accepted: send it as it is",
        )
    kind = found.get(b"content-type", b"application/json").lower()
    if takes_form and kind.startswith(b"multipart/form-data"):
        return True
    if b"json" not in kind:
        also = " or a form (multipart/form-data)" if takes_form else ""
        raise HttpRefusal(
            415,
            "unsupported_media_type",
            f"the request body must be JSON (application/json){also}",
        )
    return False


async def read_body(receive: Receive, found: Mapping[bytes, bytes], limit: int) -> bytes:
    """All of the body, at most `limit` bytes.

    Raises:
        HttpRefusal: 413, as soon as it is known to be too large; the rest is not read.
        ClientGone: the client left.
    """
    declared = found.get(b"content-length")
    if declared is not None:
        if not declared.isdigit():
            raise HttpRefusal(
                400, "bad_http_request", "Content-Length is not a number", closes=True
            )
        # Digits beyond any limit are not worth turning into a number.
        if len(declared) > 18 or int(declared) > limit:
            raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return piece if not pieces else b"".join([*pieces, piece])
        if piece:
            pieces.append(piece)


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal(
        413, "request_too_large", f"the request body is larger than {limit} bytes", closes=True
    )
