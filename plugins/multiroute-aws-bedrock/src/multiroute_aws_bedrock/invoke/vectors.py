"""Vectors in the replies of embedding models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api import Embeddings, Json, JsonObject


def _vector(value: Json) -> tuple[float, ...] | None:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        return None
    numbers = [n for n in value if isinstance(n, (int, float))]
    return tuple(map(float, numbers)) if len(numbers) == len(value) else None


def vectors_of(doc: JsonObject) -> Embeddings | None:
    """The vectors of a reply: one ("embedding"), a list of them, a list of objects that hold one
    each, or lists by type of number, of which floats are taken. None: there are none.

    >>> vectors_of({"embedding": [1, 0.5]}).vectors
    ((1.0, 0.5),)
    """
    one = _vector(doc.get("embedding"))
    if one is not None:
        return Embeddings((one,))
    by_type = doc.get("embeddingsByType")
    if isinstance(by_type, Mapping):
        for value in by_type.values():
            own = _vector(value)
            if own is not None:
                return Embeddings((own,))
    several = doc.get("embeddings")
    if isinstance(several, Mapping):
        several = several.get("float") or next(iter(several.values()), None)
    if isinstance(several, str) or not isinstance(several, Sequence):
        return None
    vectors: list[tuple[float, ...]] = []
    for item in several:
        own = _vector(item.get("embedding") if isinstance(item, Mapping) else item)
        if own is None:
            return None
        vectors.append(own)
    return Embeddings(tuple(vectors))
