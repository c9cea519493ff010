"""Bodies that are a prompt with settings: read and written by the table in `shape`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multiroute_aws_bedrock.converse.request_out import param_path
from multiroute_aws_bedrock.converse.shape import overlaid
from multiroute_aws_bedrock.invoke.shape import PromptShape
from multiroute_core.api import (
    Call,
    CannotEncode,
    ChatBody,
    Json,
    JsonObject,
    Loss,
    Message,
    Pairs,
    Part,
    frozen,
)
from multiroute_core.wire.fields import as_int, as_list, as_text

_NO_PARAM: Final = "target has no such parameter"


def _at(doc: JsonObject, path: str) -> Json:
    value: Json = doc
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _nested(path: str, value: Json) -> dict[str, Json]:
    written: Json = value
    for name in reversed(path.split(".")):
        written = {name: written}
    assert isinstance(written, dict)
    return written


def _without(doc: JsonObject, paths: frozenset[str], prefix: str = "") -> dict[str, Json]:
    """The document without these paths, and without nulls; what empties on the way goes too."""
    left: dict[str, Json] = {}
    for name, value in doc.items():
        path = f"{prefix}{name}"
        if value is None or path in paths:
            continue
        if isinstance(value, Mapping) and any(p.startswith(f"{path}.") for p in paths):
            inner = _without(value, paths, f"{path}.")
            if inner or not value:
                left[name] = inner
        else:
            left[name] = value
    return left


def decode_prompt(
    doc: JsonObject, shape: PromptShape, headers: Pairs, model: str, stream: bool
) -> Call:
    """The call that a prompt's body asks for: one user message.

    Raises:
        InvalidRequest: a field of the wrong type.
    """
    taken = {shape.prompt}
    params: dict[str, Json] = {}
    for name, path in (
        ("temperature", shape.temperature),
        ("top_p", shape.top_p),
        ("top_k", shape.top_k),
    ):
        value = _at(doc, path) if path else None
        if value is not None:
            params[name] = value
            taken.add(path)
    limit = _at(doc, shape.limit)
    taken.add(shape.limit)
    stop = _at(doc, shape.stop) if shape.stop else None
    texts: tuple[str, ...] = ()
    if stop and not isinstance(stop, str):
        texts = tuple(as_text(text, shape.stop) for text in as_list(stop, shape.stop))
        taken.add(shape.stop)
    choices = _at(doc, shape.choices) if shape.choices else None
    if isinstance(choices, int) and choices > 1:
        taken.add(shape.choices)
    else:
        choices = 1
    text = as_text(_at(doc, shape.prompt), shape.prompt)
    body = ChatBody(
        messages=(Message("user", (Part("text", text=text),), shape.wire),),
        choices=choices,
        max_output=None if limit is None else as_int(limit, shape.limit, 0),
        stop=texts,
        params=frozen(params),
        extra=frozen(_without(doc, frozenset(taken))),
    )
    return Call("chat", model, shape.wire, stream, body, frozen(doc), headers, True)


def encode_prompt(
    call: Call, shape: PromptShape, max_output: int
) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The body for a prompt, and what it could not hold.

    Raises:
        CannotEncode: more than one text of one user: such models know no turns.
    """
    body = call.body
    assert isinstance(body, ChatBody)
    own = call.wire == shape.wire
    only = body.messages[0] if len(body.messages) == 1 else None
    if only is None or only.role != "user" or any(part.kind != "text" for part in only.parts):
        raise CannotEncode("the model completes one prompt: send conversations through Converse")
    if body.tools or body.schema is not None:
        raise CannotEncode("the model completes one prompt, without tools or schemas")
    losses: list[Loss] = []
    doc = _nested(shape.prompt, "".join(part.text for part in only.parts))
    limit = body.max_output
    if limit is None and not own:
        limit = max_output
    if limit is not None:
        doc = overlaid(doc, _nested(shape.limit, limit))
    if body.stop:
        if shape.stop:
            doc = overlaid(doc, _nested(shape.stop, list(body.stop)))
        else:
            losses.append(Loss("stop", "stop sequences", _NO_PARAM))
    if body.choices != 1:
        if shape.choices:
            doc = overlaid(doc, _nested(shape.choices, body.choices))
        else:
            losses.append(Loss("n", "several choices", "target gives one answer"))
    if body.reasoning is not None:
        wish = "reasoning" if body.reasoning.origin == "responses" else "reasoning_effort"
        losses.append(Loss(wish, "thinking", "the model does not think"))
    if body.tool_choice is not None:
        losses.append(Loss("tool_choice", "tool choice", "there are no tools to choose from"))
    paths = {"temperature": shape.temperature, "top_p": shape.top_p, "top_k": shape.top_k}
    for name, value in body.params.items():
        path = paths.get(name)
        if path:
            doc = overlaid(doc, _nested(path, value))
        else:
            losses.append(Loss(param_path(name, call), "parameter", _NO_PARAM))
    if own:
        return overlaid(doc, body.extra), tuple(losses)
    losses.extend(Loss(name, "field", _NO_PARAM) for name in body.extra)
    for at, part in enumerate(only.parts):
        where = f"messages[0].content[{at}]"
        losses.extend(Loss(f"{where}.{name}", "content field", _NO_PARAM) for name in part.extra)
        if part.cache is not None:
            losses.append(Loss(f"{where}.cache_control", "cache mark", _NO_PARAM))
        if part.citations:
            losses.append(Loss(f"{where}.citations", "citations", _NO_PARAM))
    losses.extend(Loss(f"messages[0].{name}", "message field", _NO_PARAM) for name in only.extra)
    return doc, tuple(losses)
