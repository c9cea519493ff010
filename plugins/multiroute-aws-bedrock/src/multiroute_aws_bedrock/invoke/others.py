"""Embedding and reranking bodies of InvokeModel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_aws_bedrock.converse.shape import overlaid
from multiroute_aws_bedrock.models import bare, maker
from multiroute_core.api import (
    Call,
    CannotEncode,
    EmbedBody,
    Json,
    JsonObject,
    Loss,
    Pairs,
    RerankBody,
    frozen,
)
from multiroute_core.wire.fields import as_int, as_list, as_object, as_text, own_text, rest

EMBED: Final = "invoke.embeddings"
RERANK: Final = "invoke.rerank"
_NO_PARAM: Final = "target has no such parameter"
_TASKS: Final[Mapping[str, str]] = {
    "query": "search_query",
    "document": "search_document",
    "retrieval_query": "search_query",
    "retrieval_document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}


def decode_embed(doc: JsonObject, headers: Pairs, model: str) -> Call:
    """The call behind an embedding body: Titan's, Cohere's or Nova's.

    Raises:
        InvalidRequest: a field of the wrong type.
    """
    if "texts" in doc:
        listed = as_list(doc["texts"], "texts")
        size = doc.get("output_dimension")
        body = EmbedBody(
            inputs=tuple(as_text(text, f"texts[{at}]") for at, text in enumerate(listed)),
            dimensions=None if size is None else as_int(size, "output_dimension", 1),
            task=own_text(doc, "input_type"),
            origin=EMBED,
            extra=rest(doc, frozenset({"texts", "output_dimension", "input_type"})),
        )
    elif "inputText" in doc:
        size = doc.get("dimensions")
        body = EmbedBody(
            inputs=(as_text(doc["inputText"], "inputText"),),
            dimensions=None if size is None else as_int(size, "dimensions", 1),
            origin=EMBED,
            extra=rest(doc, frozenset({"inputText", "dimensions"})),
        )
    else:
        body = _nova(doc)
    return Call("embeddings", model, EMBED, False, body, frozen(doc), headers, True)


def _nova(doc: JsonObject) -> EmbedBody:
    name = "singleEmbeddingParams"
    given = doc.get(name)
    single = as_object(given, name) if given is not None else {}
    told = single.get("text")
    text = own_text(told, "value") if isinstance(told, Mapping) else None
    size = single.get("embeddingDimension")
    left: dict[str, Json] = {k: v for k, v in doc.items() if k != name and v is not None}
    inner = dict(rest(single, frozenset({"text", "embeddingDimension", "embeddingPurpose"})))
    if isinstance(told, Mapping):
        inner["text"] = rest(told, frozenset({"value"})) if text is not None else told
    if inner:
        left[name] = inner
    return EmbedBody(
        inputs=(text,) if text is not None else (),
        dimensions=None if size is None else as_int(size, f"{name}.embeddingDimension", 1),
        task=own_text(single, "embeddingPurpose"),
        origin=EMBED,
        extra=frozen(left),
    )


def encode_embed(
    body: EmbedBody, wire: str, model: str
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The body for an embedding model, and what it could not hold.

    Raises:
        CannotEncode: inputs that this model does not take; several where it takes one.
    """
    own = wire == EMBED
    losses: list[Loss] = []
    texts = [text for text in body.inputs if isinstance(text, str)]
    if len(texts) != len(body.inputs):
        raise CannotEncode("the model embeds text only")
    name = bare(model)
    doc: dict[str, Json]
    if maker(model) == "cohere":
        task = body.task or ("search_document" if not own else None)
        doc = {"texts": texts}
        if task is not None:
            doc["input_type"] = task if own else _TASKS.get(task.lower(), task)
        if body.dimensions is not None:
            doc["output_dimension"] = body.dimensions
    elif len(texts) > 1 or (not texts and not own):
        raise CannotEncode("the model embeds one text at a time")
    elif "nova" in name:
        doc = _to_nova(texts, body, own)
    else:
        doc = {"inputText": texts[0]}
        if body.dimensions is not None:
            doc["dimensions"] = body.dimensions
        if body.task is not None:
            losses.append(Loss("task", "purpose of the vectors", _NO_PARAM))
    losses.extend(Loss(param, "parameter", _NO_PARAM) for param in body.params if param != "user")
    if "user" in body.params:
        losses.append(Loss("user", "parameter", _NO_PARAM))
    if own:
        return overlaid(doc, body.extra), tuple(losses)
    losses.extend(Loss(field, "field", _NO_PARAM) for field in body.extra)
    return doc, tuple(losses)


def _to_nova(texts: list[str], body: EmbedBody, own: bool) -> dict[str, Json]:
    single: dict[str, Json] = {}
    if body.task is not None or not own:
        single["embeddingPurpose"] = body.task if body.task and own else "GENERIC_INDEX"
    if body.dimensions is not None:
        single["embeddingDimension"] = body.dimensions
    if texts:
        text: dict[str, Json] = {"value": texts[0]}
        if not own:
            text["truncationMode"] = "END"
        single["text"] = text
    doc: dict[str, Json] = {} if own else {"taskType": "SINGLE_EMBEDDING"}
    if single:
        doc["singleEmbeddingParams"] = single
    return doc


def decode_rerank(doc: JsonObject, headers: Pairs, model: str) -> Call:
    """The call behind a reranking body.

    Raises:
        InvalidRequest: a field of the wrong type.
    """
    documents = as_list(doc["documents"], "documents")
    top_n = doc.get("top_n")
    body = RerankBody(
        query=as_text(doc["query"], "query"),
        documents=tuple(
            item if isinstance(item, str) else as_object(item, f"documents[{at}]")
            for at, item in enumerate(documents)
        ),
        top_n=None if top_n is None else as_int(top_n, "top_n", 1),
        extra=rest(doc, frozenset({"query", "documents", "top_n"})),
    )
    return Call("rerank", model, RERANK, False, body, frozen(doc), headers, True)


def encode_rerank(
    body: RerankBody, wire: str, model: str
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The body for a reranking model, and what it could not hold."""
    own = wire == RERANK
    doc: dict[str, Json] = {"query": body.query, "documents": list(body.documents)}
    if body.top_n is not None:
        doc["top_n"] = body.top_n
    if maker(model) == "cohere" and not own:
        doc["api_version"] = 2
    losses = [Loss(name, "parameter", _NO_PARAM) for name in body.params]
    if body.return_documents:
        losses.append(Loss("return_documents", "documents in the answer", _NO_PARAM))
    if own:
        return {**doc, **body.extra}, tuple(losses)
    losses.extend(Loss(name, "field", _NO_PARAM) for name in body.extra)
    return doc, tuple(losses)
