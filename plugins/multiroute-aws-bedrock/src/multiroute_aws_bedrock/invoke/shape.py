"""The bodies that InvokeModel passes through: which one, and where each says what.

InvokeModel has no format of its own: it takes and gives what the model's maker defined. Bodies that
are a format of another package are read and written by its codec: messages (Claude), chat (Jamba,
gpt-oss and others), Converse (Nova). The rest are prompts with settings; one table holds them all.
Source: the vendor's pages on each model's parameters, and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from multiroute_aws_bedrock.models import bare, maker
from multiroute_core.api import JsonObject

VERSION: Final = "bedrock-2023-05-31"
"""`anthropic_version` of Claude's bodies here."""


class PromptShape(Struct, frozen=True, gc=False):
    """Where a prompt's body says what: paths with dots. "" where it cannot say it."""

    wire: str
    prompt: str
    limit: str
    temperature: str = "temperature"
    top_p: str = "top_p"
    top_k: str = ""
    stop: str = ""
    choices: str = ""


PROMPTS: Final[Mapping[str, PromptShape]] = {
    shape.wire: shape
    for shape in (
        PromptShape(
            "invoke.titan",
            "inputText",
            "textGenerationConfig.maxTokenCount",
            "textGenerationConfig.temperature",
            "textGenerationConfig.topP",
            stop="textGenerationConfig.stopSequences",
        ),
        PromptShape("invoke.llama", "prompt", "max_gen_len"),
        PromptShape(
            "invoke.claude-text",
            "prompt",
            "max_tokens_to_sample",
            top_k="top_k",
            stop="stop_sequences",
        ),
        PromptShape(
            "invoke.cohere-text",
            "prompt",
            "max_tokens",
            top_p="p",
            top_k="k",
            stop="stop_sequences",
            choices="num_generations",
        ),
        PromptShape(
            "invoke.cohere-chat",
            "message",
            "max_tokens",
            top_p="p",
            top_k="k",
            stop="stop_sequences",
        ),
        PromptShape(
            "invoke.jurassic",
            "prompt",
            "maxTokens",
            top_p="topP",
            stop="stopSequences",
            choices="numResults",
        ),
        PromptShape("invoke.prompt", "prompt", "max_tokens", top_k="top_k", stop="stop"),
    )
}


def wire_of(doc: JsonObject, model: str) -> str:
    """Which body this is; "" for one that is none of them.

    >>> wire_of({"prompt": "Hi", "max_gen_len": 9}, "meta.llama3-8b-instruct-v1:0")
    'invoke.llama'
    """
    if "anthropic_version" in doc and "messages" in doc:
        return "messages"
    if "messages" in doc:
        return "converse" if _is_nova(doc, model) else "chat"
    if "message" in doc:
        return "invoke.cohere-chat"
    if "query" in doc and "documents" in doc:
        return "rerank"
    if {"texts", "singleEmbeddingParams", "segmentedEmbeddingParams"} & doc.keys():
        return "embeddings"
    if "inputText" in doc:
        return "embeddings" if "embed" in bare(model) else "invoke.titan"
    if "prompt" not in doc:
        return ""
    for wire, marks in (
        ("invoke.claude-text", {"max_tokens_to_sample"}),
        ("invoke.llama", {"max_gen_len"}),
        ("invoke.jurassic", {"maxTokens", "numResults"}),
        ("invoke.cohere-text", {"p", "k", "num_generations", "return_likelihoods", "truncate"}),
    ):
        if marks & doc.keys():
            return wire
    return _PROMPT_MAKERS.get(maker(model), "invoke.prompt")


_PROMPT_MAKERS: Final[Mapping[str, str]] = {
    "anthropic": "invoke.claude-text",
    "meta": "invoke.llama",
    "cohere": "invoke.cohere-text",
}
_CHAT_MAKERS: Final = frozenset({"ai21", "openai", "qwen", "moonshot", "minimax", "zai", "google"})
_CHAT_WORDS: Final = ("pixtral", "mistral-large", "ministral", "magistral", "voxtral", "nvidia.")


def _is_nova(doc: JsonObject, model: str) -> bool:
    if "schemaVersion" in doc or "inferenceConfig" in doc or "nova" in bare(model):
        return True
    first = doc.get("messages")
    one = first[0] if isinstance(first, (list, tuple)) and first else None
    content = one.get("content") if isinstance(one, Mapping) else None
    block = content[0] if isinstance(content, (list, tuple)) and content else None
    return isinstance(block, Mapping) and "type" not in block


def wire_for(model: str) -> str:
    """The body in which a conversation goes to a model; "" where it takes prompts only."""
    name = bare(model)
    own = maker(model)
    if own == "anthropic":
        return "messages"
    if own == "amazon" and "nova" in name:
        return "converse"
    if own in _CHAT_MAKERS or any(word in name for word in _CHAT_WORDS):
        return "chat"
    if own == "amazon":
        return "invoke.titan"
    if own == "cohere":
        return "invoke.cohere-chat" if "command-r" in name else "invoke.cohere-text"
    return _PROMPT_MAKERS.get(own, "invoke.prompt")
