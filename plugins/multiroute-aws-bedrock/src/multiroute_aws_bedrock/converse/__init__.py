"""The Converse format: `/model/{id}/converse` and `converse-stream`, both ways.

How parts keep what this format has beyond them (origin "converse"):

* text: `name` says in what block it stood, where that was no plain text: "json" (a tool result's
  JSON), "guardContent", "citationsContent".
* thinking: text "" with a signature is redacted content, unless `id` is "omitted": then the text
  was withheld, and the signature is one.
* document: `extra["source"]` is set where the text came as text, or the place in S3 has an owner.
* cache points are marks of the part or tool before them; one that marks nothing is opaque.
* server tools and opaque parts: `content` is the native block.

Source: the vendor's API reference and service model (2023-09-30), and recorded traffic; where they
differ, the recorded bytes win.
"""

from multiroute_aws_bedrock.converse.reply_in import ConverseReader
from multiroute_aws_bedrock.converse.request_in import decode_call, decode_count
from multiroute_aws_bedrock.converse.request_out import encode_call, encode_count
from multiroute_aws_bedrock.converse.shape import WIRE
from multiroute_aws_bedrock.converse.usage import usage

__all__ = [
    "WIRE",
    "ConverseReader",
    "decode_call",
    "decode_count",
    "encode_call",
    "encode_count",
    "usage",
]
