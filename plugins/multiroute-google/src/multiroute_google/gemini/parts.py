"""Parts of a content: in our words, and back. Requests and replies have the same parts.

`thoughtSignature` may stand on any part. On a thought it is that thinking's signature; on any other
part it becomes a thinking part of its own in front of it, so that every dialect hands it on as it
does with hidden thinking, and clients send it back. Its id says where it belongs: the id of a tool
call, `NEXT` (the part that follows) or `ALONE` (an empty text part).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import (
    CannotEncode,
    Json,
    JsonObject,
    Loss,
    Part,
    PartKind,
    frozen,
)
from multiroute_core.wire.fields import as_object, as_text, rest, text_or_none
from multiroute_core.wire.strict import dump, raw_json
from multiroute_google.gemini.ids import CallIds, written_id
from multiroute_google.gemini.media import media_part, write_media
from multiroute_google.gemini.spelling import WIRE, keyed

NEXT: Final = "next"
ALONE: Final = "alone"
FOREIGN: Final = "belongs to another API format"

_NATIVE: Final[Mapping[str, PartKind]] = {
    "executableCode": "server_tool_call",
    "toolCall": "server_tool_call",
    "codeExecutionResult": "server_tool_result",
    "toolResponse": "server_tool_result",
}
_PART: Final = frozenset(
    {
        "text",
        "thought",
        "thoughtSignature",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        *_NATIVE,
    }
)
_CALL: Final = frozenset({"id", "name", "args"})
_RESPONSE: Final = frozenset({"id", "name", "response", "parts"})


def is_carrier(part: Part) -> bool:
    """Whether this thinking part is the signature of another part."""
    return (
        part.kind == "thinking"
        and part.origin == WIRE
        and part.id is not None
        and part.signature is not None
        and not part.text
    )


def _carrier(signature: str, of: str) -> Part:
    return Part("thinking", id=of, signature=signature, origin=WIRE)


def decode_part(value: Json, path: str, ids: CallIds) -> tuple[Part, ...]:
    """A native part: one part of ours, or two where a signature stands on it.

    Raises:
        InvalidRequest: a field of the wrong type.
    """
    given = as_object(value, path)
    fields = keyed(given, _PART, path)
    signature = text_or_none(fields.get("thoughtSignature"), f"{path}.thoughtSignature")
    extra = rest(fields, _PART)
    is_thought = fields.get("thought") is True
    if "thought" in fields and not is_thought:
        extra = frozen({**extra, "thought": fields["thought"]})
    if is_thought and not (fields.keys() & _PART - {"text", "thought", "thoughtSignature"}):
        text = text_or_none(fields.get("text"), f"{path}.text") or ""
        return (Part("thinking", text=text, signature=signature, origin=WIRE, extra=extra),)
    part = _portable(fields, frozen({**extra, "thought": True}) if is_thought else extra, path, ids)
    if part is None:
        # The signature of a part that only this format knows stays inside it.
        return (_native(given, fields),)
    if signature is None:
        return (part,)
    if part.kind == "tool_call":
        return (_carrier(signature, part.id or NEXT), part)
    if part.kind == "text" and not part.text and not part.extra:
        return (_carrier(signature, ALONE),)
    return (_carrier(signature, NEXT), part)


def _portable(fields: JsonObject, extra: JsonObject, path: str, ids: CallIds) -> Part | None:
    named = fields.keys() & _PART - {"thought", "thoughtSignature"}
    if len(named) != 1:
        return None
    if "text" in named:
        text = as_text(fields["text"], f"{path}.text")
        return Part("text", text=text, origin=WIRE, extra=extra)
    if "functionCall" in named:
        return _call(fields["functionCall"], extra, f"{path}.functionCall", ids)
    if "functionResponse" in named:
        return _result(fields["functionResponse"], extra, f"{path}.functionResponse", ids)
    for name in ("inlineData", "fileData"):
        if name in named:
            return media_part(name, fields[name], extra, path)
    return None


def _native(given: JsonObject, fields: JsonObject) -> Part:
    """A part without a word of ours, kept whole."""
    for name, kind in _NATIVE.items():
        inner = fields.get(name)
        if isinstance(inner, Mapping):
            own = inner.get("id")
            return Part(
                kind,
                id=own if isinstance(own, str) else None,
                name=name,
                arguments=dump(inner).decode() if kind == "server_tool_call" else None,
                content=given,
                origin=WIRE,
            )
    name = next((name for name in given if name != "thoughtSignature"), "part")
    return Part("opaque", name=name, content=given, origin=WIRE)


def _call(value: Json, extra: JsonObject, path: str, ids: CallIds) -> Part:
    given = as_object(value, path)
    fields = keyed(given, _CALL, path)
    name = as_text(fields.get("name"), f"{path}.name")
    args = fields.get("args")
    arguments = "{}" if args is None else dump(as_object(args, f"{path}.args")).decode()
    inner = rest(fields, _CALL)
    if inner:
        extra = frozen({**extra, "functionCall": inner})
    own = text_or_none(fields.get("id"), f"{path}.id")
    call_id = ids.of_call(own, name, arguments)
    return Part("tool_call", id=call_id, name=name, arguments=arguments, origin=WIRE, extra=extra)


def _result(value: Json, extra: JsonObject, path: str, ids: CallIds) -> Part:
    fields = keyed(as_object(value, path), _RESPONSE, path)
    name = as_text(fields.get("name"), f"{path}.name")
    response = fields.get("response")
    text, is_error = _answer(as_object({} if response is None else response, f"{path}.response"))
    inner = rest(fields, _RESPONSE)
    if inner:
        extra = frozen({**extra, "functionResponse": inner})
    pieces = fields.get("parts")
    content: tuple[Part, ...] | None = None
    if isinstance(pieces, Sequence) and not isinstance(pieces, str):
        content = (Part("text", text=text),)
        for number, piece in enumerate(pieces):
            content += decode_part(piece, f"{path}.parts[{number}]", ids)
    return Part(
        "tool_result",
        text="" if content else text,
        id=ids.of_result(text_or_none(fields.get("id"), f"{path}.id"), name),
        name=name,
        is_error=is_error,
        content=content,
        origin=WIRE,
        extra=extra,
    )


def _answer(response: JsonObject) -> tuple[str, bool | None]:
    """(text, error mark) of a response object: the text of a plain `output` or `error`, else the
    object as JSON. `_response` is its inverse."""
    if len(response) == 1:
        for name, mark in (("output", None), ("error", True)):
            text = response.get(name)
            if isinstance(text, str) and raw_json(text) is None:
                return text, mark
    return dump(response).decode(), None


def _response(text: str, is_error: bool | None) -> Json:
    if is_error:
        return {"error": text}
    whole = raw_json(text)
    if whole is None:
        return {"output": text}
    return {} if text == "{}" else whole


def encode_parts(
    parts: Sequence[Part], path: str, names: dict[str, str], losses: list[Loss]
) -> list[Json]:
    """The native parts of one message. `names` holds the calls seen so far, by id.

    Raises:
        CannotEncode: arguments of a call that are not a JSON object.
    """
    calls = {part.id for part in parts if part.kind == "tool_call"}
    bound = {part.id: part.signature for part in parts if is_carrier(part) and part.id in calls}
    written: list[Json] = []
    pending: str | None = None
    late: str | None = None
    for number, part in enumerate(parts):
        if is_carrier(part):
            if part.id in calls:
                continue
            if part.id == ALONE and "detail" not in part.extra:
                written.append(_empty_signed(part.signature))
            elif part.id == ALONE:
                # Through another format all thinking comes first: back behind its text.
                late = part.signature
            else:
                pending = part.signature
            continue
        # Where a client's format has thinking beside the content, the part names that field.
        named = part.kind == "thinking" and part.origin != WIRE and part.name is not None
        where = f"{path}.{part.name}" if named else f"{path}.content[{number}]"
        piece = encode_part(part, where, names, losses)
        if piece is None:
            continue
        signature = bound.get(part.id) if part.kind == "tool_call" else None
        if signature is None and part.kind != "thinking" and "thoughtSignature" not in piece:
            signature, pending = pending, None
        if signature is not None:
            piece["thoughtSignature"] = signature
        written.append(piece)
        if late is not None and part.kind == "text":
            written.append(_empty_signed(late))
            late = None
    written.extend(_empty_signed(left) for left in (pending, late) if left is not None)
    return written


def _empty_signed(signature: str | None) -> dict[str, Json]:
    return {"text": "", "thoughtSignature": signature}


def encode_part(
    part: Part, path: str, names: dict[str, str], losses: list[Loss]
) -> dict[str, Json] | None:
    """One native part, without the signature of a carrier; None where it cannot be sent."""
    piece: dict[str, Json] | None
    is_own = part.origin in (None, WIRE)
    if part.kind in ("text", "refusal"):
        if not part.text and not is_own:
            return None
        piece = {"text": part.text}
        if part.citations:
            losses.append(Loss(f"{path}.citations", "citations", "target has no such field"))
    elif part.kind == "thinking":
        return _thought(part, path, losses)
    elif part.kind in ("image", "audio", "document"):
        piece = write_media(part, path, losses)
    elif part.kind == "tool_call":
        piece = _write_call(part, path, names)
    elif part.kind == "tool_result":
        piece = _write_result(part, path, names, losses)
    elif part.origin == WIRE and isinstance(part.content, Mapping):
        return dict(part.content)
    else:
        losses.append(Loss(path, f"{part.kind} {part.name or ''}".strip(), FOREIGN))
        return None
    if part.cache is not None:
        losses.append(Loss(f"{path}.cache_control", "cache mark", "target has no such field"))
    if piece is not None:
        _extras(part, piece, path, losses)
    return piece


def _extras(part: Part, piece: dict[str, Json], path: str, losses: list[Loss]) -> None:
    for name, value in part.extra.items():
        if name in ("functionCall", "functionResponse", "inlineData", "fileData", "detail"):
            continue  # fields of the inner object, written there
        if part.origin in (None, WIRE):
            piece[name] = value
        elif name == "extra_content" and (signature := _compatible(value)) is not None:
            piece["thoughtSignature"] = signature
        else:
            losses.append(Loss(f"{path}.{name}", "content field", FOREIGN))


def _compatible(value: Json) -> str | None:
    """The signature in `extra_content`, where the vendor's chat-compatible endpoint puts it."""
    inner = value.get("google") if isinstance(value, Mapping) else None
    signature = inner.get("thought_signature") if isinstance(inner, Mapping) else None
    return signature if isinstance(signature, str) else None


def _thought(part: Part, path: str, losses: list[Loss]) -> dict[str, Json] | None:
    """Thinking goes back only to the family that it came from."""
    if part.origin != WIRE:
        if part.text or part.signature:
            losses.append(Loss(path, "thinking block", "it is not of this family"))
        return None
    piece: dict[str, Json] = {"text": part.text, "thought": True}
    if part.signature is not None:
        piece["thoughtSignature"] = part.signature
    known = ("detail", "detail_type")
    piece.update({name: value for name, value in part.extra.items() if name not in known})
    return piece


def _inner(part: Part, name: str) -> JsonObject:
    kept = part.extra.get(name) if part.origin == WIRE else None
    return kept if isinstance(kept, Mapping) else {}


def _write_call(part: Part, path: str, names: dict[str, str]) -> dict[str, Json]:
    arguments = part.arguments or "{}"
    args: Json = {} if arguments.strip() == "{}" else raw_json(arguments)
    if args is None:
        raise CannotEncode(f"{path}: the arguments of {part.name} are not a JSON object")
    call: dict[str, Json] = {"name": part.name or "", "args": args}
    if part.id is not None:
        names[part.id] = part.name or ""
    own = written_id(part.id)
    if own is not None:
        call["id"] = own
    call.update(_inner(part, "functionCall"))
    return {"functionCall": call}


def _write_result(
    part: Part, path: str, names: dict[str, str], losses: list[Loss]
) -> dict[str, Json]:
    name = names.get(part.id or "") or part.name
    if not name:
        name = part.id or "unknown"
        losses.append(Loss(path, "name of the function", "the call it answers is not there"))
    text = part.text
    pieces: list[Json] = []
    if isinstance(part.content, tuple):
        texts: list[str] = []
        for number, inner in enumerate(part.content):
            if not isinstance(inner, Part):
                continue
            if inner.kind == "text" and not inner.extra:
                texts.append(inner.text)
                continue
            piece = encode_part(inner, f"{path}.content[{number}]", names, losses)
            if piece is not None:
                pieces.append(piece)
        text = "\n".join(texts) if texts else text
    response: dict[str, Json] = {"name": name, "response": _response(text, part.is_error)}
    own = written_id(part.id)
    if own is not None:
        response["id"] = own
    if pieces:
        response["parts"] = pieces
    response.update(_inner(part, "functionResponse"))
    return {"functionResponse": response}
