"""One door to the oracle: a format's name, the body, its framing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from . import chat, cohere, converse, gemini, invoke, messages, ollama, others, responses
from .framing import Frame, frames
from .told import Told

CHATS: Mapping[str, Callable[[Sequence[Frame]], Told]] = MappingProxyType(
    {
        "chat": chat.read,
        "responses": responses.read,
        "messages": messages.read,
        "gemini": gemini.read,
        "converse": converse.read,
        "invoke": invoke.read,
        "cohere": cohere.read,
        "ollama": ollama.read,
    }
)
_LAST: Mapping[str, Callable[[Sequence[Frame]], int | None]] = MappingProxyType(
    {
        "chat": chat.last_needed,
        "responses": responses.last_needed,
        "messages": messages.last_needed,
        "gemini": gemini.last_needed,
        "converse": converse.last_needed,
        "invoke": invoke.last_needed,
        "cohere": cohere.last_needed,
        "ollama": ollama.last_needed,
    }
)
OTHERS: Mapping[str, Callable[[bytes], Told]] = MappingProxyType(
    {
        "embeddings": others.embeddings,
        "images": others.images,
        "rerank": others.rerank,
        "speech": others.speech,
        "transcriptions": others.transcriptions,
        "moderations": others.moderations,
        "count_tokens": others.count_tokens,
    }
)


def tell(form: str, body: bytes, framing: str | None) -> Told:
    """What a body says. `form` names the format, `framing` the stream's (None: a whole reply)."""
    if form in OTHERS:
        return OTHERS[form](body)
    return CHATS[form](frames(body, framing))


def cut_before(form: str, body: bytes, framing: str) -> int | None:
    """Where the payload ends of the event without which the reply is cut short: any prefix shorter
    than this is no answer. None: the stream never finishes."""
    listed = frames(body, framing)
    at = _LAST[form](listed)
    return None if at is None else listed[at].payload_end
