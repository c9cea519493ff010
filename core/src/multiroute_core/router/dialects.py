"""The client dialects that core itself brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.errors import ConfigError
from multiroute_core.api.extension import Extension
from multiroute_core.wire.audio import SpeechDialect, TranscriptionsDialect
from multiroute_core.wire.chat import ChatDialect
from multiroute_core.wire.embeddings import EmbeddingsDialect
from multiroute_core.wire.images import ImagesDialect
from multiroute_core.wire.messages import MessagesDialect
from multiroute_core.wire.moderations import ModerationsDialect
from multiroute_core.wire.rerank import RerankDialect
from multiroute_core.wire.responses import ResponsesDialect


def dialects_of(extensions: Iterable[Extension]) -> Mapping[Wire, Dialect]:
    """Core's dialects and those of extensions, by the name of their format.

    Raises:
        ConfigError: two bring the same format.
    """
    found = dict(core_dialects())
    for extension in extensions:
        for dialect in extension.dialects():
            if dialect.wire in found:
                raise ConfigError(
                    f"the client dialect {dialect.wire!r} is there twice: take one of the "
                    "extensions that bring it out of [plugins] enable"
                )
            found[dialect.wire] = dialect
    return MappingProxyType(found)


def core_dialects() -> Mapping[Wire, Dialect]:
    """By the name of their format."""
    dialects: tuple[Dialect, ...] = (
        ChatDialect(),
        EmbeddingsDialect(),
        ImagesDialect(),
        MessagesDialect(),
        ModerationsDialect(),
        RerankDialect(),
        ResponsesDialect(),
        SpeechDialect(),
        TranscriptionsDialect(),
    )
    return MappingProxyType({dialect.wire: dialect for dialect in dialects})
