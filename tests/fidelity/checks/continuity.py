"""`continuity`: what a provider gave out to be sent back unread — thinking signatures, encrypted
reasoning — and the client's cache marks stand byte for byte in our next request to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from tests.fidelity.checks.dialects import NAMES, asking, dialect
from tests.fidelity.compare import show
from tests.fidelity.corpus import every_record
from tests.fidelity.harness import Run, target_for
from tests.fidelity.normal import normal
from tests.fidelity.oracle.reading import tell
from tests.fidelity.oracle.told import strings
from tests.fidelity.ours import told
from tests.fidelity.registry import in_scope

_OPAQUE_KEYS = ("signature", "thoughtSignature", "thought_signature", "redactedContent")
_MARK_KEYS = ("cache_control", "cachePoint")


def check(run: Run) -> list[str] | None:
    """What does not survive from a reply to the request after it."""
    record = run.record
    document = record.document
    if document is None or not run.way.chatty:
        return None
    opaque = list(dict.fromkeys(opaque_strings(document)))
    marks = list(cache_marks(normal(run.way.codec, document)))
    if not opaque and not marks:
        return None
    sent = json.loads(run.encoded.request.body)
    heard = set(strings(sent))
    found = [f"opaque {show(text)} is not in our request" for text in opaque if text not in heard]
    ours = list(cache_marks(normal(run.way.codec, sent)))
    found += [f"cache mark {mark} is gone or moved" for mark in marks if mark not in ours]
    found += [f"cache mark {mark} was added" for mark in ours if mark not in marks]
    for earlier in _earlier(run):
        found += _through(run, earlier, opaque)
    return found


def opaque_strings(value: Any) -> Iterator[str]:
    """What stands under keys that a client must send back unread."""
    if isinstance(value, Mapping):
        kind = value.get("type")
        for key, member in value.items():
            is_opaque = key in _OPAQUE_KEYS or (
                (kind == "redacted_thinking" and key == "data")
                or (kind == "reasoning" and key == "encrypted_content")
                or (kind == "reasoning.encrypted" and key == "data")
            )
            if is_opaque and isinstance(member, str) and member:
                yield member
            elif key not in ("input_schema", "parameters", "schema"):
                yield from opaque_strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from opaque_strings(member)


def cache_marks(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, mark) of every cache mark."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            inner = f"{path}.{key}" if path else key
            if key in _MARK_KEYS:
                yield inner, json.dumps(member, sort_keys=True)
            else:
                yield from cache_marks(member, inner)
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from cache_marks(member, f"{path}[{at}]")


@cache
def _sequences() -> Mapping[str, Sequence[tuple[int, str, str, str]]]:
    """(place, provider, api, record id) of the records of each sequence."""
    found: dict[str, list[tuple[int, str, str, str]]] = {}
    for record in every_record():
        if in_scope(record.provider):
            name, place = record.sequence
            found.setdefault(name, []).append((place, record.provider, record.api, record.id))
    return {name: sorted(places) for name, places in found.items() if len(places) > 1}


def _earlier(run: Run) -> Iterator[Run]:
    from tests.fidelity.harness import run_by_id

    name, place = run.record.sequence
    for at, provider, api, record_id in _sequences().get(name, ()):
        if at < place and provider == run.record.provider:
            yield run_by_id(provider, api, record_id)


def _through(run: Run, earlier: Run, opaque: Sequence[str]) -> Iterator[str]:
    """An earlier reply's opaque strings: read by us, shown in every dialect, sent back by a client
    of it, and in our request again."""
    if not (earlier.record.ok and earlier.record.body.strip() and earlier.way.chatty):
        return
    native = tell(earlier.way.oracle, earlier.record.body, earlier.record.framing)
    given = {mark for choice in native.choices.values() for mark in choice.marks}
    kept = [text for text in opaque if text in given]
    if not kept or earlier.reply.fault is not None:
        return
    ours = {mark for choice in told(earlier.reply).choices.values() for mark in choice.marks}
    for text in kept:
        if text not in ours:
            yield f"opaque {show(text)} of the reply {earlier.record.id} is not in our reading"
    for name in NAMES:
        sent = set(strings(json.loads(_sent_back(run, earlier, name))))
        for text in kept:
            if text not in sent:
                yield f"through the {name} dialect: opaque {show(text)} does not come back"
                break


def _sent_back(run: Run, earlier: Run, name: str) -> bytes:
    """Our request after a client of a dialect has sent the earlier reply back."""
    body, _ = dialect(name).reply(earlier.reply, asking(name, False))
    document = _FOLLOW_UP[name](json.loads(body))
    call = dialect(name).call("chat", document, ())
    target = target_for(run.record, run.way, call)
    return run.provider.encode(call, target).request.body


def _chat(reply: dict[str, Any]) -> dict[str, Any]:
    message = reply["choices"][0]["message"]
    answers = [
        {"role": "tool", "tool_call_id": call["id"], "content": "42"}
        for call in message.get("tool_calls") or ()
    ]
    user = {"role": "user", "content": "hi"}
    messages = [user, message, *(answers or [user])]
    names = [call["function"]["name"] for call in message.get("tool_calls") or ()]
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in dict.fromkeys(names)
    ]
    return {"model": "m", "messages": messages, **({"tools": tools} if tools else {})}


def _responses(reply: dict[str, Any]) -> dict[str, Any]:
    output = reply["output"]
    calls = [item for item in output if item.get("type") == "function_call"]
    answers = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
        for call in calls
    ]
    user = {"role": "user", "content": "hi"}
    tools = [
        {"type": "function", "name": name, "parameters": {"type": "object"}}
        for name in dict.fromkeys(call["name"] for call in calls)
    ]
    document = {"model": "m", "input": [user, *output, *(answers or [user])]}
    return {**document, **({"tools": tools} if tools else {})}


def _messages(reply: dict[str, Any]) -> dict[str, Any]:
    content = reply["content"]
    calls = [block for block in content if block.get("type") == "tool_use"]
    answers = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "42"} for call in calls
    ]
    tools = [
        {"name": name, "input_schema": {"type": "object"}}
        for name in dict.fromkeys(call["name"] for call in calls)
    ]
    document = {
        "model": "m",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": answers or "hi"},
        ],
    }
    return {**document, **({"tools": tools} if tools else {})}


_FOLLOW_UP = {"chat": _chat, "responses": _responses, "messages": _messages}
