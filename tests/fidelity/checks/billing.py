"""`billing`: usage buckets are disjoint and sum to the provider's total; where it reports its
price, ours is that."""

from __future__ import annotations

from collections.abc import Iterator

from multiroute_core.api.usage import Usage
from tests.fidelity.harness import Run
from tests.fidelity.oracle.reading import tell
from tests.fidelity.oracle.told import Counts

_TOLERANCE_PUSD = 1
_TOKENS = (
    "input_fresh",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "output_text",
    "output_reasoning",
)


def check(run: Run) -> list[str] | None:
    """What is wrong with the usage of a reply that reports any."""
    record = run.record
    if not record.ok or not record.body.strip():
        return None
    counts = tell(run.way.oracle, record.body, record.framing).counts
    if counts is None or not (counts.totals or counts.cost_pusd is not None):
        return None
    used = run.reply.usage
    if used is None:
        return ["usage is gone"]
    return list(_wrong(counts, used))


def _wrong(counts: Counts, used: Usage) -> Iterator[str]:
    tokens = [getattr(used, name) for name in _TOKENS] + [count for _, count in used.media]
    if any(count is not None and count < 0 for count in tokens):
        yield "a bucket is negative"
    total = sum(count for count in tokens if count is not None)
    if counts.totals and total not in counts.totals:
        yield f"the buckets sum to {total}, the provider says {sorted(counts.totals)}"
    said, ours = counts.cost_pusd, used.reported_cost_pusd
    if said is not None and (ours is None or abs(ours - said) > _TOLERANCE_PUSD):
        yield f"reported cost {said} pico-USD became {ours}"
