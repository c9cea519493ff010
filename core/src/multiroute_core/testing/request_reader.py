"""Reading one HTTP/1.1 request from a connection."""

from __future__ import annotations

import time

from .connection import ClientLeft, Connection
from .seen_request import SeenRequest

_HEAD_LIMIT = 1 << 20
_LINE_LIMIT = 1 << 16


class MalformedRequest(Exception):
    """What arrived is not an HTTP/1.1 request."""


async def read_request(connection: Connection) -> SeenRequest | None:
    """The next request, body included; None when the client left between two requests.

    Bodies: content-length or chunked (extensions and trailers are dropped). `Expect` is ignored.
    Raises MalformedRequest, and ClientLeft when the client left in the middle.
    """
    try:
        try:
            head = await connection.read_until(b"\r\n\r\n", limit=_HEAD_LIMIT)
        except ClientLeft:
            if connection.has_unread:
                raise
            return None
        request_line, *header_lines = head[:-4].decode("latin-1").split("\r\n")
        method, path, query, version = _parsed_request_line(request_line)
        headers = tuple(_parsed_header(line) for line in header_lines)
        body = await _read_body(connection, headers)
    except ValueError as exc:
        raise MalformedRequest(str(exc)) from exc
    return SeenRequest(
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        connection=connection.number,
        arrived_s=time.monotonic(),
        http_version=version,
    )


def _parsed_request_line(line: str) -> tuple[str, str, str, str]:
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not method or not target or version not in ("HTTP/1.0", "HTTP/1.1"):
        raise ValueError(f"request line {line!r} is not METHOD TARGET HTTP/1.1")
    if target.startswith("http://"):  # absolute form
        target = "/" + target.removeprefix("http://").partition("/")[2]
    path, _, query = target.partition("?")
    return method, path, query, version.removeprefix("HTTP/")


def _parsed_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise ValueError("a header line is not `name: value`")
    return name.lower(), value.strip(" \t")


async def _read_body(connection: Connection, headers: tuple[tuple[str, str], ...]) -> bytes:
    fields = dict(headers)
    if "transfer-encoding" in fields:
        if fields["transfer-encoding"].lower() != "chunked":
            raise ValueError(f"transfer-encoding {fields['transfer-encoding']!r} is not chunked")
        return await _read_chunks(connection)
    length = fields.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise ValueError(f"content-length {length!r} is not a number")
    return await connection.read_exactly(int(length))


async def _read_chunks(connection: Connection) -> bytes:
    body = bytearray()
    while True:
        line = await connection.read_until(b"\r\n", limit=_LINE_LIMIT)
        size = int(line.partition(b";")[0].strip(), 16)
        if size < 0:
            raise ValueError("a chunk size is negative")
        if size == 0:
            break
        body += await connection.read_exactly(size)
        if await connection.read_exactly(2) != b"\r\n":
            raise ValueError("a chunk does not end where its size says")
    while await connection.read_until(b"\r\n", limit=_LINE_LIMIT) != b"\r\n":
        pass  # trailers
    return bytes(body)
