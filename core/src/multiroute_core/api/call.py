"""One normalised request of a client."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.content import (
    Message,
    OutputSchema,
    Reasoning,
    Tool,
    ToolChoice,
    Wire,
)
from multiroute_core.api.json import EMPTY, JsonObject
from multiroute_core.api.operations import OtherBody

Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header names (lower case) and values, in order."""

Operation: TypeAlias = Literal[
    "chat",
    "count_tokens",
    "embeddings",
    "images",
    "image_edits",
    "rerank",
    "moderations",
    "speech",
    "transcriptions",
    "native",
]


class ChatBody(Struct, frozen=True, gc=False):
    """A conversation and how it is to be answered.

    `params` holds sampling and service parameters under their common names (temperature, top_p,
    top_k, seed, frequency_penalty, presence_penalty, logprobs, top_logprobs, logit_bias, user,
    metadata, service_tier, …); `extra` what the client's dialect has no word for. A codec carries
    each of them over or reports a `Loss`: nothing vanishes.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    choices: int = 1
    max_output: int | None = None
    stop: tuple[str, ...] = ()
    schema: OutputSchema | None = None
    reasoning: Reasoning | None = None
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Call(Struct, frozen=True, gc=False):
    """What a client asked for, in our words, with the document as it was sent.

    `model` is what the client wrote there: a profile, an alias, a model. `doc` is the parsed
    document: the pass lane's source. `body` is a `ChatBody` for chat and count_tokens, its own
    type for every other operation. `headers` are the client's allow-listed ones. `needs_state`: it
    goes on with something that only a provider of the same format keeps (an earlier answer, a
    stored item); a codec of another format cannot encode it.
    """

    operation: Operation
    model: str
    wire: Wire
    stream: bool
    body: ChatBody | OtherBody
    doc: JsonObject
    headers: Pairs = ()
    client_wants_usage: bool = False
    session: str | None = None
    metadata: JsonObject = EMPTY
    needs_state: bool = False
