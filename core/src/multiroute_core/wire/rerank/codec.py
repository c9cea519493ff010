"""Requests for reranking and their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from multiroute_core.api.call import Call, Operation, Pairs
from multiroute_core.api.errors import CannotEncode, InvalidRequest
from multiroute_core.api.events import Broken, Event
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json, JsonObject, frozen
from multiroute_core.api.operations import Ranked, Ranking, RerankBody
from multiroute_core.api.reply import Reply
from multiroute_core.api.usage import Usage
from multiroute_core.wire.chat.usage import usage as chat_usage
from multiroute_core.wire.fields import as_bool, as_int, as_list, as_text, rest, wrong
from multiroute_core.wire.plain import PlainDialect, read_object, told
from multiroute_core.wire.strict import dump

WIRE: Final = "rerank"
_KNOWN: Final = frozenset({"model", "query", "documents", "top_n", "return_documents"})
_REPLY: Final = frozenset({"id", "model", "results", "data", "usage"})


def decode_call(doc: JsonObject, headers: Pairs = ()) -> Call:
    """The call that a document asks for.

    Raises:
        InvalidRequest: a field of the wrong type or a missing one.
    """
    documents: list[str | JsonObject] = []
    for number, item in enumerate(as_list(doc.get("documents"), "documents")):
        if not isinstance(item, (str, Mapping)):
            raise wrong(f"documents[{number}]", "a text or an object", item)
        documents.append(item)
    if not documents:
        raise InvalidRequest("documents must hold at least one document", param="documents")
    top = doc.get("top_n")
    wants = doc.get("return_documents")
    model = doc.get("model")
    body = RerankBody(
        query=as_text(doc.get("query"), "query"),
        documents=tuple(documents),
        top_n=None if top is None else as_int(top, "top_n", 1),
        return_documents=False if wants is None else as_bool(wants, "return_documents"),
        extra=rest(doc, _KNOWN),
    )
    name = "" if model is None else as_text(model, "model")
    return Call("rerank", name, WIRE, False, body, frozen(doc), headers)


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for an upstream of this format, and what it could not hold.

    Raises:
        CannotEncode: not a rerank call.
    """
    body = call.body
    if not isinstance(body, RerankBody):
        raise CannotEncode(f"{call.operation} cannot be sent as a rerank request")
    doc: dict[str, Json] = {
        "model": model,
        "query": body.query,
        "documents": list(body.documents),
    }
    if body.top_n is not None:
        doc["top_n"] = body.top_n
    if body.return_documents or (call.wire == WIRE and "return_documents" in call.doc):
        doc["return_documents"] = body.return_documents
    if call.wire == WIRE:
        doc.update(body.extra)
        return doc, ()
    why = "belongs to another API format"
    return doc, tuple(Loss(name, "field", why) for name in body.extra)


def usage(native: JsonObject) -> Usage:
    """The buckets: input tokens, or search units as a tool unit."""
    used = chat_usage({"prompt_tokens": native.get("total_tokens"), **native})
    units = native.get("search_units")
    return Usage(
        input_fresh=used.input_fresh,
        tool_units=(("search_units", units),) if isinstance(units, int) and units > 0 else (),
        reported_cost_pusd=used.reported_cost_pusd,
        native=native,
    )


def decode_reply(body: bytes, read_usage: Callable[[JsonObject], Usage] = usage) -> Sequence[Event]:
    """The events of a whole answer; results stand under `results` or `data`."""
    doc = read_object(body)
    if isinstance(doc, Broken):
        return [doc]
    results = doc.get("results")
    if results is None:
        results = doc.get("data")
    if isinstance(results, str) or not isinstance(results, Sequence):
        return [Broken(Fault("protocol", "the provider's reply has no results"))]
    ranked: list[Ranked] = []
    for item in results:
        if not isinstance(item, Mapping):
            return [Broken(Fault("protocol", "a result is not an object"))]
        index, score = item.get("index"), item.get("relevance_score")
        if not isinstance(index, int) or not isinstance(score, (int, float)):
            return [Broken(Fault("protocol", "a result has no index or score"))]
        document = item.get("document")
        kept = document if isinstance(document, (str, Mapping)) else None
        ranked.append(Ranked(index, float(score), kept))
    return told(doc, Ranking(tuple(ranked)), _usage_of(doc, read_usage), _REPLY)


def _usage_of(doc: JsonObject, read_usage: Callable[[JsonObject], Usage]) -> Usage | None:
    native = doc.get("usage")
    if isinstance(native, Mapping):
        return read_usage(native)
    meta = doc.get("meta")
    billed = meta.get("billed_units") if isinstance(meta, Mapping) else None
    return read_usage(billed) if isinstance(billed, Mapping) else None


def write_reply(reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
    """An answer for a client of this format."""
    result = reply.result
    body = call.body
    if not isinstance(result, Ranking) or not isinstance(body, RerankBody):
        raise CannotEncode("the answer holds no ranking")
    results: list[Json] = []
    for one in result.results:
        written: dict[str, Json] = {"index": one.index, "relevance_score": one.score}
        document = one.document
        if document is None and body.return_documents and one.index < len(body.documents):
            document = body.documents[one.index]
        if document is not None:
            written["document"] = {"text": document} if isinstance(document, str) else document
        results.append(written)
    doc: dict[str, Json] = {"id": reply.id, "model": reply.model, "results": results}
    if reply.usage is not None:
        units = dict(reply.usage.tool_units).get("search_units")
        used: dict[str, Json] = {"total_tokens": reply.usage.input_tokens}
        if units is not None:
            used["search_units"] = units
            doc["meta"] = {"billed_units": {"search_units": units}}
        doc["usage"] = used
    return dump(doc), ()


class RerankDialect(PlainDialect):
    """`/v1/rerank`, client's side."""

    _wire = WIRE

    def call(self, operation: Operation, doc: JsonObject, headers: Pairs) -> Call:
        """The request in our words. Raises InvalidRequest."""
        return decode_call(doc, headers)

    def reply(self, reply: Reply, call: Call) -> tuple[bytes, Sequence[Loss]]:
        """A whole answer as JSON."""
        return write_reply(reply, call)
