"""Where two tellings of one reply differ."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from tests.fidelity.oracle.told import Choice, Counts, Told

_SHOWN = 120


def show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 20]}… ({len(text)} characters)"


def differences(native: Told, our: Told) -> list[str]:
    """Every difference between what the provider said and what we read; empty: faithful."""
    return list(_differences(native, our))


def _differences(native: Told, our: Told) -> Iterator[str]:
    if our.error is not None:
        yield f"we read a fault: {show(our.error)}"
        return
    if not our.over:
        yield "we read no end"
    if native.result is not None:
        if not same(native.result, our.result):
            yield f"result: {show(native.result)} became {show(our.result)}"
    elif sorted(native.choices) != sorted(our.choices):
        yield f"choices {sorted(native.choices)} became {sorted(our.choices)}"
    else:
        for number, choice in native.choices.items():
            for found in choice_differences(choice, our.choices[number]):
                yield f"choice {number}: {found}"
    for name in ("id", "model"):
        said, read = getattr(native, name), getattr(our, name)
        if said and read != said:
            yield f"{name}: {show(said)} became {show(read)}"
    yield from count_differences(native.counts, our.counts)


def choice_differences(native: Choice, our: Choice) -> Iterator[str]:
    """Differences of content and finish of one choice."""
    yield from content_differences(native, our)
    if (native.finish or "") != (our.finish or "") and native.finish is not None:
        yield f"finish {native.finish!r} became {our.finish!r}"
    if not our.means <= native.means:
        ours, right = sorted(our.means), sorted(native.means)
        yield f"finish {native.finish!r} was taken for {ours}, not {right}"
    if native.tokens and native.tokens != our.tokens:
        yield f"logprobs: {len(native.tokens)} tokens became {len(our.tokens)}"


def content_differences(native: Choice, our: Choice) -> Iterator[str]:
    """Differences of text, thinking, refusal, tool calls, citations and opaque strings."""
    texts, thoughts = [native.text], [native.thinking]
    if native.plan:
        texts += [native.plan + native.text]
        thoughts += [native.plan + native.thinking, native.thinking + native.plan]
        seen = native.plan in our.text + our.thinking or native.plan in our.marks
        if not seen:
            yield f"plan {show(native.plan)} is gone"
    if our.text not in texts:
        yield f"text {show(native.text)} became {show(our.text)}"
    if squeezed(our.thinking) not in map(squeezed, thoughts):
        yield f"thinking {show(native.thinking)} became {show(our.thinking)}"
    if our.refusal != native.refusal:
        yield f"refusal {show(native.refusal)} became {show(our.refusal)}"
    yield from call_differences(native, our)
    heard = set(our.marks)
    for mark in native.marks:
        if mark not in heard:
            yield f"opaque {show(mark)} is gone"
            break
    yield from citation_differences(native, our)


def squeezed(text: str) -> str:
    """Without white space: how the parts of thinking are joined is nobody's word."""
    return "".join(text.split())


def call_differences(native: Choice, our: Choice) -> Iterator[str]:
    """Differences of the tool calls: name, parsed arguments, id, order; ids made where none was."""
    if len(native.calls) != len(our.calls):
        yield (f"tool calls {[c.name for c in native.calls]} became {[c.name for c in our.calls]}")
        return
    for said, read in zip(native.calls, our.calls, strict=True):
        if said.name != read.name:
            yield f"tool call {said.name!r} became {read.name!r}"
        if not same(said.arguments, read.arguments):
            yield f"arguments {show(said.arguments)} became {show(read.arguments)}"
        if said.id and said.id != read.id and not read.is_legacy:
            yield f"tool call id {said.id!r} became {read.id!r}"
    ids = [call.id for call in our.calls if not call.is_legacy]
    if not all(ids) or len(set(ids)) != len(ids):
        yield f"tool call ids are missing or not unique: {ids}"


def citation_differences(native: Choice, our: Choice) -> Iterator[str]:
    """Differences of the citations: each string that identifies one must come through, in order
    where their number is the same."""
    if not native.citations:
        return
    if not our.citations:
        yield f"{len(native.citations)} citations are gone"
        return
    heard = {text for citation in our.citations for text in citation}
    for citation in native.citations:
        for text in citation:
            if text not in heard:
                yield f"citation {show(text)} is gone"
                return


def count_differences(native: Counts | None, our: Counts | None) -> Iterator[str]:
    """Differences of the usage."""
    if native is None:
        return
    if our is None:
        yield "usage is gone"
        return
    for name in ("input", "output"):
        said, read = getattr(native, name), getattr(our, name)
        allowed = getattr(native, f"{name}s") or ({said} if said is not None else set())
        if allowed and read not in allowed:
            yield f"usage {name}: {sorted(allowed)} became {read}"
    for name in ("cached", "written", "reasoning"):
        said, read = getattr(native, name), getattr(our, name)
        if said is not None and (read or 0) != said:
            yield f"usage {name}: {said} became {read}"


def same(left: Any, right: Any) -> bool:
    """Equal as JSON values; vectors also where one is base64 of little-endian floats."""
    if isinstance(left, dict) and isinstance(right, dict):
        if "audio_base64" in left and "audio" in right:
            return base64.b64decode(left["audio_base64"]) == right["audio"]
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, str) != isinstance(right, str) and (
        isinstance(left, list | tuple) or isinstance(right, list | tuple)
    ):
        return _floats(left) == _floats(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _floats(vector: Any) -> list[float] | None:
    if isinstance(vector, str):
        try:
            data = base64.b64decode(vector, validate=True)
        except ValueError:
            return None
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    packed = struct.pack(f"<{len(vector)}f", *vector)
    return list(struct.unpack(f"<{len(vector)}f", packed))
