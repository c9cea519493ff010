"""The Mistral adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    Encoded,
    Event,
    Head,
    JsonObject,
    ProviderRuntime,
    Relay,
    SpeechBody,
    Target,
)
from multiroute_core.wire.audio import MIMES
from multiroute_core.wire.chat import ChatAdapter, ChatQuirks, Fit
from multiroute_mistral.messages import fitting
from multiroute_mistral.settings import MistralSettings
from multiroute_mistral.speech import read_speech

_QUIRKS = ChatQuirks(
    limits=("max_tokens",),
    names={"seed": "random_seed"},
    takes_stream_options=False,
    takes_developer_role=False,
    thinking_field="reasoning_content",
    # It answers a field that it does not know with an error.
    refused=(
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "store",
        "service_tier",
        "verbosity",
        "modalities",
        "audio",
        "web_search_options",
        "safety_identifier",
        "top_k",
    ),
)


class Spoken(Struct, frozen=True, gc=False):
    """What the reader of spoken audio must know of its request: the content type asked for."""

    mime: str


class MistralProvider(ChatAdapter):
    """Speaks for one Mistral account.

    Its own fields (safe_prompt, random_seed, prefix, prompt_mode, …) go through as they are.
    """

    def __init__(self, settings: MistralSettings, runtime: ProviderRuntime) -> None:
        super().__init__(runtime, _QUIRKS)
        self._safe_prompt = settings.safe_prompt

    def relay(self, call: Call, target: Target) -> Relay | None:
        """As the format says, but for spoken audio: its answer has to be unpacked."""
        return None if call.operation == "speech" else super().relay(call, target)

    def encode(self, call: Call, target: Target) -> Encoded:
        """The call in this provider's format. Raises CannotEncode."""
        encoded = super().encode(call, target)
        if isinstance(call.body, SpeechBody):
            mime = MIMES.get(call.body.format, "application/octet-stream")
            return replace(encoded, memo=Spoken(mime))
        return encoded

    def decode(self, head: Head, body: bytes, memo: object) -> Sequence[Event]:
        """A whole reply; spoken audio comes in a document."""
        if isinstance(memo, Spoken):
            return read_speech(body, memo.mime)
        return super().decode(head, body, memo)

    def adjust(self, doc: JsonObject, call: Call, target: Target) -> Fit:
        """The document in Mistral's spelling, messages included."""
        change = super().adjust(doc, call, target)
        put = dict(change.put)
        messages, losses = fitting(put.get("messages", doc.get("messages")))
        if messages is not None:
            put["messages"] = messages
        user = doc.get("user")
        if user is not None:
            # It has no field for the end user, but takes metadata of any kind.
            held = doc.get("metadata")
            put["metadata"] = {"user_id": user, **(held if isinstance(held, Mapping) else {})}
        if self._safe_prompt is not None and doc.get("safe_prompt") is None:
            put["safe_prompt"] = self._safe_prompt
        drop = change.drop | {"user"} if user is not None else change.drop
        return replace(change, put=put, drop=drop, losses=(*change.losses, *losses))
