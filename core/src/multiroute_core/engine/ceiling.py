"""The output limit of a call, lowered to what a target gives.

Clients ask for more than some models give, often unasked (64,000 tokens is one tool's default). The
number is a ceiling: a lower one serves the call, and says so in a receipt.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from multiroute_core.api.call import Call, ChatBody
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import frozen

_NAMES: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""What formats call the limit, at the top of their documents."""


def fitted(call: Call, most: int | None) -> tuple[Call, tuple[Loss, ...]]:
    """The call with a limit that the target can take, and the receipt if it was lowered.

    `most`: tokens that the target gives at most, None unknown.
    """
    body = call.body
    if most is None or not isinstance(body, ChatBody):
        return call, ()
    wanted = body.max_output
    if wanted is None or wanted <= most:
        return call, ()
    doc = dict(call.doc)
    path = "max_output"
    for name in _NAMES:
        value = doc.get(name)
        if isinstance(value, int) and value > most:
            doc[name] = most
            path = name
    lowered = replace(call, body=replace(body, max_output=most), doc=frozen(doc))
    return lowered, (Loss(path, f"output limit of {wanted}", f"the target gives at most {most}"),)
