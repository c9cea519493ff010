"""One check over one provider's API, as the tests and the planted adapters run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from tests.fidelity import corpus, registry
from tests.fidelity.checks import (
    billing,
    continuity,
    dialects,
    faults,
    losses,
    oracle,
    roundtrip,
    stream,
)
from tests.fidelity.checks.outcome import Check, Outcome, judged, raised
from tests.fidelity.harness import Run, run_of

CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "oracle": oracle.check,
        "faults": faults.check,
        "roundtrip": roundtrip.check,
        "stream": stream.check,
        "dialects": dialects.check,
        "continuity": continuity.check,
        "billing": billing.check,
    }
)
"""The checks that look at recorded exchanges. `losses` makes requests of its own."""

NAMES = (*CHECKS, "losses")


def outcome(check: str, provider: str, api: str) -> Outcome:
    """One check over all recordings of one provider's API."""
    if check == "losses":
        return losses_outcome(provider, api)
    listed = corpus.records(provider, api)
    return over(CHECKS[check], (run_of(provider, api, at) for at in range(len(listed))))


def over(check: Check, runs: Iterable[Run]) -> Outcome:
    """One check over some runs."""
    found = Outcome()
    for run in runs:
        found.add(run.record.id, judged(check, run))
    return found


def losses_outcome(provider: str, api: str) -> Outcome:
    """Random requests of every dialect through one adapter; an id names dialect and seed."""
    found = Outcome()
    wire = losses.wire_of(api)
    if wire is None:
        return found
    record = corpus.records(provider, api)[0]
    for name, seed in losses.cases():
        judge: Callable[[], list[str]] = lambda n=name, s=seed: losses.judge(  # noqa: E731
            record, wire, n, s
        )
        found.add(f"{name}-{seed}", raised(judge))
    return found


def groups() -> tuple[tuple[str, str], ...]:
    """(provider, api) in scope, of the recordings that there are."""
    return tuple(group for group in corpus.groups() if registry.in_scope(group[0]))


def left_out() -> dict[str, str]:
    """Record id → why the round trip cannot be made of it. No record is left out of all checks."""
    return {
        record.id: reason
        for record in corpus.every_record()
        if registry.in_scope(record.provider)
        and (reason := roundtrip.not_recorded(record)) is not None
    }
