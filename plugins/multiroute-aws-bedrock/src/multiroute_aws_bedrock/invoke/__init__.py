"""InvokeModel: bodies of each model's maker, `/model/{id}/invoke` and its streaming twin.

A body that is another format's keeps that format's wire name ("messages", "chat", "converse"); the
prompts, embeddings and rerankings that only exist here are named "invoke.…" (see `shape`).
"""

from multiroute_aws_bedrock.invoke.reply_in import InvokeReader, whole
from multiroute_aws_bedrock.invoke.requests import (
    decode_call,
    decode_count,
    encode_call,
    encode_count,
)

__all__ = [
    "InvokeReader",
    "decode_call",
    "decode_count",
    "encode_call",
    "encode_count",
    "whole",
]
