"""Bodies and results of the operations beside chat: embeddings, reranking, images, audio, …

A body is what a client asks for, in our words; a result is the whole answer, told as one `Result`
event. As in a chat body, `params` holds parameters with a common name, `extra` what the client's
format has beyond that: a codec carries each over or reports a `Loss`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from multiroute_core.api.content import Media, Part
from multiroute_core.api.json import EMPTY, JsonObject


class EmbedBody(Struct, frozen=True, gc=False):
    """Texts to embed. Each input is text, token ids, or parts (text and images together).

    `encoding` is how the client wants vectors, None as the provider gives them; `task` the
    sender's word for what they are for (search_query, …), in the spelling of `origin`.
    """

    inputs: tuple[str | tuple[int, ...] | tuple[Part, ...], ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] | None = None
    task: str | None = None
    origin: str | None = None
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Embeddings(Struct, frozen=True, gc=False):
    """Vectors in the order of the inputs: floats, or base64 of little-endian 32-bit floats."""

    vectors: tuple[tuple[float, ...] | str, ...]


class RerankBody(Struct, frozen=True, gc=False):
    """Documents to order by relevance to a query. `top_n` None: all."""

    query: str
    documents: tuple[str | JsonObject, ...]
    top_n: int | None = None
    return_documents: bool = False
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Ranked(Struct, frozen=True, gc=False):
    """One document's place: its index in the request and its relevance (higher is better)."""

    index: int
    score: float
    document: str | JsonObject | None = None


class Ranking(Struct, frozen=True, gc=False):
    """Documents, most relevant first."""

    results: tuple[Ranked, ...]


class ImageBody(Struct, frozen=True, gc=False):
    """Images to make from a prompt, or to edit: then `images` (and `mask`) are given.

    `response` says how the client wants them; `params` holds size, quality, style, background,
    output_format, …
    """

    prompt: str
    count: int = 1
    response: Literal["url", "b64_json"] | None = None
    images: tuple[Media, ...] = ()
    mask: Media | None = None
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Image(Struct, frozen=True, gc=False):
    """One image, and the prompt that it was really made from, where the provider says so."""

    media: Media
    revised_prompt: str | None = None


class Images(Struct, frozen=True, gc=False):
    """The images, in order; `created` is UTC seconds since 1970, None where not told."""

    images: tuple[Image, ...]
    created: int | None = None
    extra: JsonObject = EMPTY


class SpeechBody(Struct, frozen=True, gc=False):
    """Text to be spoken. `format` is mp3, opus, aac, flac, wav or pcm; `speed` 1.0 is normal."""

    text: str
    voice: str
    format: str = "mp3"
    speed: float | None = None
    instructions: str | None = None
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Speech(Struct, frozen=True, gc=False):
    """Spoken audio: bytes and their content type."""

    data: bytes
    mime: str


class TranscriptionBody(Struct, frozen=True, gc=False):
    """Audio to be written down. `response` is json, text, srt, verbose_json, vtt, …"""

    audio: bytes
    filename: str
    mime: str = ""
    language: str | None = None
    prompt: str | None = None
    response: str = "json"
    temperature: float | None = None
    params: JsonObject = EMPTY
    extra: JsonObject = EMPTY


class Transcript(Struct, frozen=True, gc=False):
    """What was said. `extra` keeps segments, words, language, duration as the provider told them;
    for a text answer (srt, vtt) `text` is the whole of it."""

    text: str
    extra: JsonObject = EMPTY


class ModerationBody(Struct, frozen=True, gc=False):
    """Texts or parts to be judged for safety."""

    inputs: tuple[str | tuple[Part, ...], ...]
    extra: JsonObject = EMPTY


class Moderation(Struct, frozen=True, gc=False):
    """One verdict an input: `flagged`, and the provider's categories and scores."""

    results: tuple[JsonObject, ...]


class TokenCount(Struct, frozen=True, gc=False):
    """How many input tokens a call would have; `exact` False: our estimate."""

    input_tokens: int
    exact: bool = True
    extra: JsonObject = EMPTY


OtherBody: TypeAlias = (
    EmbedBody | RerankBody | ImageBody | SpeechBody | TranscriptionBody | ModerationBody
)
ResultValue: TypeAlias = (
    Embeddings | Ranking | Images | Speech | Transcript | Moderation | TokenCount
)
