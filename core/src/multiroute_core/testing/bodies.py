"""Bodies that no well-behaved upstream sends: for tests of limits and of content checks."""

from __future__ import annotations

import zlib

_BLOCK = bytes(1 << 16)


def gzip_bomb(size_bytes: int) -> bytes:
    """A gzip file of about a thousandth of `size_bytes` that unpacks to that many zero bytes.

    Use: `Answer(body=gzip_bomb(1 << 30), headers={"content-encoding": "gzip", "content-type":
    "application/json"})`. Built in blocks: it never holds the unpacked size.
    """
    if size_bytes < 0:
        raise ValueError("size_bytes must be zero or more")
    packer = zlib.compressobj(9, wbits=31)
    whole, rest = divmod(size_bytes, len(_BLOCK))
    parts = [packer.compress(_BLOCK) for _ in range(whole)]
    return b"".join([*parts, packer.compress(_BLOCK[:rest]), packer.flush()])


def html_page(title: str = "502 Bad Gateway") -> str:
    """A proxy's error page; send it with `content-type: text/html`."""
    return f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"


def long_sse_line(size_bytes: int) -> bytes:
    """One `data:` line of that many payload bytes, with its blank line."""
    return b"data: " + b"x" * size_bytes + b"\n\n"
