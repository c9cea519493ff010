"""What replies are made of, in words that both formats share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

FIXED_CREATED = 1_700_000_000
"""The Unix time that replies carry unless told otherwise: replies are the same in every run."""


@dataclass(frozen=True, slots=True)
class ScriptedToolCall:
    """A tool call in a scripted reply.

    arguments: an object, or text as it is (so that broken JSON can be sent too).
    id: None makes one from the reply's seed and the call's place.
    """

    name: str
    arguments: Mapping[str, Any] | str = ""
    id: str | None = None

    @property
    def arguments_text(self) -> str:
        """The arguments as the JSON text that goes over the wire."""
        if isinstance(self.arguments, str):
            return self.arguments
        return orjson.dumps(dict(self.arguments)).decode()

    @property
    def arguments_object(self) -> Any:
        """The arguments as an object; empty text is `{}`. Raises ValueError where the text is not
        JSON."""
        return orjson.loads(self.arguments_text or "{}")


@dataclass(frozen=True, slots=True)
class ScriptedUsage:
    """Tokens of a scripted reply, as disjoint counts.

    input_tokens: read at the full price, that is without the cached ones.
    output_tokens: without the reasoning ones.
    """

    input_tokens: int = 10
    output_tokens: int = 5
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def all_input_tokens(self) -> int:
        """Fresh, cached and newly cached input."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def all_output_tokens(self) -> int:
        """Visible output and reasoning."""
        return self.output_tokens + self.reasoning_tokens


USUAL_USAGE = ScriptedUsage()
"""The usage of a reply that was not told another."""


def pieces_of(text: str | Iterable[str] | None) -> list[str]:
    """Text as its deltas: one text is cut after each space, an iterable is taken as it is.

    >>> pieces_of("one two three")
    ['one ', 'two ', 'three']
    """
    if text is None:
        return []
    if not isinstance(text, str):
        return list(text)
    words = text.split(" ")
    return [word for word in (*(f"{word} " for word in words[:-1]), words[-1]) if word]


def halves_of(text: str) -> list[str]:
    """Text as two deltas, or one where there is nothing to cut."""
    middle = (len(text) + 1) // 2
    return [half for half in (text[:middle], text[middle:]) if half]
