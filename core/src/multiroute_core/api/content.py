"""What a conversation is made of: parts, messages and tools, whichever format they came in.

A part keeps what this contract has no word for in `extra`, and says in `origin` whose shape that
is: only a codec of the same family may write it back; any other reports a `Loss`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.json import EMPTY, Json, JsonObject

Wire: TypeAlias = str
"""Name of an API format: "chat", "responses", "messages", …, or a dialect of an extension."""

PartKind: TypeAlias = Literal[
    "text",
    "image",
    "audio",
    "document",
    "tool_call",
    "tool_result",
    "server_tool_call",
    "server_tool_result",
    "thinking",
    "refusal",
    "opaque",
]


class Media(Struct, frozen=True, gc=False):
    """Bytes, a URL or a file id, with what is known of the type.

    Exactly one of `data_b64` (base64 text, as it stood on the wire), `url` and `file_id` is set.
    `mime` is "" when the sender did not say. `name` is a file name or title.
    """

    mime: str = ""
    data_b64: str | None = None
    url: str | None = None
    file_id: str | None = None
    name: str | None = None
    detail: str | None = None


class Part(Struct, frozen=True, gc=False):
    """One piece of a message, whole; or the skeleton of one in a `PartStart`.

    Which fields mean something depends on `kind`:

    * text, refusal: `text`, `citations`.
    * thinking: `text`, `signature`. Redacted thinking is text "" with a signature.
    * image, audio, document: `media`.
    * tool_call: `id`, `name`, `arguments` (raw JSON text, never parsed and re-spelt).
    * tool_result: `id` (of the call it answers), `content` (parts) or `text`, `is_error`.
    * server_tool_call, server_tool_result: `id`, `name` (native block type in `extra`),
      `arguments`, `content` (native JSON).
    * opaque: `name` (native block type), `content` (the native block).
    """

    kind: PartKind
    text: str = ""
    id: str | None = None
    name: str | None = None
    arguments: str | None = None
    signature: str | None = None
    is_error: bool | None = None
    citations: tuple[JsonObject, ...] = ()
    content: tuple[Part, ...] | Json = None
    media: Media | None = None
    cache: JsonObject | None = None
    origin: Wire | None = None
    extra: JsonObject = EMPTY


class Message(Struct, frozen=True, gc=False):
    """One turn. `role` is system, developer, user, assistant or tool, as the client spelt it."""

    role: str
    parts: tuple[Part, ...]
    origin: Wire | None = None
    extra: JsonObject = EMPTY


class Tool(Struct, frozen=True, gc=False):
    """A tool that the model may call. `kind` "function" is portable, any other is native.

    For a native (server-side, built-in) tool `extra` holds the whole native declaration and
    `origin` says whose it is.
    """

    kind: str
    name: str
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    cache: JsonObject | None = None
    origin: Wire | None = None
    extra: JsonObject = EMPTY


class ToolChoice(Struct, frozen=True, gc=False):
    """Whether tools must be called. `mode` "tool" names one; "native" keeps another shape."""

    mode: Literal["auto", "none", "required", "tool", "native"]
    name: str | None = None
    origin: Wire | None = None
    extra: JsonObject = EMPTY


class OutputSchema(Struct, frozen=True, gc=False):
    """What form the answer has: free text, any JSON object, or JSON of this schema."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    extra: JsonObject = EMPTY


class Reasoning(Struct, frozen=True, gc=False):
    """How much a model may think before it answers.

    `effort` is the sender's word (minimal, low, medium, high, …), `budget_tokens` an upper bound
    in tokens; `enabled` False asks for none. A codec maps what its format has and reports the rest.
    """

    effort: str | None = None
    budget_tokens: int | None = None
    enabled: bool | None = None
    summary: str | None = None
    origin: Wire | None = None
    extra: JsonObject = EMPTY
