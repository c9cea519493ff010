"""Multipart forms, both ways, as documents: fields are text, files are objects.

A file is {"filename", "content_type", "data"} with base64 data; a name that occurs more than once,
or ends in "[]", is a list. Source: RFC 7578.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from email.parser import BytesParser
from email.policy import HTTP

from multiroute_core.api.errors import InvalidRequest
from multiroute_core.api.json import Json, JsonObject

MAX_PARTS = 256


def parse_form(content_type: str, body: bytes) -> dict[str, Json]:
    """The document in a multipart/form-data body.

    Raises:
        InvalidRequest: no boundary, not a form, or a part without a name.
    """
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise InvalidRequest("the request body is not a valid multipart form")
    document: dict[str, Json] = {}
    repeated: dict[str, list[Json]] = {}
    for number, part in enumerate(message.iter_parts()):
        if number >= MAX_PARTS:
            raise InvalidRequest(f"the form has more than {MAX_PARTS} parts")
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str) or not name:
            raise InvalidRequest(f"part {number} of the form has no name")
        data = part.get_payload(decode=True)
        raw = data if isinstance(data, bytes) else b""
        filename = part.get_filename()
        value: Json
        if filename is None:
            value = raw.decode("utf-8", "replace")
        else:
            value = {
                "filename": filename,
                "content_type": part.get_content_type(),
                "data": base64.b64encode(raw).decode("ascii"),
            }
        repeated.setdefault(name, []).append(value)
    for name, values in repeated.items():
        document[name] = values if len(values) > 1 or name.endswith("[]") else values[0]
    return document


def encode_form(fields: Sequence[tuple[str, Json]]) -> tuple[bytes, bytes]:
    """(content type, body) of a form. Values are text, numbers, booleans or files as above.

    The boundary depends on the content alone, so that equal forms are equal bytes.
    """
    pieces: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        safe = name.replace('"', "%22").replace("\r", "").replace("\n", "")
        if isinstance(value, Mapping):
            filename = str(value.get("filename") or "file").replace('"', "%22")
            filename = filename.replace("\r", "").replace("\n", "")
            kind = str(value.get("content_type") or "application/octet-stream")
            head = (
                f'content-disposition: form-data; name="{safe}"; filename="{filename}"\r\n'
                f"content-type: {kind}\r\n\r\n"
            )
            pieces.append((head.encode(), file_bytes(value, name)))
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            head = f'content-disposition: form-data; name="{safe}"\r\n\r\n'
            pieces.append((head.encode(), text.encode()))
    digest = hashlib.sha256(b"\0".join(part for piece in pieces for part in piece)).hexdigest()
    boundary = f"multiroute-{digest[:40]}".encode()
    body = b"".join(b"--%b\r\n%b%b\r\n" % (boundary, head, data) for head, data in pieces)
    return b"multipart/form-data; boundary=" + boundary, body + b"--" + boundary + b"--\r\n"


def file_bytes(file: JsonObject, path: str) -> bytes:
    """The bytes of a file object.

    Raises:
        InvalidRequest: its data is not base64.
    """
    try:
        return base64.b64decode(str(file.get("data") or ""), validate=True)
    except binascii.Error:
        raise InvalidRequest(f"{path} holds no valid base64 data", param=path) from None
