"""From a recorded provider and API to our plugin, format and codec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.fidelity.corpus import Record


@dataclass(frozen=True)
class Way:
    """How one recorded API is read.

    `wire`: our name of the API format. `codec`: whose `decode_call` reads its requests. `oracle`:
    the extractor. `operation`: ours. `chatty`: its reply can be told in every chat dialect.
    """

    api: str
    wire: str
    codec: str
    oracle: str
    operation: str = "chat"

    @property
    def chatty(self) -> bool:
        return self.operation == "chat"


_WAYS = {
    way.api: way
    for way in (
        Way("chat.completions", "chat", "chat", "chat"),
        Way("responses", "responses", "responses", "responses"),
        Way("messages", "messages", "messages", "messages"),
        Way("messages.count_tokens", "messages", "messages", "count_tokens", "count_tokens"),
        Way("embeddings", "embeddings", "embeddings", "embeddings", "embeddings"),
        Way("images", "images", "images", "images", "images"),
        Way("converse", "converse", "converse", "converse"),
        Way("converse-stream", "converse", "converse", "converse"),
        Way("invoke", "invoke", "invoke", "invoke"),
        Way("invoke-stream", "invoke", "invoke", "invoke"),
        Way("generateContent", "gemini", "gemini", "gemini"),
        Way("streamGenerateContent", "gemini", "gemini", "gemini"),
        Way("countTokens", "gemini", "gemini", "count_tokens", "count_tokens"),
        Way("cohere.v2.chat", "cohere", "cohere", "cohere"),
        Way("rerank", "rerank", "rerank", "rerank", "rerank"),
        Way("ollama.chat", "ollama", "ollama", "ollama"),
        Way("ollama.generate", "ollama", "ollama.generate", "ollama"),
        Way("audio.speech", "speech", "speech", "speech", "speech"),
        Way(
            "audio.transcriptions",
            "transcriptions",
            "transcriptions",
            "transcriptions",
            "transcriptions",
        ),
        Way("moderations", "moderations", "moderations", "moderations", "moderations"),
    )
}

_OWN = {
    ("google-aistudio", "embeddings"): Way(
        "embeddings", "gemini", "gemini", "embeddings", "embeddings"
    ),
    ("google-vertex", "embeddings"): Way(
        "embeddings", "gemini", "gemini", "embeddings", "embeddings"
    ),
    ("cohere", "embeddings"): Way(
        "embeddings", "cohere", "cohere.embed", "embeddings", "embeddings"
    ),
}
"""Where a provider's own format serves an API that others speak in the common one."""

PLUGINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "anthropic": ("anthropic",),
        "aws-bedrock": ("aws-bedrock", "bedrock"),
        "aws-bedrock-mantle": ("aws-bedrock-mantle", "bedrock-mantle", "aws-bedrock"),
        "azure-openai": ("azure-openai", "azure"),
        "cerebras": ("cerebras",),
        "cohere": ("cohere",),
        "crusoe": ("crusoe",),
        "deepinfra": ("deepinfra",),
        "deepseek": ("deepseek",),
        "fireworks": ("fireworks",),
        "google-aistudio": ("google", "google-aistudio", "gemini"),
        "google-vertex": ("google-vertex", "vertex", "google"),
        "gpustack": ("gpustack",),
        "groq": ("groq",),
        "huggingface": ("huggingface",),
        "llama-cpp": ("llama-cpp",),
        "lm-studio": ("lm-studio",),
        "mistral": ("mistral",),
        "moonshot": ("moonshot",),
        "nvidia": ("nvidia",),
        "ollama": ("ollama",),
        "openai": ("openai",),
        "openrouter": ("openrouter",),
        "perplexity": ("perplexity",),
        "sambanova": ("sambanova",),
        "snowflake": ("snowflake",),
        "together": ("together", "togetherai"),
        "vllm-local": ("vllm",),
        "xai": ("xai",),
        "zai": ("zai", "z-ai"),
    }
)
"""The recorded providers that the plugins of issue 3 speak for, and what the plugin may be called.
Others (Voyage, Deepgram, Writer, …) have no plugin: their recordings are out of scope."""

BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "snowflake": "https://myorg-myaccount.snowflakecomputing.com/api/v2/cortex/v1",
        "gpustack": "http://gpustack.local/v1",
        "vllm-local": "http://localhost:8000/v1",
        "aws-bedrock": "https://bedrock-runtime.us-east-1.amazonaws.com",
        "google-vertex": "https://aiplatform.googleapis.com",
    }
)
"""Where a plugin states no base URL of its own."""

_SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

CODECS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "chat": ("multiroute_core.wire.chat:decode_call",),
        "responses": ("multiroute_core.wire.responses:decode_call",),
        "messages": ("multiroute_core.wire.messages:decode_call",),
        "embeddings": ("multiroute_core.wire.embeddings:decode_call",),
        "images": ("multiroute_core.wire.images:decode_call",),
        "rerank": ("multiroute_core.wire.rerank:decode_call",),
        "moderations": ("multiroute_core.wire.moderations:decode_call",),
        "speech": ("multiroute_core.wire.audio.speech:decode_call",),
        "transcriptions": ("multiroute_core.wire.audio.transcriptions:decode_call",),
        "gemini": ("multiroute_google.gemini:decode_call",),
        "converse": ("multiroute_aws_bedrock.converse:decode_call",),
        "invoke": ("multiroute_aws_bedrock.invoke:decode_call",),
        "cohere": ("multiroute_cohere.v2chat:decode_call",),
        "cohere.embed": ("multiroute_cohere.embed:decode_call",),
        "ollama": ("multiroute_ollama.native:decode_chat",),
        "ollama.generate": ("multiroute_ollama.native:decode_generate",),
    }
)
"""Where the `decode_call` of each native format may be found."""


def in_scope(provider: str) -> bool:
    """Whether a plugin of issue 3 speaks for a recorded provider."""
    return provider in PLUGINS


_COMPATIBLE = {
    ("anthropic", "chat.completions"): "https://api.anthropic.com/v1",
    ("google-aistudio", "chat.completions"): (
        "https://generativelanguage.googleapis.com/v1beta/openai"
    ),
}
"""Endpoints of other vendors in the chat format: instances of the generic plugin, by base URL."""


def plugins_of(provider: str, api: str) -> tuple[str, ...]:
    """What the plugin for a recorded provider and API may be called."""
    return ("openai-compatible",) if (provider, api) in _COMPATIBLE else PLUGINS[provider]


def base_url_of(record: Record) -> str | None:
    """The base URL that an instance would have; None: the plugin's own. One provider is reached in
    several ways where the recordings say so."""
    known = _COMPATIBLE.get((record.provider, record.api))
    if known is None and record.provider == "azure-openai":
        host = "https://resource.openai.azure.com"
        if "/openai/v1/" in record.path:
            return f"{host}/openai/v1"
        if "/models/" in record.path:
            return "https://resource.services.ai.azure.com/models"
        return host
    if known is None and record.provider == "huggingface":
        return record.url.split("?")[0].removesuffix("/chat/completions")
    return known or BASE_URLS.get(record.provider)


def settings_of(plugin: str) -> Mapping[str, Any]:
    """Settings without which a plugin makes no adapter."""
    return _SETTINGS.get(plugin, {})


def way_of(record: Record) -> Way:
    """How a record is read."""
    return _OWN.get((record.provider, record.api)) or _WAYS[record.api]


def operation_of(record: Record, way: Way) -> str:
    """Our operation: edits of images share their API with the making of them."""
    return "image_edits" if way.api == "images" and "/edits" in record.path else way.operation


def way(api: str) -> Way:
    """How an API is read."""
    return _WAYS[api]


_GOOGLE = re.compile(r"/models/(?P<model>[^/:]+):(?P<verb>\w+)$")
_AWS = re.compile(r"/model/(?P<model>.+)/(?P<verb>[\w-]+)$")
_STREAMS = {"streamGenerateContent", "converse-stream", "invoke-with-response-stream"}
_AZURE = re.compile(r"/deployments/(?P<model>[^/]+)/")


def path_facts(record: Record, way: Way) -> tuple[str | None, bool | None]:
    """(model, stream) of the call as the path says them; None where it does not."""
    if way.wire in ("gemini", "converse", "invoke") or way.codec == "embeddings":
        found = _GOOGLE.search(record.path) or _AWS.search(record.path)
        if found is not None:
            return found["model"], found["verb"] in _STREAMS
    return None, None


def upstream_model(record: Record, model: str) -> str:
    """What the provider calls the model: a deployment, where the path names one."""
    found = _AZURE.search(record.path)
    return found["model"] if found is not None else model


LEAST: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "responses": {"model": "m", "input": "hi"},
        "messages": {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
        },
        "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        "converse": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
        "cohere.embed": {"model": "m", "texts": ["hi"], "input_type": "search_query"},
        "cohere": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "ollama": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "ollama.generate": {"model": "m", "prompt": "hi"},
        "embeddings": {"model": "m", "input": "hi"},
        "images": {"model": "m", "prompt": "hi"},
        "rerank": {"model": "m", "query": "hi", "documents": ["hi"]},
        "moderations": {"model": "m", "input": "hi"},
        "speech": {"model": "m", "input": "hi", "voice": "v"},
        "transcriptions": {"model": "m", "file": {"filename": "a.mp3", "data": ""}},
        "invoke": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
    }
)


def least_call(way: Way) -> Mapping[str, Any]:
    """The smallest document of a format."""
    return LEAST[way.codec]
