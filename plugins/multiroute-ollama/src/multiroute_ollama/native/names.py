"""The format's own words, shared by its readers and writers."""

from __future__ import annotations

from typing import Final

WIRE: Final = "ollama"
GENERATE: Final = "ollama.generate"
"""The name of the API for a single prompt; its parts are of the same family."""
OWN: Final = frozenset({WIRE, GENERATE})

OPTIONS: Final = frozenset(
    {"temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty"}
)
"""Parameters with a common name that stand in `options`."""
TOP: Final = frozenset({"logprobs", "top_logprobs"})
"""Parameters with a common name that stand beside it."""

FOREIGN: Final = "belongs to another API format"
NO_PARAM: Final = "target has no such parameter"
NO_FIELD: Final = "target has no such field"
