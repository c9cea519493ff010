"""Embedding requests and replies: `embedContent`, `batchEmbedContents`, and Vertex's `predict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from multiroute_core.api import (
    Broken,
    CannotEncode,
    EmbedBody,
    Embeddings,
    Event,
    Fault,
    Finish,
    InvalidRequest,
    Json,
    JsonObject,
    Loss,
    Part,
    Result,
    Usage,
    Used,
    frozen,
)
from multiroute_core.wire.fields import as_int, as_list, as_object, as_text, rest, text_or_none
from multiroute_core.wire.strict import loads
from multiroute_google.gemini.faults import fault_of
from multiroute_google.gemini.ids import CallIds
from multiroute_google.gemini.parts import decode_part, encode_part
from multiroute_google.gemini.spelling import WIRE, keyed
from multiroute_google.gemini.usage import usage

Form: TypeAlias = Literal["one", "batch", "predict"]
"""`embedContent`, `batchEmbedContents`, `predict`."""

_REQUEST: Final = frozenset({"model", "content", "taskType", "outputDimensionality"})
_INSTANCE: Final = frozenset({"content", "task_type"})
_TASKS: Final[Mapping[str, str]] = {
    "search_query": "RETRIEVAL_QUERY",
    "query": "RETRIEVAL_QUERY",
    "search_document": "RETRIEVAL_DOCUMENT",
    "document": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""Words of other formats for what vectors are for."""


def form_of(doc: JsonObject) -> Form:
    """Which of the three forms a document has."""
    if "instances" in doc:
        return "predict"
    return "batch" if "requests" in doc else "one"


def decode_embed(doc: JsonObject) -> EmbedBody:
    """The body of an embedding request, in any of the three forms.

    Raises:
        InvalidRequest: a field of the wrong type, or requests of a batch that differ in more than
            their content.
    """
    if form_of(doc) == "predict":
        return _decode_predict(doc)
    listed = as_list(doc["requests"], "requests") if "requests" in doc else [doc]
    if not listed:
        raise InvalidRequest("requests must hold at least one request", param="requests")
    inputs: list[str | tuple[int, ...] | tuple[Part, ...]] = []
    options: list[dict[str, Json]] = []
    for number, one in enumerate(listed):
        path = f"requests[{number}]" if "requests" in doc else ""
        fields = keyed(as_object(one, path), _REQUEST, path)
        inputs.append(_input(fields.pop("content", None), f"{path}.content".lstrip(".")))
        fields.pop("model", None)
        options.append(fields)
    if any(other != options[0] for other in options):
        raise InvalidRequest("the requests of a batch must have the same options", param="requests")
    size = options[0].get("outputDimensionality")
    extra = dict(rest(options[0], _REQUEST | {"stream", "alt"}))
    if "requests" in doc:
        outer = frozenset({"requests", "model", "stream", "alt"})
        extra.update({f"batch.{name}": value for name, value in rest(doc, outer).items()})
    return EmbedBody(
        tuple(inputs),
        dimensions=None if size is None else as_int(size, "outputDimensionality", 1),
        task=text_or_none(options[0].get("taskType"), "taskType"),
        origin=WIRE,
        extra=frozen(extra),
    )


def _input(content: Json, path: str) -> str | tuple[Part, ...]:
    fields = as_object(content, path)
    given = fields.get("parts")
    listed = [given] if isinstance(given, Mapping) else as_list(given, f"{path}.parts")
    ids = CallIds()
    parts = tuple(
        part
        for number, one in enumerate(listed)
        for part in decode_part(one, f"{path}.parts[{number}]", ids)
    )
    if len(parts) == 1 and parts[0].kind == "text" and not parts[0].extra:
        return parts[0].text
    return parts


def _decode_predict(doc: JsonObject) -> EmbedBody:
    instances = as_list(doc["instances"], "instances")
    rows = [as_object(one, f"instances[{at}]") for at, one in enumerate(instances)]
    if not rows:
        raise InvalidRequest("instances must hold at least one instance", param="instances")
    inputs = tuple(
        as_text(row.get("content"), f"instances[{at}].content") for at, row in enumerate(rows)
    )
    options = [{k: v for k, v in row.items() if k != "content"} for row in rows]
    if any(other != options[0] for other in options):
        raise InvalidRequest("the instances must have the same options", param="instances")
    fields = keyed(as_object(doc.get("parameters") or {}, "parameters"), _REQUEST, "parameters")
    size = fields.pop("outputDimensionality", None)
    extra: dict[str, Json] = {
        f"instances.{name}": value for name, value in rest(options[0], _INSTANCE).items()
    }
    extra.update({f"parameters.{name}": value for name, value in fields.items()})
    outer = frozenset({"instances", "parameters", "model", "stream", "alt"})
    extra.update(rest(doc, outer))
    return EmbedBody(
        inputs,
        dimensions=None if size is None else as_int(size, "parameters.outputDimensionality", 1),
        task=text_or_none(options[0].get("task_type"), "instances[0].task_type"),
        origin=WIRE,
        extra=frozen(extra),
    )


def encode_embed(
    body: EmbedBody, model: str, given: JsonObject, form: Form | None = None
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document, in `form` (default: that of the document `given`, else a batch), and what it
    could not hold.

    Raises:
        CannotEncode: token ids, or more than the form can hold.
    """
    form = form or (form_of(given) if given else "batch")
    losses: list[Loss] = []
    options: dict[str, Json] = {}
    task = _task(body, losses)
    if task is not None:
        options["task_type" if form == "predict" else "taskType"] = task
    if body.dimensions is not None and form != "predict":
        options["outputDimensionality"] = body.dimensions
    losses.extend(Loss(name, "parameter", "target has no such parameter") for name in body.params)
    outer: dict[str, Json] = {}
    parameters: dict[str, Json] = {}
    for name, value in body.extra.items():
        place, dot, inner = name.partition(".")
        if body.origin != WIRE:
            losses.append(Loss(name, "field", "belongs to another API format"))
        elif place == "parameters" and dot:
            parameters[inner] = value
        elif place == "batch" and dot:
            outer[inner] = value
        elif form == "predict" and not dot:
            outer[name] = value
        else:
            options[inner if dot else name] = value
    if form == "predict":
        if body.dimensions is not None:
            parameters["outputDimensionality"] = body.dimensions
        texts = [_text(one) for one in body.inputs]
        doc: dict[str, Json] = {"instances": [{"content": text, **options} for text in texts]}
        if parameters:
            doc["parameters"] = parameters
        return {**doc, **outer}, tuple(losses)
    contents = [_content(one, f"input[{at}]", losses) for at, one in enumerate(body.inputs)]
    if form == "one":
        if len(contents) != 1:
            raise CannotEncode("this model embeds one input at a time")
        own = _own_model(model, given.get("model"))
        return {**own, "content": contents[0], **options}, tuple(losses)
    listed = given.get("requests")
    models = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()
    requests: list[Json] = []
    for at, content in enumerate(contents):
        row = models[at] if at < len(models) else None
        own = _own_model(model, row.get("model") if isinstance(row, Mapping) else None)
        requests.append({**own, "content": content, **options})
    return {"requests": requests, **outer}, tuple(losses)


def _own_model(model: str, given: Json) -> dict[str, Json]:
    if model:
        return {"model": f"models/{model.removeprefix('models/')}"}
    return {} if given is None else {"model": given}


def _task(body: EmbedBody, losses: list[Loss]) -> str | None:
    if body.task is None or body.origin in (None, WIRE) or body.task.isupper():
        return body.task
    known = _TASKS.get(body.task.lower())
    if known is None:
        losses.append(Loss("input_type", "task", "target does not know the word"))
    return known


def _text(value: str | tuple[int, ...] | tuple[Part, ...]) -> str:
    if isinstance(value, str):
        return value
    raise CannotEncode("this model embeds text only")


def _content(
    value: str | tuple[int, ...] | tuple[Part, ...], path: str, losses: list[Loss]
) -> dict[str, Json]:
    if isinstance(value, str):
        return {"parts": [{"text": value}]}
    pieces: list[Json] = []
    for number, part in enumerate(value):
        if not isinstance(part, Part):
            raise CannotEncode("token ids cannot be embedded here: send text")
        piece = encode_part(part, f"{path}[{number}]", {}, losses)
        if piece is not None:
            pieces.append(piece)
    return {"parts": pieces}


def decode_embed_reply(body: bytes) -> list[Event]:
    """The events of a whole embedding reply, in any of the three forms."""
    try:
        doc: Json = loads(body)
    except ValueError:
        return [Broken(Fault("protocol", "the provider's reply is not valid JSON"))]
    if not isinstance(doc, Mapping):
        return [Broken(Fault("protocol", "the provider's reply is not a JSON object"))]
    if doc.get("error"):
        return [Broken(fault_of("error_in_200", doc))]
    vectors: list[tuple[float, ...]] = []
    for row in _rows(doc):
        values = row.get("values") if isinstance(row, Mapping) else None
        if isinstance(values, str) or not isinstance(values, Sequence):
            return [Broken(Fault("protocol", "the provider's reply has a row without a vector"))]
        vectors.append(tuple(float(value) for value in values if isinstance(value, (int, float))))
    if not vectors:
        return [Broken(Fault("empty", "the provider's reply has no vectors"))]
    events: list[Event] = []
    used = _used(doc)
    if used is not None:
        events.append(Used(used))
    return [*events, Result(Embeddings(tuple(vectors))), Finish("stop", "")]


def _rows(doc: JsonObject) -> list[Json]:
    one, many, predicted = doc.get("embedding"), doc.get("embeddings"), doc.get("predictions")
    if isinstance(one, Mapping):
        return [one]
    if isinstance(many, Sequence) and not isinstance(many, str):
        return list(many)
    if isinstance(predicted, Sequence) and not isinstance(predicted, str):
        return [row.get("embeddings") if isinstance(row, Mapping) else None for row in predicted]
    return []


def _used(doc: JsonObject) -> Usage | None:
    native = doc.get("usageMetadata")
    if isinstance(native, Mapping):
        return usage(native)
    counts: list[int] = []
    for row in _rows(doc):
        statistics = row.get("statistics") if isinstance(row, Mapping) else None
        count = statistics.get("token_count") if isinstance(statistics, Mapping) else None
        if isinstance(count, (int, float)) and not isinstance(count, bool):
            counts.append(int(count))
    return Usage(input_fresh=sum(counts)) if counts else None


def write_embed(result: Embeddings, doc: JsonObject) -> dict[str, Json]:
    """The reply for a client of this format, in the form of its request.

    Raises:
        CannotEncode: vectors in base64, which this format does not have.
    """
    rows: list[Json] = []
    for vector in result.vectors:
        if isinstance(vector, str):
            raise CannotEncode("vectors in base64 cannot be written in the Gemini format")
        rows.append({"values": vector})
    if form_of(doc) == "predict":
        return {"predictions": [{"embeddings": row} for row in rows]}
    if form_of(doc) == "batch":
        return {"embeddings": rows}
    return {"embedding": rows[0] if rows else {"values": []}}
