"""Messages of the chat format in Mistral's spelling.

Source: Mistral's API reference and error replies (2026-08): ids of tool calls are nine letters or
digits; thinking is an item of the content; documents are links; fields that it does not know are
refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_core.api import Json, JsonObject, Loss

_ID: Final = re.compile(r"[a-zA-Z0-9]{9}\Z")
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_THOUGHTS: Final = ("reasoning_content", "reasoning")
_UNKNOWN: Final = "target has no such field"


def short_id(own: str) -> str:
    """An id that Mistral takes: the id itself if it does, else one made from it, always the same.

    >>> short_id("Ah0BFgzqX"), len(short_id("call_4hrT4QP9jfojtK69vGiFCFjG"))
    ('Ah0BFgzqX', 9)
    """
    if _ID.match(own):
        return own
    number = int.from_bytes(
        hashlib.sha256(own.encode("utf-8", "surrogatepass")).digest()[:8], "big"
    )
    made = ""
    for _ in range(9):
        number, at = divmod(number, 62)
        made += _LETTERS[at]
    return made


def fitting(messages: Json) -> tuple[list[Json] | None, list[Loss]]:
    """The messages as Mistral takes them (None: as they are), and what that loses."""
    losses: list[Loss] = []
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        return None, losses
    written: list[Json] = []
    is_changed = False
    for number, message in enumerate(messages):
        if isinstance(message, Mapping):
            fitted = _message(message, f"messages[{number}]", losses)
            is_changed = is_changed or fitted is not message
            written.append(fitted)
        else:
            written.append(message)
    return (written if is_changed else None), losses


def _message(message: JsonObject, path: str, losses: list[Loss]) -> JsonObject:
    changed: dict[str, Json] = {}
    dropped: set[str] = set()
    own = message.get("tool_call_id")
    if isinstance(own, str) and not _ID.match(own):
        changed["tool_call_id"] = short_id(own)
    calls = message.get("tool_calls")
    if isinstance(calls, Sequence) and not isinstance(calls, str):
        renamed = [_call(call) for call in calls]
        if any(a is not b for a, b in zip(renamed, calls, strict=True)):
            changed["tool_calls"] = renamed
    content = _content(message.get("content"))
    if content is not None:
        changed["content"] = content
    thoughts = [name for name in _THOUGHTS if name in message]
    if thoughts:
        dropped.update(thoughts)
        text = message[thoughts[0]]
        if isinstance(text, str) and text:
            held = changed.get("content", message.get("content"))
            changed["content"] = [_thinking(text), *_items(held)]
    for name in ("reasoning_details", "refusal", "annotations", "audio", "function_call"):
        if name in message:
            dropped.add(name)
            if message[name] not in (None, [], ""):
                losses.append(Loss(f"{path}.{name}", "message field", _UNKNOWN))
    if not changed and not dropped:
        return message
    kept = {name: value for name, value in message.items() if name not in dropped}
    return {**kept, **changed}


def _call(call: Json) -> Json:
    own = call.get("id") if isinstance(call, Mapping) else None
    if isinstance(call, Mapping) and isinstance(own, str) and not _ID.match(own):
        return {**call, "id": short_id(own)}
    return call


def _thinking(text: str) -> JsonObject:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _items(content: Json) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content) if isinstance(content, Sequence) else []


def _content(content: Json) -> list[Json] | None:
    """The content with documents as links; None: as it is."""
    if isinstance(content, str) or not isinstance(content, Sequence):
        return None
    written = [_item(item) for item in content]
    return written if any(a is not b for a, b in zip(written, content, strict=True)) else None


def _item(item: Json) -> Json:
    file = item.get("file") if isinstance(item, Mapping) and item.get("type") == "file" else None
    if not isinstance(file, Mapping):
        return item
    if isinstance(file.get("file_id"), str):
        return {"type": "file", "file_id": file["file_id"]}
    document: dict[str, Json] = {"type": "document_url", "document_url": file.get("file_data")}
    if file.get("filename") is not None:
        document["document_name"] = file["filename"]
    return document
