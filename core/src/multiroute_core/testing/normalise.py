"""Normalising requests, so that two that mean the same compare equal.

What counts as the same: another host, another order of keys, a null or an absent key, an empty or
an absent tool list, 1.0 and 1, text content and one text part of it, arguments as text or as an
object, another percent-encoding of the path, another multipart boundary, and anything in the
credentials.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["empty", "json", "multipart", "text", "binary"]
_AUTH_QUERY = frozenset({"key", "api_key", "api-key", "apikey", "access_token"})
_AUTH_QUERY_WORDS = ("signature", "credential", "security-token")
_TOOL_LISTS = frozenset({"tools", "tool_calls", "functions"})
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_PARAMETER = re.compile(rb'(\w+)="([^"]*)"')
_LONGEST_PART_SHOWN = 4096
_WRAP = 160


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How far apart two requests may be and still be the same.

    ignore_fields: top-level keys of a JSON body that do not count.
    ignore_query: query parameters that do not count, besides those that carry credentials.
    text_shorthand: keys whose text value means a list of one text part.
    """

    ignore_fields: frozenset[str] = frozenset({"user", "metadata", "stream_options"})
    ignore_query: frozenset[str] = frozenset()
    text_shorthand: frozenset[str] = frozenset({"content"})


@dataclass(frozen=True, slots=True)
class Normal:
    """A request in normal form: equal ones mean the same, and `key` is one short name for that.

    path: percent-decoded. query: sorted, without credentials. canonical: the body in normal form.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    kind: Kind
    canonical: str

    @property
    def key(self) -> str:
        """64 hexadecimal digits, the same in every process."""
        whole = json.dumps([self.method, self.path, self.query, self.kind, self.canonical])
        return hashlib.sha256(whole.encode()).hexdigest()

    @property
    def route(self) -> tuple[str, str]:
        """Method and path: all that can be compared with a redacted request."""
        return self.method, self.path

    def lines(self) -> list[str]:
        """The request for people and diffs: a first line, then the body, indented, long texts
        wrapped."""
        query = (
            "?" + "&".join(f"{name}={value}" for name, value in self.query) if self.query else ""
        )
        body = self.canonical
        if self.kind in ("json", "multipart"):
            body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
            body = body.encode("utf-8", "backslashreplace").decode()
        return [f"{self.method} {self.path}{query}", *_wrapped(body)]


def normalise_request(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    options: Normalisation | None = None,
) -> Normal:
    """The normal form of a request.

    url: a whole URL, or a path (with its slash) and query; scheme and host are dropped.
    headers: only the content-type is read, for multipart bodies. JSON is known by its syntax.
    """
    rules = options or Normalisation()
    parts = urlsplit(url if "://" in url.partition("?")[0] else f"http://host{url}")
    kind, canonical = _normal_body(body, _header(headers, "content-type"), rules)
    return Normal(
        method=method.upper(),
        path=unquote(parts.path) or "/",
        query=_normal_query(parts.query, rules),
        kind=kind,
        canonical=canonical,
    )


def normalise_json(document: Any, options: Normalisation | None = None) -> Any:
    """A JSON document in normal form; key order is left to whoever writes it.

    >>> normalise_json({"user": "u", "n": 1.0, "tools": [], "m": {"content": "x", "a": None}})
    {'n': 1, 'm': {'content': [{'type': 'text', 'text': 'x'}]}}
    """
    rules = options or Normalisation()
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key not in rules.ignore_fields}
    return _normal_value(document, rules)


def _normal_value(value: Any, rules: Normalisation) -> Any:
    if isinstance(value, dict):
        return {
            key: _normal_member(key, member, rules)
            for key, member in value.items()
            if member is not None and not (key in _TOOL_LISTS and member == [])
        }
    if isinstance(value, list):
        return [_normal_value(item, rules) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _normal_member(key: str, value: Any, rules: Normalisation) -> Any:
    if isinstance(value, str):
        if key == "arguments":
            value = _parsed_arguments(value)
        elif key in rules.text_shorthand:
            return [{"type": "text", "text": value}]
    return _normal_value(value, rules)


def _parsed_arguments(text: str) -> Any:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict | list) else text


def _normal_query(query: str, rules: Normalisation) -> tuple[tuple[str, str], ...]:
    pairs = parse_qsl(query, keep_blank_values=True)
    return tuple(
        sorted(
            pair for pair in pairs if not _is_auth(pair[0]) and pair[0] not in rules.ignore_query
        )
    )


def _is_auth(name: str) -> bool:
    lower = name.lower()
    return lower in _AUTH_QUERY or any(word in lower for word in _AUTH_QUERY_WORDS)


def _normal_body(body: bytes, content_type: str, rules: Normalisation) -> tuple[Kind, str]:
    if not body.strip():
        return "empty", ""
    if content_type.lower().startswith("multipart/") and (found := _BOUNDARY.search(content_type)):
        return "multipart", _normal_multipart(body, found[1].strip().encode())
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "binary", _digest(body)
    try:
        document = normalise_json(json.loads(text), rules)
        # ASCII only: a lone surrogate, legal in JSON text, must not break what hashes this.
        return "json", json.dumps(document, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return "text", text


def _normal_multipart(body: bytes, boundary: bytes) -> str:
    """Each part as [name, filename, content], sorted; the boundary and the parts' other headers do
    not count."""
    opening = b"--" + boundary
    if not body.lstrip().startswith(opening):
        body = _unpacked(body, opening)
    parts = [_normal_part(part) for part in body.split(opening)[1:] if not part.startswith(b"--")]
    return json.dumps(sorted(parts), separators=(",", ":"))


def _unpacked(body: bytes, opening: bytes) -> bytes:
    """Some recorders store a multipart body as base64 text without saying so."""
    try:
        plain = base64.b64decode(body, validate=True)
    except binascii.Error:
        return body
    return plain if plain.startswith(opening) else body


def _normal_part(part: bytes) -> list[str]:
    head, _, content = part.replace(b"\r\n", b"\n").removeprefix(b"\n").partition(b"\n\n")
    content = content.removesuffix(b"\n")
    names = {key.lower(): value for key, value in _PARAMETER.findall(head)}
    if re.search(rb"content-transfer-encoding:\s*base64", head, re.IGNORECASE):
        content = base64.b64decode(content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = _digest(content)
    if len(text) > _LONGEST_PART_SHOWN:
        text = _digest(content)
    return [names.get(b"name", b"").decode(), names.get(b"filename", b"").decode(), text]


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}"


def _header(headers: Mapping[str, str] | Iterable[tuple[str, str]], name: str) -> str:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return next((value for key, value in pairs if key.lower() == name), "")


def _wrapped(text: str) -> list[str]:
    """Lines of at most 160 characters, cut after each escaped line end, so that a diff stays near
    the change."""
    lines: list[str] = []
    for line in text.split("\n"):
        for piece in re.split(r"(?<=[^\\]\\n)", line):
            lines += [piece[at : at + _WRAP] for at in range(0, len(piece), _WRAP)]
    return lines
