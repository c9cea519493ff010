"""Counting tokens where no target can: an estimate that says so."""

from __future__ import annotations

from typing import Final

from multiroute_core.api.events import Finish, Result, Start
from multiroute_core.api.faults import Loss
from multiroute_core.api.operations import TokenCount
from multiroute_core.api.upstream import Head
from multiroute_core.engine import Answer, Plan, Sink

NOT_COUNTED: Final = frozenset({"loss_refused", "no_candidate"})
"""Faults that say that no target counts tokens, not that one failed to."""


async def estimate(plan: Plan, call_id: str, sink: Sink) -> None:
    """Answer a count_tokens call from the text's length, with a receipt for the lost exactness."""
    tokens = plan.features.input_tokens
    why = "no target of this profile counts tokens"
    loss = Loss("input_tokens", "exact count: this is an estimate", why)
    head = Head(200, ())
    model = plan.candidates[0].target.model if plan.candidates else ""
    answer = Answer(call_id, plan.decision_id, plan.profile, "estimate", model, 0, (loss,), head)
    await sink.begin(answer)
    result = Result(TokenCount(tokens, exact=False))
    await sink.send((Start("", model), result, Finish("stop", "")), None)
    await sink.end(None)
