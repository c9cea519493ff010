"""What a model id of Bedrock tells: who made the model, and what its maker's models take.

Ids are foundation models ("meta.llama3-8b-instruct-v1:0"), inference profiles with a geography in
front ("us.anthropic.…", "global.…"), or ARNs that end in one of these or in a name of the account's
own, of which nothing is known.
"""

from __future__ import annotations

from typing import Final

from multiroute_core.wire.messages.abilities import version_of

_GEOGRAPHIES: Final = frozenset(
    {"us", "eu", "apac", "global", "jp", "au", "ca", "in", "sa", "me", "af", "us-gov"}
)
_NO_SCHEMAS: Final = frozenset({"amazon", "meta", "ai21", "cohere", "writer", "stability"})
"""Makers whose models take no JSON schema for their output (vendor's table of supported models,
"Get validated JSON results from models", 2026)."""


def bare(model_id: str) -> str:
    """The id of the foundation model: without ARN and geography.

    >>> bare("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-haiku-v1:0")
    'anthropic.claude-3-haiku-v1:0'
    """
    name = model_id.rpartition("/")[2] if model_id.startswith("arn:") else model_id
    first, dot, rest = name.partition(".")
    return rest if dot and first in _GEOGRAPHIES and "." in rest else name


def maker(model_id: str) -> str:
    """Who made the model, as the id spells it; "" where the id does not tell.

    >>> maker("eu.anthropic.claude-haiku-4-5-20251001-v1:0"), maker("my-endpoint")
    ('anthropic', '')
    """
    first, dot, _ = bare(model_id).partition(".")
    return first if dot else ""


def version(model_id: str) -> tuple[int, int]:
    """Version of a model in the Claude family; (0, 0) for any other.

    >>> version("anthropic.claude-sonnet-4-5-20250929-v1:0"), version("meta.llama3-8b-v1:0")
    ((4, 5), (0, 0))
    """
    if maker(model_id) != "anthropic":
        return 0, 0
    _, major, minor = version_of(bare(model_id))
    return major, minor


def takes_schema(model_id: str) -> bool:
    """Whether the model can be held to a JSON schema; an unknown one gets the benefit of doubt."""
    own = maker(model_id)
    if own == "anthropic":
        return version(model_id) >= (4, 5)
    return own not in _NO_SCHEMAS


def takes_cache_marks(model_id: str) -> bool:
    """Whether cache points are accepted; elsewhere they are an error."""
    own = bare(model_id)
    return own.startswith(("anthropic.", "amazon.nova")) or not maker(model_id)
