"""Filters: why a candidate cannot serve a request. They remove, they never lower."""

from __future__ import annotations

from collections.abc import Iterator

from multiroute_core.api.routing import Candidate, Features, Verdict, View
from multiroute_core.routing.policy import Policy


def removed_by_needs(view: View, policy: Policy, needs: tuple[str, ...]) -> Iterator[Verdict]:
    """Candidates that lack what the request uses or the profile requires.

    A capability that is known to be absent removes; one that is unknown removes only where the
    profile requires it. Depends on `needs` alone, so that a caller may keep the outcome.
    """
    required = {need for need in policy.require if not need.endswith("?")}
    required |= {n.rstrip("?") for n in policy.require if n.endswith("?") and n[:-1] in needs}
    for index, candidate in enumerate(view.candidates):
        verdict = _capability(index, candidate, needs, required)
        if verdict is not None:
            yield verdict


def _capability(
    index: int, candidate: Candidate, needs: tuple[str, ...], required: set[str]
) -> Verdict | None:
    known = candidate.capabilities
    for need in needs:
        if known.get(need) is False:
            return Verdict(index, "capability", f"it cannot do {need}, which the request uses")
    for need in sorted(required):
        if known.get(need) is not True:
            why = "it cannot do" if need in known else "it is not known to do"
            return Verdict(index, "require", f"{why} {need}, which the profile requires")
    return None


OF_THE_REQUEST = frozenset({"context", "capability", "require", "operation", "continuation"})
"""Filters that speak of the request, not of the candidates' state: trying again changes nothing."""
_NEEDS_OPERATION = {"count_tokens": "chat", "image_edits": "images"}


def removed_by_operation(view: View, operation: str) -> Iterator[Verdict]:
    """Candidates that are known not to do this operation at all."""
    wanted = _NEEDS_OPERATION.get(operation, operation)
    for index, candidate in enumerate(view.candidates):
        known = candidate.operations
        if known and wanted not in known and operation not in known:
            reason = f"it does {', '.join(known)}, not {operation}"
            yield Verdict(index, "operation", reason)


def removed_by_continuation(view: View, continues: str) -> Iterator[Verdict]:
    """Candidates that do not speak the format in which the conversation must go on.

    Where no candidate speaks it, it is some provider's own mark, which only that provider reads:
    then nothing is removed, and a codec that cannot carry it says so.
    """
    if not any(continues in candidate.target.wires for candidate in view.candidates):
        return
    for index, candidate in enumerate(view.candidates):
        spoken = candidate.target.wires
        if spoken and continues not in spoken:
            reason = f"it speaks {', '.join(spoken)}; the conversation goes on in {continues}"
            yield Verdict(index, "continuation", reason)


def removed_by_size(view: View, features: Features) -> Iterator[Verdict]:
    """Candidates whose context the request exceeds. Unknown limits pass.

    An output limit above a candidate's removes nothing: it is a ceiling, which the engine lowers.
    """
    wanted = features.input_tokens
    for index, candidate in enumerate(view.candidates):
        context = candidate.context
        if context is not None and wanted > context:
            reason = f"about {wanted} input tokens exceed its context of {context}"
            yield Verdict(index, "context", reason)
