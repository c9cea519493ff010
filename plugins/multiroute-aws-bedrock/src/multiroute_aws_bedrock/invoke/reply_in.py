"""InvokeModel replies as events: whole bodies and the chunks of a stream, whichever model's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from multiroute_aws_bedrock.converse.reply_in import EVENTS, ConverseReader
from multiroute_aws_bedrock.converse.usage import from_headers
from multiroute_aws_bedrock.faults import error_in_200
from multiroute_aws_bedrock.invoke.text import (
    ACTION,
    METRICS,
    TRACE,
    WIRE,
    TextReader,
    pieces,
    usage as counted_usage,
)
from multiroute_aws_bedrock.invoke.vectors import vectors_of
from multiroute_core.api import (
    Broken,
    Event,
    Fault,
    Finish,
    Head,
    Image,
    Images,
    Json,
    JsonObject,
    Media,
    Opaque,
    Ranked,
    Ranking,
    Result,
    ResultValue,
    Start,
    Used,
)
from multiroute_core.wire import chat, messages
from multiroute_core.wire.sse import encode_event
from multiroute_core.wire.strict import dump, loads

_AROUND: Final = frozenset({METRICS, ACTION, TRACE})


class _Reader(Protocol):
    def chunk(self, doc: JsonObject, out: list[Event]) -> None: ...

    def close(self) -> list[Event]: ...


class _Framed:
    """Chunks of a format whose reader takes server-sent events."""

    def __init__(self, decoder: messages.MessagesDecoder | chat.ChatDecoder) -> None:
        self._decoder = decoder

    def chunk(self, doc: JsonObject, out: list[Event]) -> None:
        own = {k: v for k, v in doc.items() if k not in _AROUND}
        if own:
            out.extend(self._decoder.feed(encode_event(dump(own))))

    def close(self) -> list[Event]:
        return self._decoder.close()


class _Conversed:
    """Chunks that hold the events of a Converse stream, one each."""

    def __init__(self, reader: ConverseReader) -> None:
        self._reader = reader

    def chunk(self, doc: JsonObject, out: list[Event]) -> None:
        for name, payload in doc.items():
            if name not in _AROUND and isinstance(payload, Mapping):
                self._reader.event(name, payload, out)

    def close(self) -> list[Event]:
        if self._reader.finished:
            return []
        return [Broken(Fault("truncated", "the provider's stream ended before the answer did"))]


class InvokeReader:
    """Reads the chunks of one stream; the first tells whose they are."""

    def __init__(self, reply_id: str = "", model: str = "") -> None:
        self._id = reply_id
        self._model = model
        self._reader: _Reader | None = None
        self._counted = False

    def chunk(self, data: Json, out: list[Event]) -> None:
        """One chunk: base64 of a JSON object."""
        doc: Json = None
        if isinstance(data, str):
            try:
                doc = loads(base64.b64decode(data, validate=True))
            except (binascii.Error, ValueError):
                doc = None
        if not isinstance(doc, Mapping):
            out.append(Broken(Fault("protocol", "the provider's stream holds an unreadable chunk")))
            return
        if self._reader is None:
            self._reader = self._reader_for(doc)
        before = len(out)
        self._reader.chunk(doc, out)
        self._counted = self._counted or any(type(event) is Used for event in out[before:])
        if isinstance(self._reader, TextReader):
            return
        metrics = doc.get(METRICS)
        if isinstance(metrics, Mapping) and not self._counted:
            self._counted = True
            out.append(Used(counted_usage(metrics)))
        if doc.get(ACTION) not in (None, "NONE") and TRACE in doc:
            out.append(Opaque(WIRE, "guardrail", {ACTION: doc[ACTION], TRACE: doc[TRACE]}))

    def close(self) -> list[Event]:
        """`Broken` unless the answer is complete."""
        if self._reader is None:
            return [Broken(Fault("truncated", "the provider's stream ended before the answer did"))]
        return self._reader.close()

    def _reader_for(self, doc: JsonObject) -> _Reader:
        if isinstance(doc.get("type"), str):
            return _Framed(messages.MessagesDecoder())
        if EVENTS & doc.keys():
            reader = ConverseReader(reply_id=self._id, model=self._model, joins_text=True)
            return _Conversed(reader)
        if "choices" in doc and pieces(doc) is None:
            return _Framed(chat.ChatDecoder())
        return TextReader(self._id, self._model)


def whole(doc: JsonObject, head: Head, reply_id: str = "", model: str = "") -> list[Event]:
    """The events of a whole reply. Counts in headers stand in where the body has none."""
    headers = from_headers(head)
    output = doc.get("output")
    if isinstance(output, Mapping) and "message" in output:
        return _counted(ConverseReader(reply_id=reply_id, model=model).whole(doc), headers)
    if doc.get("type") in ("message", "error"):
        return _counted(messages.MessagesDecoder().whole(doc), headers)
    result = _result(doc)
    if result is not None:
        events: list[Event] = [Start(str(doc.get("id") or reply_id), model), Result(result)]
        if not headers and isinstance(doc.get("inputTextTokenCount"), int):
            headers["inputTokenCount"] = doc["inputTextTokenCount"]
        if headers:
            events.append(Used(counted_usage(headers)))
        return [*events, Finish("stop", "")]
    if pieces(doc) is not None:
        reader = TextReader(reply_id, model)
        out: list[Event] = []
        reader.chunk(doc, out)
        if headers:
            out = [event for event in out if type(event) is not Used]
            out.append(Used(counted_usage(headers)))
        for event in reader.close():
            assert isinstance(event, Broken)
            out.append(Broken(Fault("empty", "the provider's reply has no finish reason")))
        return out
    fault = error_in_200(doc)
    if fault is not None:
        return [Broken(fault)]
    if "choices" in doc or "error" in doc:
        return _counted(chat.ChatDecoder().whole(doc), headers)
    return [Broken(Fault("protocol", "the provider's reply is of no known form"))]


def _counted(events: list[Event], headers: JsonObject) -> list[Event]:
    """With the headers' counts, where the body had none."""
    if headers and not any(type(event) is Used for event in events):
        return [*events, Used(counted_usage(headers))]
    return events


def _result(doc: JsonObject) -> ResultValue | None:
    vectors = vectors_of(doc)
    if vectors is not None:
        return vectors
    results = doc.get("results")
    if isinstance(results, Sequence) and not isinstance(results, str):
        ranked = tuple(
            Ranked(int(item["index"]), float(item["relevance_score"]))  # type: ignore[arg-type]  # numbers on this wire
            for item in results
            if isinstance(item, Mapping) and "relevance_score" in item and "index" in item
        )
        if ranked or not results:
            return Ranking(ranked)
    images = doc.get("images")
    if isinstance(images, Sequence) and not isinstance(images, str):
        made = [image for image in images if isinstance(image, str)]
        return Images(tuple(Image(Media("image/png", image)) for image in made))
    return None
