"""Replies for clients of the Gemini format: whole, as server-sent events, as a JSON array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    Delta,
    Event,
    Fault,
    Finish,
    Json,
    JsonObject,
    Loss,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Reply,
    Start,
    Usage,
    Used,
    fold,
    merged,
)
from multiroute_core.wire.sse import encode_event
from multiroute_core.wire.strict import dump, raw_json
from multiroute_google.gemini.finish import write_reason
from multiroute_google.gemini.ids import written_id
from multiroute_google.gemini.logprobs import write_logprobs
from multiroute_google.gemini.parts import ALONE, encode_part, is_carrier
from multiroute_google.gemini.spelling import WIRE
from multiroute_google.gemini.usage import write_usage

_CANDIDATE: Final = (
    "finishMessage",
    "safetyRatings",
    "citationMetadata",
    "groundingMetadata",
    "urlContextMetadata",
    "avgLogprobs",
    "logprobsResult",
    "tokenCount",
)
"""Fields of a candidate that only a reply of this family has."""

_NOT_TOP: Final = frozenset({"created", "service_tier", "system_fingerprint"})
_NO_FIELD: Final = "the Gemini format has no such field"

STATUSES: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def write_error(status: int, message: str, reason: str) -> dict[str, Json]:
    """The error object of the format."""
    detail: dict[str, Json] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "multiroute",
    }
    word = STATUSES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    error: dict[str, Json] = {"code": status, "message": message, "status": word}
    return {"error": {**error, "details": [detail]}}


class _Parts:
    """Writes parts in order; the signature of a carrier goes onto the part behind it."""

    def __init__(self, losses: list[Loss]) -> None:
        self._losses = losses
        self._pending: str | None = None

    def add(self, part: Part, path: str) -> list[Json]:
        """The native parts that this one completes."""
        if is_carrier(part):
            if part.id == ALONE:
                return [{"text": "", "thoughtSignature": part.signature}]
            before = self.rest()
            self._pending = part.signature
            return before
        if part.kind == "thinking":
            piece = self._thought(part, path)
        elif part.kind == "tool_call":
            piece = _call(part)
        else:
            if part.kind == "text" and not part.text and not part.extra:
                return []
            # Citations go along in the candidate.
            piece = encode_part(replace(part, citations=()), path, {}, self._losses)
        if piece is None:
            return []
        if self._pending is not None and part.kind != "thinking":
            piece["thoughtSignature"], self._pending = self._pending, None
        return [piece]

    def _thought(self, part: Part, path: str) -> dict[str, Json] | None:
        piece: dict[str, Json] = {"text": part.text, "thought": True}
        if part.signature is not None:
            if part.origin == WIRE:
                piece["thoughtSignature"] = part.signature
            else:
                # It would come back to a provider of this family, which would refuse it.
                why = "it is of another family"
                self._losses.append(Loss(f"{path}.signature", "thinking signature", why))
        if part.origin == WIRE:
            piece.update(part.extra)
        return piece if part.text or "thoughtSignature" in piece else None

    def rest(self) -> list[Json]:
        """A signature without a part behind it."""
        left, self._pending = self._pending, None
        return [] if left is None else [{"text": "", "thoughtSignature": left}]


def _call(part: Part) -> dict[str, Json]:
    """A function call; arguments that are no JSON object go along as text, not to be lost."""
    arguments = raw_json(part.arguments or "{}")
    args: Json = {"_raw": part.arguments} if arguments is None else arguments
    call: dict[str, Json] = {"name": part.name or "", "args": args}
    own = written_id(part.id)
    if own is not None:
        call["id"] = own
    inner = part.extra.get("functionCall")
    if part.origin == WIRE and isinstance(inner, Mapping):
        call.update(inner)
    return {"functionCall": call}


def _sources(part: Part, number: int, start: int, losses: list[Loss]) -> list[Json]:
    """The citations of a foreign text part as the format's own."""
    written: list[Json] = []
    for citation in part.citations:
        if "native" in citation and part.origin == WIRE:
            continue  # it stands in the metadata of the candidate
        inner = citation.get("url_citation")
        source = inner if isinstance(inner, Mapping) else citation
        url = source.get("url")
        if not isinstance(url, str):
            losses.append(Loss(f"candidates[{number}]", "citation", "it has no address"))
            continue
        title = source.get("title")
        written.append(
            {
                "startIndex": start,
                "endIndex": start + len(part.text),
                "uri": url,
                **({"title": title} if isinstance(title, str) else {}),
            }
        )
    return written


def _ending(
    finish: Finish | None, sources: Sequence[Json], logprobs: Sequence[JsonObject]
) -> dict[str, Json]:
    """What a candidate says at its end."""
    extra = finish.extra if finish is not None else {}
    fields: dict[str, Json] = {"finishReason": write_reason(finish)}
    fields.update({name: extra[name] for name in _CANDIDATE if name in extra})
    if sources and "groundingMetadata" not in fields and "citationMetadata" not in fields:
        fields["citationMetadata"] = {"citations": list(sources)}
    if logprobs and "logprobsResult" not in fields:
        fields["logprobsResult"] = write_logprobs(logprobs)
    return fields


def _top(extra: JsonObject) -> dict[str, Json]:
    return {name: value for name, value in extra.items() if name not in _NOT_TOP}


def write_reply(reply: Reply, call: Call) -> tuple[bytes, tuple[Loss, ...]]:
    """A whole reply as JSON, and what of it this format could not show."""
    losses: list[Loss] = []
    candidates: list[Json] = []
    for number, choice in enumerate(reply.choices):
        writer = _Parts(losses)
        parts: list[Json] = []
        sources: list[Json] = []
        length = 0
        for at, part in enumerate(choice.parts):
            path = f"candidates[{number}].parts[{at}]"
            parts += writer.add(part, path)
            if part.kind == "text":
                sources += _sources(part, number, length, losses)
                length += len(part.text)
        parts += writer.rest()
        content: dict[str, Json] = {"role": "model"}
        if parts:
            content = {"parts": parts, "role": "model"}
        ending = _ending(choice.finish, sources, choice.logprobs)
        candidates.append({"content": content, "index": number, **ending})
    doc: dict[str, Json] = {"candidates": candidates}
    if reply.usage is not None:
        doc["usageMetadata"] = write_usage(reply.usage)
    doc.update({"modelVersion": reply.model, "responseId": reply.id, **_top(reply.extra)})
    return dump(doc), tuple(losses)


class GeminiWriter:
    """Writes one reply as a stream of chunks. `as_array`: one JSON array in place of server-sent
    events.

    Text goes out as it comes; calls, media and signatures as whole parts.
    """

    def __init__(self, call: Call, as_array: bool = False) -> None:
        self._as_array = as_array
        self._is_begun = False
        self._head: dict[str, Json] = {}
        self._extra: dict[str, Json] = {}
        self._open: dict[tuple[int, int], list[Event]] = {}
        self._parts: dict[int, _Parts] = {}
        self._length: dict[int, int] = {}
        self._sources: dict[int, list[Json]] = {}
        self._logprobs: dict[int, list[JsonObject]] = {}
        self._ended: list[Json] = []
        self._usage: Usage | None = None
        self._losses: list[Loss] = []

    def feed(self, events: Sequence[Event]) -> bytes:
        """The chunks that tell these events."""
        return b"".join([self._event(event) for event in events])

    def fail(self, fault: Fault) -> bytes:
        """An error object in place of the rest."""
        status = fault.row.status
        data = self._object(write_error(status, fault.message, fault.treated_as))
        return data + b"]" if self._as_array else data

    def close(self) -> bytes:
        """The last chunk: how each candidate ended, and the usage."""
        doc: dict[str, Json] = {"candidates": self._ended}
        if self._usage is not None:
            doc["usageMetadata"] = write_usage(self._usage)
        data = self._object({**doc, **self._head, **self._extra})
        return data + b"]" if self._as_array else data

    def losses(self) -> Sequence[Loss]:
        """What of the events this format could not show."""
        return tuple(self._losses)

    def _object(self, doc: JsonObject) -> bytes:
        if not self._as_array:
            return encode_event(dump(doc))
        before = b",\r\n" if self._is_begun else b"["
        self._is_begun = True
        return before + dump(doc)

    def _chunk(self, choice: int, parts: Sequence[Json]) -> bytes:
        if not parts:
            return b""
        content: Json = {"parts": list(parts), "role": "model"}
        return self._object({"candidates": [{"content": content, "index": choice}], **self._head})

    def _event(self, event: Event) -> bytes:
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, PartStart):
            self._open[event.choice, event.at] = [event]
            return self._words(event.part, event.part.text, event.choice, True)
        if isinstance(event, PartEnd):
            return self._end(event)
        if isinstance(event, Start):
            self._head = {"modelVersion": event.model, "responseId": event.id}
            self._extra = _top(event.extra)
        elif isinstance(event, Finish):
            sources = self._sources.get(event.choice, [])
            ending = _ending(event, sources, self._logprobs.get(event.choice, []))
            content: dict[str, Json] = {"role": "model"}
            left = self._writer(event.choice).rest()
            if left:
                content = {"parts": left, "role": "model"}
            self._ended.append({"content": content, "index": event.choice, **ending})
        elif isinstance(event, Used):
            self._usage = merged(self._usage, event.usage)
        elif isinstance(event, Opaque):
            if event.wire == WIRE and isinstance(event.data, Mapping):
                self._extra.update(event.data)
            else:
                self._losses.append(Loss(event.name, "event", _NO_FIELD))
        return b""

    def _writer(self, choice: int) -> _Parts:
        return self._parts.setdefault(choice, _Parts(self._losses))

    def _words(self, part: Part, text: str, choice: int, is_start: bool = False) -> bytes:
        """Text and thinking as they come: in pieces, without what only the whole part has."""
        if part.kind not in ("text", "thinking", "refusal") or not text:
            return b""
        if is_start and is_carrier(part):
            return b""
        path = f"candidates[{choice}]"
        piece = replace(part, text=text, signature=None, citations=(), id=None)
        return self._chunk(choice, self._writer(choice).add(piece, path))

    def _delta(self, event: Delta) -> bytes:
        if event.channel == "logprobs":
            if isinstance(event.value, Mapping):
                self._logprobs.setdefault(event.choice, []).append(event.value)
            return b""
        collected = self._open[event.choice, event.at]
        collected.append(event)
        if event.channel in ("text", "thinking", "refusal") and isinstance(event.value, str):
            begun = collected[0]
            assert isinstance(begun, PartStart)
            return self._words(begun.part, event.value, event.choice)
        return b""

    def _end(self, event: PartEnd) -> bytes:
        collected = self._open.pop((event.choice, event.at), [])
        if not collected:
            return b""
        folded = fold([Start("", ""), *collected])
        part = folded.choices[0].parts[0]
        path = f"candidates[{event.choice}].parts[{event.at}]"
        if part.kind in ("text", "refusal"):
            start = self._length.get(event.choice, 0)
            self._length[event.choice] = start + len(part.text)
            found = _sources(part, event.choice, start, self._losses)
            self._sources.setdefault(event.choice, []).extend(found)
            return b""
        if part.kind == "thinking" and not is_carrier(part):
            if part.signature is None:
                return b""
            part = replace(part, text="")
        return self._chunk(event.choice, self._writer(event.choice).add(part, path))
