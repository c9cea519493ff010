"""The client dialects that core itself brings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.wire.audio import SpeechDialect, TranscriptionsDialect
from multiroute_core.wire.chat import ChatDialect
from multiroute_core.wire.embeddings import EmbeddingsDialect
from multiroute_core.wire.images import ImagesDialect
from multiroute_core.wire.moderations import ModerationsDialect
from multiroute_core.wire.rerank import RerankDialect


def core_dialects() -> Mapping[Wire, Dialect]:
    """By the name of their format."""
    dialects: tuple[Dialect, ...] = (
        ChatDialect(),
        EmbeddingsDialect(),
        ImagesDialect(),
        ModerationsDialect(),
        RerankDialect(),
        SpeechDialect(),
        TranscriptionsDialect(),
    )
    return MappingProxyType({dialect.wire: dialect for dialect in dialects})
