"""`roundtrip`: a recorded native request, read into our words and written again, is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from multiroute_core.api import InvalidRequest
from multiroute_core.testing import normalise_request
from tests.fidelity import allow, registry
from tests.fidelity.corpus import Record
from tests.fidelity.harness import Run
from tests.fidelity.normal import compared, normal

KEPT_HEADERS = (b"anthropic-beta", b"x-amzn-bedrock-guardrailidentifier")
"""Headers of a client that say what the body means: they go along."""


def not_recorded(record: Record) -> str | None:
    """Why a record has no request to compare; None: it has one."""
    if not record.request_body.strip():
        return "the request's body was not recorded"
    if record.document is None and b"form-data; name=" not in record.request_body.lower():
        return "the recorded request is no document: its body was redacted or replaced"
    return None


def _content_type(record: Record) -> bytes:
    return dict(record.request_headers).get(b"content-type", b"")


def check(run: Run) -> list[str] | None:
    """Where our request differs from the recorded one, the allow-list taken off."""
    record = run.record
    if not_recorded(record):
        return None
    try:
        encoded = run.encoded
    except InvalidRequest:
        if 400 <= record.status < 500:
            return []  # the provider refused it as well
        raise
    found = [
        f"{path} {direction}: {what}"
        for path, direction, what in sorted(_differences(run))
        if not allow.is_allowed(record.provider, record.api, path, direction)
    ]
    found += [f"a loss between equal formats: {loss.path}: {loss.what}" for loss in encoded.losses]
    return found


def _differences(run: Run) -> Iterator[tuple[str, str, str]]:
    record, request = run.record, run.encoded.request
    if record.document is None:
        yield from _multipart(run)
    else:
        form = run.way.codec
        recorded = normal(form, record.document)
        ours = normal(form, json.loads(request.body))
        yield from compared(recorded, ours)
    path = unquote(urlsplit(request.url).path)
    if path.rsplit("/", 1)[-1].lower() != record.path.rsplit("/", 1)[-1].lower():
        yield "(path)", "changed", f"{record.path} to {path}"
    model, _ = registry.path_facts(record, run.way)
    if model is not None and model not in path:
        yield "(path)", "changed", f"{record.path} to {path}: another model"
    sent = dict(request.headers)
    for name, value in record.request_headers:
        if name in KEPT_HEADERS:
            ours_too = sent.get(name, b"").split(b",")
            for token in value.split(b","):
                if token.strip() not in [t.strip() for t in ours_too]:
                    yield f"(header {name.decode()})", "dropped", token.decode()


def _multipart(run: Run) -> Iterator[tuple[str, str, str]]:
    record, request = run.record, run.encoded.request
    recorded = normalise_request(
        "POST", "/", {"content-type": _content_type(record).decode()}, record.request_body
    )
    headers = {k.decode(): v.decode("latin-1") for k, v in request.headers}
    ours = normalise_request("POST", "/", headers, request.body)
    if recorded.kind != ours.kind:
        yield "(body)", "changed", f"{recorded.kind} to {ours.kind}"
    elif recorded.canonical != ours.canonical:
        one, other = json.loads(recorded.canonical), json.loads(ours.canonical)
        yield from compared(
            {f"{name} {file}": text for name, file, text in one},
            {f"{name} {file}": text for name, file, text in other},
        )
