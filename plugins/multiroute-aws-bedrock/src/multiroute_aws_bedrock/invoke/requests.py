"""InvokeModel requests in our words, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

import orjson
from msgspec.structs import replace

from multiroute_aws_bedrock.converse.request_in import decode_call as decode_converse, packed_count
from multiroute_aws_bedrock.converse.request_out import encode_call as encode_converse
from multiroute_aws_bedrock.converse.shape import WIRE as CONVERSE, overlaid
from multiroute_aws_bedrock.invoke.others import (
    decode_embed,
    decode_rerank,
    encode_embed,
    encode_rerank,
)
from multiroute_aws_bedrock.invoke.prompts import decode_prompt, encode_prompt
from multiroute_aws_bedrock.invoke.shape import PROMPTS, VERSION, wire_for, wire_of
from multiroute_core.api import (
    Call,
    CannotEncode,
    ChatBody,
    EmbedBody,
    InvalidRequest,
    Json,
    JsonObject,
    Loss,
    Pairs,
    RerankBody,
    frozen,
    plain,
)
from multiroute_core.wire import chat, messages

_NOVA_LIMITS: Final = ("max_new_tokens", "maxTokens")


def decode_call(
    doc: JsonObject, headers: Pairs = (), *, model: str = "", stream: bool = False
) -> Call:
    """The call that a body asks for; model and streaming stand in the path, not in it.

    Raises:
        InvalidRequest: a body of no known model, or a field of the wrong type.
    """
    wire = wire_of(doc, model)
    if wire == "messages":
        call = messages.decode_call({**doc, "model": model, "stream": stream}, headers)
    elif wire == "chat":
        call = chat.decode_call({**doc, "model": model, "stream": stream}, headers)
    elif wire == CONVERSE:
        nova = decode_converse(_from_nova(doc), headers, model=model, stream=stream)
        call = replace(nova, doc=frozen(doc))
    elif wire == "embeddings":
        call = decode_embed(doc, headers, model)
    elif wire == "rerank":
        call = decode_rerank(doc, headers, model)
    elif wire in PROMPTS:
        call = decode_prompt(doc, PROMPTS[wire], headers, model, stream)
    else:
        raise InvalidRequest("the body is that of no model known here")
    return call


def encode_call(
    call: Call, model: str, max_output: int
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The body for a model, and what it could not hold. The model goes into the path.

    `max_output`: tokens to allow where the client names no limit and the body requires one.

    Raises:
        CannotEncode: this model's body cannot hold the call at all.
    """
    if isinstance(call.body, EmbedBody):
        return encode_embed(call.body, call.wire, model)
    if isinstance(call.body, RerankBody):
        return encode_rerank(call.body, call.wire, model)
    if not isinstance(call.body, ChatBody):
        raise CannotEncode(f"{call.operation} cannot be sent through InvokeModel")
    wire = call.wire if call.wire in PROMPTS else wire_for(model)
    if call.wire in ("messages", "chat", CONVERSE) and _is_at_home(call):
        wire = call.wire
    if wire == "messages":
        return _messages(call, model, max_output)
    if wire == "chat":
        doc, losses = chat.encode_call(call, model, limit_name="max_tokens")
        return {k: v for k, v in doc.items() if k not in _IN_PATH}, losses
    if wire == CONVERSE:
        doc, losses = encode_converse(call, model)
        return _to_nova(doc, call), losses
    return encode_prompt(call, PROMPTS[wire], max_output)


_IN_PATH: Final = frozenset({"model", "stream", "stream_options"})


def _is_at_home(call: Call) -> bool:
    """Whether the call came as a body for InvokeModel, and so is written as it was."""
    doc = call.doc
    return "anthropic_version" in doc or "schemaVersion" in doc


def _messages(call: Call, model: str, max_output: int) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    doc, losses = messages.encode_call(call, model, max_output)
    written: dict[str, Json] = {k: v for k, v in doc.items() if k not in _IN_PATH}
    written.setdefault("anthropic_version", VERSION)
    betas = [
        beta.strip()
        for name, value in call.headers
        if name == messages.BETA_HEADER
        for beta in value.decode("latin-1").split(",")
        if beta.strip()
    ]
    if betas and "anthropic_beta" not in written:
        written["anthropic_beta"] = betas
    return written, losses


def _from_nova(doc: JsonObject) -> dict[str, Json]:
    """Nova's body is that of Converse, with names of its own for the output limit and top_k."""
    config = doc.get("inferenceConfig")
    if not isinstance(config, Mapping):
        return dict(doc)
    read = dict(config)
    for name in _NOVA_LIMITS:
        if name in read:
            read["maxTokens"] = read.pop(name)
            break
    top_k = read.pop("topK", None)
    written: dict[str, Json] = {**doc, "inferenceConfig": read}
    if top_k is not None:
        return overlaid(written, {"additionalModelRequestFields": {"top_k": top_k}})
    return written


def _to_nova(doc: dict[str, Json], call: Call) -> dict[str, Json]:
    given = call.doc.get("inferenceConfig")
    spelt = given if isinstance(given, Mapping) else {}
    config = doc.get("inferenceConfig")
    written: dict[str, Json] = dict(config) if isinstance(config, Mapping) else {}
    if "maxTokens" in written and "max_new_tokens" in spelt:
        written["max_new_tokens"] = written.pop("maxTokens")
    more = doc.pop("additionalModelRequestFields", None)
    if isinstance(more, Mapping):
        rest = dict(more)
        inner = rest.pop("inferenceConfig", None)
        if isinstance(inner, Mapping):
            written.update(inner)
        top_k = rest.pop("top_k", None)
        if top_k is not None:
            written["topK"] = top_k
        doc.update(rest)
    if written or isinstance(config, Mapping):
        doc["inferenceConfig"] = written
    doc.setdefault("schemaVersion", "messages-v1")
    return doc


def decode_count(doc: JsonObject, headers: Pairs = (), *, model: str = "") -> Call | None:
    """The call behind a CountTokens request of the InvokeModel kind; None: it is of another.

    Raises:
        InvalidRequest: the body is not that of a model that can count.
    """
    body = packed_count(doc)
    if body is None:
        return None
    if wire_of(body, model) != "messages":
        raise InvalidRequest("tokens can be counted for a messages body only")
    return messages.decode_call({**body, "model": model}, headers, "count_tokens")


def encode_count(
    call: Call, model: str, max_output: int
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for CountTokens that counts a messages body.

    Raises:
        CannotEncode: as `encode_call`.
    """
    doc, losses = _messages(call, model, max_output)
    # The body is checked as if it were to be answered: it needs a limit, which counts nothing.
    limit = call.body.max_output if isinstance(call.body, ChatBody) else None
    doc.setdefault("max_tokens", limit or max_output)
    packed = base64.b64encode(orjson.dumps(doc, default=plain)).decode()
    return {"input": {"invokeModel": {"body": packed}}}, losses
