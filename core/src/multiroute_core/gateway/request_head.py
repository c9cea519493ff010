"""The request's headers, as far as the gateway itself must judge them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from multiroute_core.gateway.errors import HttpRefusal

_NOTABLE: Final = frozenset(
    {
        b"host",
        b"transfer-encoding",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"expect",
        b"x-request-id",
    }
)
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{1,5})?")


def notable(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that the gateway looks at. One that came twice is joined by commas, as HTTP has
    it: which is no valid host, length or request id."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NOTABLE:
            found[name] = found[name] + b"," + value if name in found else value
    return found


def check_framing(found: Mapping[bytes, bytes], http_version: str) -> None:
    """Refuse what two servers in a row could read differently.

    Raises:
        HttpRefusal: 400 or 417, and the connection ends.
    """
    host = found.get(b"host")
    if (host is not None or http_version == "1.1") and (host is None or not _HOST.fullmatch(host)):
        raise _bad("there must be exactly one Host header, with a valid host and port")
    if b"transfer-encoding" in found:
        if b"content-length" in found:
            raise _bad("Content-Length and Transfer-Encoding exclude each other")
        if http_version == "1.0":
            raise _bad("HTTP/1.0 has no Transfer-Encoding")
    expected = found.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise HttpRefusal(417, "expectation_failed", "the only Expect is 100-continue", closes=True)


_LOOPBACK: Final = re.compile(
    rb"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE
)


def check_local_host(found: Mapping[bytes, bytes]) -> None:
    """Refuse a request to an open gateway under another name than this machine's own: a web page
    whose name was made to point here (DNS rebinding) must not use it.

    Raises:
        HttpRefusal: 421.
    """
    host = found.get(b"host")
    if host is not None and not _LOOPBACK.fullmatch(host):
        raise HttpRefusal(
            421,
            "wrong_host",
            "without [keys] the gateway answers under localhost or a loopback address only",
        )


def _bad(message: str) -> HttpRefusal:
    return HttpRefusal(400, "bad_http_request", message, closes=True)
