"""`dialects`: a recorded reply, told again in each chat dialect, whole and streamed, loads in the
official clients with equal content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from multiroute_core.api import Call
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.faults import Loss
from tests.fidelity import registry
from tests.fidelity.compare import call_differences, show, squeezed
from tests.fidelity.harness import Missing, Run
from tests.fidelity.official import load_stream, load_whole, type_errors
from tests.fidelity.oracle.framing import frames
from tests.fidelity.oracle.reading import tell
from tests.fidelity.oracle.told import Choice, Told, ToolCall
from tests.fidelity.ours import told

NAMES = ("chat", "responses", "messages")
_NULLS = {
    "chat": frozenset(
        {"content", "refusal", "finish_reason", "logprobs", "usage", "param", "code"}
    ),
    "messages": frozenset(
        {"stop_reason", "stop_sequence", "stop_details", "container", "title", "page_age"}
    ),
    "responses": frozenset(
        {
            "error",
            "incomplete_details",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "previous_response_id",
            "prompt_cache_key",
            "reasoning",
            "effort",
            "summary",
            "safety_identifier",
            "service_tier",
            "temperature",
            "top_p",
            "top_logprobs",
            "truncation",
            "usage",
            "user",
            "background",
            "completed_at",
            "store",
            "encrypted_content",
            "parameters",
            "strict",
        }
    ),
}
"""Fields that the vendor's own replies spell out as null."""


@cache
def dialect(name: str) -> Dialect:
    """One of our client dialects."""
    from importlib import import_module

    module = import_module(f"multiroute_core.wire.{name}")
    found = getattr(module, f"{name.capitalize()}Dialect", None)
    if found is None:
        raise Missing(f"no {name} dialect yet")
    made: Dialect = found()
    return made


@cache
def asking(name: str, stream: bool) -> Call:
    """The least call of a dialect."""
    document: dict[str, Any] = dict(registry.LEAST[name])
    if stream:
        document["stream"] = True
        if name == "chat":
            document["stream_options"] = {"include_usage": True}
    return dialect(name).call("chat", document, ())


def check(run: Run) -> list[str] | None:
    """What is lost between our reading of a reply and what the clients load of it."""
    record = run.record
    if not (run.way.chatty and record.ok and record.body.strip()):
        return None
    reply = run.reply
    if reply.result is not None:
        return None
    if reply.fault is not None:
        is_error = tell(run.way.oracle, record.body, record.framing).error is not None
        return None if is_error else ["we read a fault: there is nothing to tell again"]
    return [found for name in NAMES for found in _of(run, name)]


def _of(run: Run, name: str) -> Iterator[str]:
    ours = told(run.reply)
    own = run.way.oracle == name
    record = run.record
    known_nulls = _null_keys_in(record.body, record.framing) if own else frozenset()
    is_typed = not own or type_errors(name, record.body, record.framing) is None
    whole, losses = dialect(name).reply(run.reply, asking(name, False))
    streamed, lost = written(run, name)
    for body, framing, told_lost in ((whole, None, losses), (streamed, "sse", lost)):
        how = f"{name}, {'whole' if framing is None else 'streamed'}: "
        nulls = _null_keys_in(body, framing) - known_nulls - _NULLS[name]
        if nulls:
            yield f"{how}added nulls: {sorted(nulls)}"
        errors = type_errors(name, body, framing) if is_typed else None
        if errors:
            yield f"{how}the client's types do not hold: {errors}"
        for found in _shown(name, body, framing, ours, told_lost):
            yield how + found


def written(run: Run, name: str) -> tuple[bytes, Sequence[Loss]]:
    """A reply as a stream of one of our dialects."""
    writer = dialect(name).writer(asking(name, True))
    pieces = [writer.feed([event]) for event in run.once]
    pieces.append(writer.close())
    return b"".join(pieces), writer.losses()


def _shown(
    name: str, body: bytes, framing: str | None, ours: Told, losses: Sequence[Loss]
) -> Iterator[str]:
    """Differences in the bytes themselves, and in what the official client makes of them."""
    yield from _equal(name, tell(name, body, framing), ours, losses, "")
    load = load_whole if framing is None else load_stream
    # A border: whatever the client does not load is a finding.
    try:
        loaded = load(name, body)
    except Exception as error:  # noqa: BLE001  foreign code
        yield f"the client does not load it: {type(error).__name__}: {str(error)[:300]}"
        return
    yield from _equal(name, tell(name, loaded, None), ours, losses, "client: ")


def _equal(name: str, shown: Told, ours: Told, losses: Sequence[Loss], who: str) -> Iterator[str]:
    reported = [f"{loss.path} {loss.what}" for loss in losses]
    if shown.error is not None:
        yield f"{who}an error: {show(shown.error)}"
        return
    for number, our in ours.choices.items():
        choice = shown.choices.get(number)
        if choice is None:
            if not any(f"[{number}]" in loss or "choice" in loss for loss in reported):
                yield f"{who}choice {number} is gone without a loss"
            continue
        for found in _content(name, choice, our, reported):
            yield who + found
    if shown.id and ours.id and name == "chat" and shown.id != ours.id:
        yield f"{who}id {show(ours.id)} became {show(shown.id)}"
    if ours.counts is not None and shown.counts is not None:
        for field in ("input", "output"):
            if getattr(ours.counts, field) != getattr(shown.counts, field):
                said, seen = getattr(ours.counts, field), getattr(shown.counts, field)
                yield f"{who}usage {field}: {said} became {seen}"
    elif ours.counts is not None:
        yield f"{who}usage is gone"


def _unwrapped(call: ToolCall, our: Choice, at: int) -> ToolCall:
    """Arguments that are no JSON object stand in an object there, under one key."""
    given = call.arguments
    wanted = our.calls[at].arguments if at < len(our.calls) else None
    if (
        isinstance(given, dict)
        and not isinstance(wanted, dict)
        and list(given.values()) == [wanted]
    ):
        return ToolCall(call.name, wanted, call.id)
    return call


def _content(name: str, shown: Choice, our: Choice, losses: Sequence[str]) -> Iterator[str]:
    text, seen = our.text, shown.text
    if name == "messages":
        text, seen = our.text + our.refusal, shown.text + shown.refusal
        if sorted(text) == sorted(seen):
            seen = text  # a refusal is text there, wherever it stood
    elif our.refusal != shown.refusal:
        yield f"refusal {show(our.refusal)} became {show(shown.refusal)}"
    if text != seen:
        yield f"text {show(text)} became {show(seen)}"
    if squeezed(our.thinking) != squeezed(shown.thinking):
        yield f"thinking {show(our.thinking)} became {show(shown.thinking)}"
    calls = shown
    if name == "messages":
        calls = Choice(calls=[_unwrapped(call, our, at) for at, call in enumerate(shown.calls)])
    yield from call_differences(our, calls)
    if our.citations and not shown.citations and not any("citation" in loss for loss in losses):
        yield f"{len(our.citations)} citations are gone without a loss"
    if our.calls and our.means == {"tool_calls"} and shown.means != {"tool_calls"}:
        yield f"finish {sorted(our.means)} became {shown.finish!r}"
    if our.means == {"length"} and shown.means != {"length"}:
        yield f"finish {sorted(our.means)} became {shown.finish!r}"


def _null_keys_in(body: bytes, framing: str | None) -> frozenset[str]:
    """The keys under which null stands anywhere in a reply."""
    docs = [f.doc for f in frames(body, framing) if f.text.strip() != "[DONE]"]
    return frozenset(key for doc in docs for key in _null_keys(doc))


def _null_keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if member is None:
                yield key
            elif key not in ("arguments", "input", "parameters", "schema", "input_schema"):
                yield from _null_keys(member)
    elif isinstance(value, list):
        for member in value:
            yield from _null_keys(member)
